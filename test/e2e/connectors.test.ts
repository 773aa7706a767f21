import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { problemsOf } from '../archive_check.ts'
import { newDir, root, runToEnd, start, stop, until } from './auditcol.ts'
import { createBackend, quickRetries } from './backend.ts'
import { countsOf, objectsIn } from './leaves.ts'
import { archivedIds, idsOf, send } from './records.ts'

const timeout = 60_000

/** Records with `eu` in their id go to one archive, with `us` to another, others to a third; all to a live backend. */
const regions = (live: string, service = '') => `
receivers:
  otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } }
processors:
  batch: { timeout: 50ms }
  filter: { log_conditions: ['IsMatch(log.body, "noise")'] }
connectors:
  forward:
  routing:
    table:
      - { context: log, condition: 'IsMatch(body, "eu")', pipelines: [logs/eu] }
      - { context: log, condition: 'IsMatch(body, "us")', pipelines: [logs/us] }
    default_pipelines: [logs/rest]
exporters:
  awss3/eu: { s3uploader: { s3_bucket: 'file:./eu' } }
  awss3/us: { s3uploader: { s3_bucket: 'file:./us' } }
  awss3/rest: { s3uploader: { s3_bucket: 'file:./rest' } }
  live: { ${live} }
service:
  ${service}
  pipelines:
    logs/in: { receivers: [otlp], processors: [filter], exporters: [routing, forward] }
    logs/live: { receivers: [forward], exporters: [live] }
    logs/eu: { receivers: [routing], processors: [batch], exporters: [awss3/eu] }
    logs/us: { receivers: [routing], processors: [filter], exporters: [awss3/us] }
    logs/rest: { receivers: [routing], exporters: [awss3/rest] }
`

test('records take their route once, and each archive tells what went elsewhere from what was dropped', {
  timeout
}, async () => {
  const live = createBackend('take')
  const auditcol = await start({ config: regions(live.keys) })
  const { dir, http } = auditcol
  const archived = (name: string) => archivedIds(join(dir, name)).toSorted()
  // The first object of each is the birth of its archive, whose counts begin there.
  expect(await send(http, ['eu-1', 'us-1', 'x-1'])).toMatchObject({ status: 200 })
  for (const name of ['eu', 'us', 'rest']) await until(() => archived(name).length === 1)
  // Nothing of these goes to the others: their positions count it.
  for (const id of ['eu-2', 'eu-3']) await send(http, [id])
  expect(await send(http, ['us-2', 'x-2', 'noise-1', 'us-noise', 'eu-4'])).toMatchObject({
    status: 200
  })
  await until(() => live.taken().length === 8)
  expect(await stop(auditcol)).toBe(0)
  expect(live.taken().join()).toBe('eu-1,us-1,x-1,eu-2,eu-3,us-2,x-2,eu-4')
  expect(archived('eu')).toEqual(['eu-1', 'eu-2', 'eu-3', 'eu-4'])
  expect(archived('us')).toEqual(['us-1', 'us-2'])
  expect(archived('rest')).toEqual(['x-1', 'x-2'])
  for (const name of ['eu', 'us', 'rest']) {
    expect(problemsOf(objectsIn(join(dir, name)))).toEqual([])
  }
  expect(countsOf(objectsIn(join(dir, 'eu')))).toMatchObject({
    in: 10,
    out: 4,
    routed: 4,
    dropped: 2
  })
  expect(countsOf(objectsIn(join(dir, 'us')))).toMatchObject({
    in: 10,
    out: 2,
    routed: 6,
    dropped: 2
  })
  expect(countsOf(objectsIn(join(dir, 'rest')))).toMatchObject({
    in: 10,
    out: 2,
    routed: 6,
    dropped: 2
  })
  expect(auditcol.output()).toContain('lane logs/in+forward+logs/live/live delivers to')
  expect(auditcol.output()).toMatch(
    /lane logs\/in\+routing\+logs\/us\/awss3\/us: 2 records delivered.*, dropped by logs\/in\+filter log_conditions\[0\] 2/
  )
  const { output } = await runToEnd({ dir, args: ['journal'] })
  expect(output.match(/^ {2}logs\/in\+\S+ \(\w+\) {2}0 records undelivered/gm)).toHaveLength(4)
})

test('a dead backend stops neither the archives nor the frames that go elsewhere', {
  timeout
}, async () => {
  const live = createBackend('fail')
  const auditcol = await start({ config: regions(`${live.keys}, ${quickRetries}`) })
  const { dir, http } = auditcol
  const ids = idsOf('eu', 50)
  for (const id of ids) await send(http, [id, id.replace('eu', 'x')])
  for (const name of ['eu', 'rest']) await until(() => archivedIds(join(dir, name)).length === 50)
  expect(live.taken()).toEqual([])
  auditcol.signal('SIGKILL')
  await auditcol.exit
  live.become('take')
  const next = await start({ dir })
  await until(() => live.taken().length === 100)
  expect(await stop(next)).toBe(0)
  expect(new Set(live.taken()).size).toBe(100)
  expect(archivedIds(join(dir, 'eu')).toSorted()).toEqual(ids.toSorted())
})

test('L5: the same processor in two pipelines of one lane: a letter goes back to the one that refused it', {
  timeout
}, async () => {
  const dir = newDir()
  const words = join(dir, 'words')
  writeFileSync(words, 'first')
  const backend = createBackend('take')
  const config = `
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }
processors:
  refusing: { type: ${join(root, 'test/fixtures/refusing.ts')}, refuse: ${words} }
  filter: { log_conditions: ['IsMatch(log.body, "dropped")'] }
connectors: { forward: }
exporters: { backend: { ${backend.keys} } }
service:
  pipelines:
    logs/in: { receivers: [otlp], processors: [refusing, filter], exporters: [forward] }
    logs/out: { receivers: [forward], processors: [refusing], exporters: [backend] }
`
  const auditcol = await start({ dir, config })
  const letters = async (...args: string[]) =>
    (await runToEnd({ dir, args: ['dead-letters', ...args] })).output
  await send(auditcol.http, ['first-dropped', 'a'])
  await until(() => backend.taken().length === 1)
  expect(await letters()).toContain('by logs/in+refusing  1 record')
  writeFileSync(words, 'second')
  await send(auditcol.http, ['second', 'b'])
  await until(() => backend.taken().length === 2)
  expect(await letters()).toContain('by logs/in+refusing  1 record  processing')
  writeFileSync(words, 'nothing')
  await letters('replay')
  await until(() => backend.taken().length === 3)
  expect(await stop(auditcol)).toBe(0)
  // The filter behind the first has dropped the other.
  expect(backend.taken()).toEqual(['a', 'b', 'second'])
  expect(await letters()).toBe('no dead letters\n')
})

test('L7: a lane whose way has changed refuses start, and goes on under its new name', {
  timeout
}, async () => {
  const backend = createBackend('fail')
  const head = `
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }
exporters: { backend: { ${backend.keys}, ${quickRetries} } }
`
  const before = `${head}service: { pipelines: { logs: { receivers: [otlp], exporters: [backend] } } }`
  const after = `${head}connectors: { forward: }
service:
  pipelines:
    logs/in: { receivers: [otlp], exporters: [forward] }
    logs: { receivers: [forward], exporters: [backend] }
`
  const auditcol = await start({ config: before })
  const { dir } = auditcol
  await send(auditcol.http, ['a'])
  expect(await stop(auditcol)).toBe(0)
  const name = 'logs/in+forward+logs/backend'
  expect(await runToEnd({ dir, config: after })).toMatchObject({
    code: 1,
    output: expect.stringContaining('1 record undelivered for logs/backend')
  })
  const renamed = await runToEnd({ dir, args: ['journal', 'rename', 'logs/backend', name] })
  expect(renamed.output).toBe(`logs/backend is now ${name}\n`)
  backend.become('take')
  const next = await start({ dir })
  await send(next.http, ['b'])
  await until(() => backend.taken().length === 2)
  expect(await stop(next)).toBe(0)
  expect(backend.taken()).toEqual(['a', 'b'])
})

test('L8: without a journal a sender is answered when every way has delivered, also with nothing', {
  timeout
}, async () => {
  const live = createBackend('take')
  const auditcol = await start({ config: regions(live.keys, 'journal: false') })
  const { dir, http } = auditcol
  expect(await send(http, ['us-1', 'x-1', 'noise-1'])).toMatchObject({ status: 200 })
  expect(archivedIds(join(dir, 'us'))).toEqual(['us-1'])
  expect(archivedIds(join(dir, 'rest'))).toEqual(['x-1'])
  expect(live.taken()).toEqual(['us-1', 'x-1'])
  expect(await stop(auditcol)).toBe(0)
  expect(countsOf(objectsIn(join(dir, 'us')))).toMatchObject({
    in: 3,
    out: 1,
    routed: 1,
    dropped: 1
  })
})
