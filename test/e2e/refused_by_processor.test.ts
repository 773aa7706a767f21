import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { problemsOf } from '../archive_check.ts'
import { newDir, root, runToEnd, start, stop, until } from './auditcol.ts'
import { countsOf, objectsIn } from './leaves.ts'
import { archivedIds, idsIn, send } from './records.ts'

const config = (words: string, service = '') => `
receivers:
  otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } }
processors:
  refusing: { type: ${join(root, 'test/fixtures/refusing.ts')}, refuse: ${words} }
  batch: { timeout: 50ms }
exporters:
  awss3: { s3uploader: { s3_bucket: 'file:./archive' } }
service:
  ${service}
  pipelines:
    logs: { receivers: [otlp], processors: [refusing, batch], exporters: [awss3] }
`

test('L4, L6: what a processor refuses is a letter, what else came with it arrives, and the counts add up', {
  timeout: 60_000
}, async () => {
  const dir = newDir()
  const words = join(dir, 'words')
  writeFileSync(words, 'bad worse')
  const letters = async (...args: string[]) => {
    const { output, code } = await runToEnd({ dir, args: ['dead-letters', ...args] })
    expect(code, output).toBe(0)
    return output
  }
  const auditcol = await start({ dir, config: config(words) })
  const heard = [
    await send(auditcol.http, ['a', 'bad-1', 'b', 'drop-1', 'bad-2']),
    await send(auditcol.http, ['bad-3', 'bad-4']),
    await send(auditcol.http, ['c', 'worse-1'])
  ]
  expect(heard.map(({ status }) => status)).toEqual([200, 200, 200])
  await until(() => archivedIds(join(dir, 'archive')).length === 3)

  const list = (await letters()).trimEnd().split('\n')
  expect(list).toHaveLength(3)
  expect(list[0]).toMatch(
    /logs\/awss3 {2}from otlp {2}by refusing {2}\d records {2}processing: nobody/
  )
  expect(await letters('list', '--reason', 'worse', '--receiver', 'otlp')).toMatch(
    /^\S+-.* 1 record/
  )
  expect(await letters('list', '--lane', 'logs/other')).toBe('no dead letters\n')
  expect(await letters('list', '--until', '1h')).toBe('no dead letters\n')
  expect(await letters('export', '--since', '1h', '--output', 'letters.jsonl')).toBe(
    'letters.jsonl has 3 dead letters\n'
  )
  const exported = readFileSync(join(dir, 'letters.jsonl'), 'utf8')
  expect(idsIn(exported).toSorted()).toEqual(['bad-1', 'bad-2', 'bad-3', 'bad-4', 'worse-1'])
  expect(
    exported
      .trimEnd()
      .split('\n')
      .map((line) => Object.keys(JSON.parse(line)))
  ).toEqual(list.map(() => ['resourceLogs']))

  writeFileSync(words, 'worse')
  expect(await letters('replay', '--reason', 'nobody wants bad')).toBe(
    'on the way again: 2 dead letters with 4 records\n'
  )
  await until(() => archivedIds(join(dir, 'archive')).length === 7)
  expect(await stop(auditcol)).toBe(0)
  expect(archivedIds(join(dir, 'archive')).toSorted()).toEqual([
    'a',
    'b',
    'bad-1',
    'bad-2',
    'bad-3',
    'bad-4',
    'c'
  ])
  expect((await letters()).trimEnd().split('\n')).toHaveLength(1)

  const objects = objectsIn(join(dir, 'archive'))
  expect(problemsOf(objects)).toEqual([])
  // Nine records came in, four of them once more.
  expect(countsOf(objects)).toEqual({ in: 13, out: 7, dropped: 1, dead: 5, elsewhere: 0 })
})

test("L8: without a journal a processor's throw goes back to its sender", {
  timeout: 60_000
}, async () => {
  const dir = newDir()
  const words = join(dir, 'words')
  writeFileSync(words, 'bad')
  const auditcol = await start({ dir, config: config(words, 'journal: false') })
  const [refused, taken] = await Promise.all([
    send(auditcol.http, ['a', 'bad-1']),
    send(auditcol.http, ['b'])
  ])
  expect(refused.status).toBe(500)
  expect(JSON.parse(refused.body).message).toBe('processing')
  expect(taken.status).toBe(200)
  expect(await stop(auditcol)).toBe(0)
  expect(archivedIds(join(dir, 'archive'))).toEqual(['b'])
})
