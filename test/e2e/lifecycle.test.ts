import { join } from 'node:path'
import { expect, test } from 'vitest'
import { grpcClient } from '../otlp/grpc_client.ts'
import { otlpRequest } from '../otlp/request.ts'
import { root, start, stop, until } from './auditcol.ts'
import { createBackend, quickRetries } from './backend.ts'
import { pipelineOf } from './pipeline.ts'
import { archivedIds, beginToSend, idsIn, objectsOf, send } from './records.ts'

const timeout = 60_000

/** The shipped pipeline.yaml, on ports that are free. */
const shipped = {
  args: [
    ...['run', '--config', join(root, 'pipeline.yaml')],
    ...['--set', 'receivers::otlp::protocols::grpc::endpoint=127.0.0.1:0'],
    ...['--set', 'receivers.otlp.protocols.http.endpoint=127.0.0.1:0']
  ]
}

test('the shipped pipeline.yaml: what it prints at start, and the record of its own curl line in an object after Ctrl-C', {
  timeout
}, async () => {
  const auditcol = await start(shipped)
  expect(auditcol.output()).toMatch(/receiver otlp listens on gRPC 127\.0\.0\.1:\d+/)
  expect(auditcol.output()).toMatch(/receiver otlp listens on HTTP 127\.0\.0\.1:\d+/)
  expect(auditcol.output()).toContain('journal ./journal: at most 8.0 GiB, 0 records waiting')
  expect(auditcol.output()).toContain('lane logs/awss3 delivers to file:./archive')
  expect(auditcol.output()).toMatch(/memory: at most \d+ MiB/)

  const [, url, type, body] =
    /curl (\S+) -H '([^']+)' -d '([^']+)'/.exec(auditcol.output()) ?? expect.unreachable()
  const [name, value] = type!.split(': ')
  const answer = await fetch(url!, { method: 'POST', headers: { [name!]: value! }, body: body! })
  expect(answer.status).toBe(200)

  expect(await stop(auditcol)).toBe(0)
  const [object, ...others] = objectsOf(join(auditcol.dir, 'archive'))
  expect(others).toEqual([])
  expect(object?.key).toMatch(
    /archive\/audit\/year=\d{4}\/month=\d\d\/day=\d\d\/hour=\d\d\/[^/]+\.json\.zst$/
  )
  expect(JSON.parse(`${object?.content}`)).toMatchObject(JSON.parse(body!))
  expect(auditcol.output()).toContain('receiver otlp: 1 record accepted')
  expect(auditcol.output()).toMatch(
    /lane logs\/awss3: 1 record delivered, objects 1, bytes \d+, commits 1\n/
  )
})

test('SIGTERM drains: what was accepted over HTTP and gRPC is in the archive', {
  timeout
}, async () => {
  const auditcol = await start(shipped)
  const client = grpcClient(auditcol.grpc)
  expect(await client.send(otlpRequest(3, 'event(over-grpc)'))).toMatchObject({ code: 0 })
  client.close()
  expect(await send(auditcol.http, ['over-http'])).toMatchObject({ status: 200 })
  auditcol.signal('SIGTERM')
  expect(await auditcol.exit).toBe(0)
  const found = archivedIds(join(auditcol.dir, 'archive'))
  expect(found).toEqual(['over-grpc', 'over-grpc', 'over-grpc', 'over-http'])
  expect(auditcol.output()).toContain('receiver otlp: 4 records accepted')
  expect(auditcol.output()).toContain('lane logs/awss3: 4 records delivered')
})

test('two signals at once, as npm and the terminal send them, are one: it drains', {
  timeout
}, async () => {
  const backend = createBackend('hang')
  const auditcol = await start({ config: pipelineOf({ backend: backend.keys }) })
  expect(await send(auditcol.http, ['kept'])).toMatchObject({ status: 200 })
  await until(() => backend.calls().length > 0)
  auditcol.signal('SIGINT')
  auditcol.signal('SIGTERM')
  await until(() => auditcol.output().includes('stopping: answering'))
  backend.become('take')
  expect(await auditcol.exit).toBe(0)
  expect(backend.taken()).toEqual(['kept'])
})

test('a second signal later ends it at once, what is left stays in the journal', {
  timeout
}, async () => {
  const backend = createBackend('hang')
  const config = pipelineOf({ backend: `${backend.keys}, timeout: 0` })
  const auditcol = await start({ config })
  expect(await send(auditcol.http, ['kept'])).toMatchObject({ status: 200 })
  await until(() => backend.calls().length > 0)
  auditcol.signal('SIGINT')
  const again = setInterval(() => auditcol.signal('SIGINT'), 300)
  expect(await auditcol.exit).toBe(0)
  clearInterval(again)
  expect(auditcol.output()).toContain('1 wait in the journal')
  expect(backend.taken()).toEqual([])
})

test('a request in flight at SIGTERM is answered, and its records are delivered', {
  timeout
}, async () => {
  const auditcol = await start(shipped)
  const half = await beginToSend(auditcol.http, ['half-sent'])
  auditcol.signal('SIGTERM')
  await until(() => auditcol.output().includes('stopping: answering'))
  expect(await half.finish()).toMatchObject({ status: 200 })
  expect(await auditcol.exit).toBe(0)
  expect(archivedIds(join(auditcol.dir, 'archive'))).toEqual(['half-sent'])
})

test('a dead exporter at stop: the records stay, and the next start delivers each of them once', {
  timeout
}, async () => {
  const backend = createBackend('fail')
  const config = pipelineOf({ backend: `${backend.keys}, ${quickRetries}` })
  const first = await start({ config })
  for (const id of ['a', 'b', 'c']) {
    expect(await send(first.http, [id])).toMatchObject({ status: 200 })
  }
  await until(() => first.output().includes('exporting failed, nothing is lost'))
  expect(await stop(first)).toBe(0)
  expect(first.output()).toContain('lane logs/backend: 0 records delivered; 3 wait in the journal')

  backend.become('hang')
  const second = await start({ dir: first.dir })
  expect(second.output()).toContain('journal ./journal: at most 8.0 GiB, 3 records waiting')
  backend.become('take')
  await until(() => backend.taken().length >= 3)
  expect(await stop(second)).toBe(0)
  const third = await start({ dir: first.dir })
  expect(third.output()).toContain('0 records waiting')
  expect(await stop(third)).toBe(0)
  expect(backend.taken()).toEqual(['a', 'b', 'c'])
})

test('an exporter that does not heed its signal cannot keep it from stopping', {
  timeout
}, async () => {
  const backend = createBackend('deaf')
  const auditcol = await start({
    config: pipelineOf({ backend: `${backend.keys}, timeout: 100ms` })
  })
  expect(await send(auditcol.http, ['kept'])).toMatchObject({ status: 200 })
  await until(() => backend.calls().length > 0)
  auditcol.signal('SIGINT')
  const again = setInterval(() => auditcol.signal('SIGINT'), 300)
  expect(await auditcol.exit).toBe(0)
  clearInterval(again)
  expect(auditcol.output()).toContain('1 wait in the journal')

  backend.become('take')
  const next = await start({ dir: auditcol.dir })
  await until(() => backend.taken().length > 0)
  expect(await stop(next)).toBe(0)
  expect(backend.taken()).toEqual(['kept'])
})

test('records that are large and many arrive whole', { timeout }, async () => {
  const auditcol = await start(shipped)
  const ids = ['large-1', 'large-2', 'large-3']
  const answers = await Promise.all(ids.map((id) => send(auditcol.http, [id], 2 ** 20)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
  expect(await stop(auditcol)).toBe(0)
  const [object] = objectsOf(join(auditcol.dir, 'archive'))
  expect(idsIn(object!.content).sort()).toEqual(ids)
  expect(object!.content.length).toBeGreaterThan(3 * 2 ** 20)
})
