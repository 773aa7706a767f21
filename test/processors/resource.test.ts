import fc from 'fast-check'
import { expect, test } from 'vitest'
import resource, { config } from '../../processors/resource.ts'
import type { LaneContext } from '../../src/component.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { testProcessor } from '../contract/processor.ts'
import { arbitraryRequest } from '../logs/arbitrary_logs.ts'
import { encodeSecond } from '../logs/second_codec.ts'
import { attributesOf, jsonOf, logsOf, through } from './run.ts'

const make = (attributes: object[]) => (context: LaneContext) =>
  resource(config.parse({ attributes }), context)
const prod = { key: 'env', value: 'prod', action: 'upsert' }

testProcessor('resource', make([prod]), { changes: true })
testProcessor('resource that changes nothing', make([{ key: 'x', action: 'delete' }]))

const service = (name: string, records: number) => ({
  resource: { attributes: attributesOf({ 'service.name': name }) },
  scopeLogs: [{ logRecords: Array.from({ length: records }, () => ({})) }]
})

test('changes are counted by the records below the resources', () => {
  const { after, counts } = through(
    make([prod, { key: 'service.name', value: 'a', action: 'update' }]),
    logsOf([service('a', 2), service('b', 3)])
  )
  const found = jsonOf(after!).resourceLogs.map(
    (one: { resource: { attributes: object[] } }) => one.resource.attributes
  )
  const both = attributesOf({ 'service.name': 'a', env: 'prod' })
  expect(found).toEqual([both, both])
  expect(counts).toEqual({
    'changed by under_test attributes[0]': 5,
    'changed by under_test attributes[1]': 3
  })
})

test('resource logs without a resource get one', () => {
  const { after } = through(make([prod]), logsOf([{ scopeLogs: [{ logRecords: [{}] }] }]))
  expect(jsonOf(after!).resourceLogs[0].resource).toEqual({
    attributes: attributesOf({ env: 'prod' })
  })
})

test('whatever came: only the attributes of resources differ', () => {
  fc.assert(
    fc.property(arbitraryRequest, (request) => {
      const before = checkLogs(encodeSecond(request))
      if (before.records === 0) return
      const actions = [prod, { pattern: '^[01a]', action: 'hash' }]
      const { after } = through(make(actions), before)
      const [was, is] = [jsonOf(before), jsonOf(after!)]
      for (const { resource } of [...was.resourceLogs, ...is.resourceLogs])
        delete resource?.attributes
      const bare = ({ resource = {}, ...rest }) => ({ resource, ...rest })
      expect(is.resourceLogs.map(bare)).toEqual(was.resourceLogs.map(bare))
    }),
    { numRuns: 300 }
  )
})
