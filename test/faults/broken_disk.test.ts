import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFailed, test } from 'vitest'
import { problemsOf } from '../archive_check.ts'
import { type Auditcol, newDir, root, runToEnd, start, stop, until } from '../e2e/auditcol.ts'
import { type Backend, createBackend } from '../e2e/backend.ts'
import { pipelineOf } from '../e2e/pipeline.ts'
import { send } from '../e2e/records.ts'
import { idsInLetters } from './engine.ts'
import type { Fault } from './failing_disk.ts'
import { filesOf, idsOfRecords } from './once.ts'

const timeout = 60_000
const hook = join(root, 'test/faults/failing_disk.ts')
const quick = 'retry_on_failure: { initial_interval: 20ms, max_interval: 50ms }'
const s3uploader =
  's3uploader: { region: us-east-1, s3_bucket: "file:./archive", s3_partition_format: "" }'

/** More than what a segment of the smallest journal takes: the next frames go to a new one. */
const enoughToRotate = 600_000

interface Life {
  readonly auditcol: Auditcol
  readonly backend: Backend
  readonly acknowledged: string[]
}

/** Sends three records on a good disk, then breaks it and sends until a request fails or something else tells of the fault. */
async function breaks(fault: Omit<Fault, 'code' | 'armedBy'>, padding = 0): Promise<Life> {
  const backend = createBackend('take')
  const service = '  journal: { max_size: 4MiB, min_free: 0 }'
  const exporters = { awss3: `${quick}, ${s3uploader}`, backend: `${backend.keys}, ${quick}` }
  const armedBy = join(newDir(), 'armed')
  const auditcol = await start({
    config: pipelineOf(exporters, { service }),
    env: {
      NODE_OPTIONS: `--import=${hook}`,
      AUDITCOL_FAULT: JSON.stringify({ code: 'EIO', ...fault, armedBy })
    }
  })
  onTestFailed(() => void process.stdout.write(auditcol.output()))
  const acknowledged: string[] = []
  const sendOne = async (id: string, more = 0) => {
    const answer = await send(auditcol.http, [id], more).catch(() => undefined)
    if (answer?.status === 200) acknowledged.push(id)
  }
  for (const id of ['a', 'b', 'c']) await sendOne(id)
  await until(() => idsOfRecords(filesOf(join(auditcol.dir, 'archive'))).length === 3)
  expect(acknowledged).toEqual(['a', 'b', 'c'])
  backend.become(fault.path.includes('dead') ? 'refuse' : 'take')
  writeFileSync(armedBy, '')
  for (const id of ['d', 'e']) await sendOne(id, padding)
  return { auditcol, backend, acknowledged }
}

/** What was acknowledged is in the archive once, and has reached the other lane or its dead letters. */
async function expectKept({ auditcol, backend, acknowledged }: Life) {
  const { dir } = auditcol
  const archive = filesOf(join(dir, 'archive'))
  expect(problemsOf(archive)).toEqual([])
  const ids = idsOfRecords(archive)
  expect(ids).toEqual(expect.arrayContaining(acknowledged))
  expect(new Set(ids).size).toBe(ids.length)
  const others = [...backend.taken(), ...idsInLetters(join(auditcol.dir, 'journal'))]
  expect(others).toEqual(expect.arrayContaining(acknowledged))
}

test.each<[string, Omit<Fault, 'code' | 'armedBy'>, RegExp, number?]>([
  ['write to a segment', { on: ['write'], path: '\\.wal$' }, /writing to \.\/journal: EIO/],
  ['sync of a segment', { on: ['sync'], path: '\\.wal$' }, /syncing .*\.wal: EIO/],
  [
    'write of a new segment',
    { on: ['write'], path: '\\.wal\\.new$' },
    /writing .*\.wal\.new: EIO/,
    enoughToRotate
  ],
  [
    'sync of a new segment',
    { on: ['sync'], path: '\\.wal\\.new$' },
    /syncing .*\.wal\.new: EIO/,
    enoughToRotate
  ],
  [
    "sync of the journal's directory",
    { on: ['sync'], path: '/journal$' },
    /syncing .*journal: EIO/,
    enoughToRotate
  ],
  ['sync of a spool file', { on: ['sync'], path: '\\.spool$' }, /syncing .*\.spool: EIO/],
  ["sync of the spool's directory", { on: ['sync'], path: '/spool$' }, /syncing .*spool: EIO/],
  ['sync of a dead letter', { on: ['sync'], path: '/dead/' }, /syncing .*\.letter\.new: EIO/],
  ["sync of the letters' directory", { on: ['sync'], path: '/dead$' }, /syncing .*dead: EIO/],
  [
    "sync of the archive's directory",
    { on: ['sync'], path: '/archive(/.auditcol.*)?$' },
    /syncing .*archive.*: EIO/
  ]
])(
  'J6: after a failed %s the program ends and says so; the next start has everything',
  {
    timeout
  },
  async (_, fault, message, padding) => {
    const life = await breaks(fault, padding)
    expect(await life.auditcol.exit).toBe(1)
    expect(life.auditcol.output()).toMatch(/error stopping error=/)
    expect(life.auditcol.output()).toMatch(message)
    const next = await start({ dir: life.auditcol.dir })
    expect(await stop(next)).toBe(0)
    expect(next.output()).not.toContain('wait in the journal')
    await expectKept(life)
  }
)

test.each<[string, Omit<Fault, 'code' | 'armedBy'>, string]>([
  ['write of a spool file', { on: ['write'], path: '\\.spool$', times: 3 }, 'i/o error'],
  ['write of a dead letter', { on: ['write'], path: '/dead/' }, 'a dead letter cannot be written'],
  ['write of an object', { on: ['write'], path: '/archive/.tmp/', times: 3 }, 'i/o error'],
  ['sync of an object', { on: ['sync'], path: '/archive/.tmp/', times: 3 }, 'i/o error']
])(
  'after a failed %s the same is tried again, into a new file, and arrives',
  {
    timeout
  },
  async (_, fault, message) => {
    const life = await breaks(fault)
    const { auditcol } = life
    await until(() => auditcol.output().includes(message), message, auditcol.output)
    const isThere = () => idsOfRecords(filesOf(join(auditcol.dir, 'archive'))).length === 5
    await until(isThere, 'the objects', auditcol.output)
    const { backend, acknowledged } = life
    const isOver = () =>
      backend.taken().length + idsInLetters(join(auditcol.dir, 'journal')).length ===
      acknowledged.length
    await until(isOver, 'the letters', auditcol.output)
    expect(await stop(auditcol)).toBe(0)
    expect(auditcol.output()).not.toContain('wait in the journal')
    await expectKept(life)
  }
)

test('a start whose new segment cannot be synced is refused, and the next one has everything', {
  timeout
}, async () => {
  const backend = createBackend('fail')
  const auditcol = await start({ config: pipelineOf({ backend: `${backend.keys}, ${quick}` }) })
  expect(await send(auditcol.http, ['a'])).toMatchObject({ status: 200 })
  expect(await stop(auditcol)).toBe(0)
  const { dir } = auditcol
  for (const on of ['write', 'sync'] as const) {
    const fault = JSON.stringify({ code: 'EIO', on: [on], path: '\\.wal\\.new$' })
    const env = { NODE_OPTIONS: `--import=${hook}`, AUDITCOL_FAULT: fault }
    const refused = await runToEnd({ dir, env })
    expect(refused.code).toBe(1)
    expect(refused.output).toMatch(/auditcol: (writing|syncing) .*\.wal\.new: EIO: i\/o error/)
  }
  backend.become('take')
  const next = await start({ dir })
  await until(() => backend.taken().length === 1)
  expect(await stop(next)).toBe(0)
})

test('J6: a sync that fails while the program stops ends it, and it says so', {
  timeout
}, async () => {
  const armedBy = join(newDir(), 'armed')
  const fault = { code: 'EIO', on: ['sync'], path: '\\.wal$', armedBy }
  // Held until the stop: sealing them is the next thing that the journal hears of.
  const processors = 'batch: { timeout: 600s, send_batch_size: 1000 }'
  const auditcol = await start({
    config: pipelineOf({ awss3: `${quick}, ${s3uploader}` }, { processors }),
    env: { NODE_OPTIONS: `--import=${hook}`, AUDITCOL_FAULT: JSON.stringify(fault) }
  })
  onTestFailed(() => void process.stdout.write(auditcol.output()))
  expect(await send(auditcol.http, ['a', 'b'])).toMatchObject({ status: 200 })
  writeFileSync(armedBy, '')
  expect(await stop(auditcol)).toBe(1)
  expect(auditcol.output()).toMatch(/error stopping has failed error="syncing .*\.wal: EIO/)
  const next = await start({ dir: auditcol.dir })
  expect(await stop(next)).toBe(0)
  expect(idsOfRecords(filesOf(join(auditcol.dir, 'archive')))).toEqual(['a', 'b'])
})
