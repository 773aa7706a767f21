import { join } from 'node:path'
import { expect, test } from 'vitest'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { append, open } from '../journal/harness.ts'
import { newDir, runToEnd, start, stop, until } from './auditcol.ts'
import { createBackend } from './backend.ts'
import { pipelineOf } from './pipeline.ts'
import { requestOf } from './records.ts'

test('a frame that does not read, of whatever version, is a dead letter with its bytes, and its lane goes on', {
  timeout: 60_000
}, async () => {
  const dir = newDir()
  const journal = await open(join(dir, 'journal'))
  const lane = await journal.bear('logs/backend')
  await append(journal, 'this is no OTLP', [lane])
  const sound = logsFromJson(Buffer.from(requestOf(['a'])))
  await append(journal, Buffer.concat(sound.chunks).toString('latin1'), [lane])
  await journal.close()

  const backend = createBackend('take')
  const auditcol = await start({ dir, config: pipelineOf({ backend: backend.keys }) })
  await until(() => backend.taken().length === 1)
  expect(await stop(auditcol)).toBe(0)
  expect(backend.taken()).toEqual(['a'])
  const letters = async (...args: string[]) =>
    (await runToEnd({ dir, args: ['dead-letters', ...args] })).output
  const list = await letters()
  expect(list).toMatch(/by journal {2}1 records {2}the frame does not read: /)
  const [id = ''] = list.split(' ')
  const bytesValue = Buffer.from('this is no OTLP').toString('base64')
  expect(await letters('show', id)).toContain(`"bytesValue":"${bytesValue}"`)
  const { resourceLogs } = JSON.parse(await letters('export'))
  expect(resourceLogs[0].scopeLogs[0].logRecords[0].body).toEqual({ bytesValue })
  expect(await letters('replay')).toBe(
    '0 dead letters with 0 records are on their way again; 1 are bytes that no component can read: export them\n'
  )
})
