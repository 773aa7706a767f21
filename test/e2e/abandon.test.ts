import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { problemsOf } from '../archive_check.ts'
import { type Auditcol, runToEnd, start, stop, until } from './auditcol.ts'
import { pipelineOf, sendEach } from './pipeline.ts'
import { archivedIds } from './records.ts'

const timeout = 60_000

/** The second exporter keeps its records: a batch that waits for an hour. */
const both = pipelineOf(
  { awss3: "s3uploader: { s3_bucket: 'file:./archive' }", debug: '' },
  { processors: 'batch: { timeout: 50ms }' }
)
const slow = both.replace('timeout: 50ms', 'timeout: 1h, send_batch_size: 1000')
const without = pipelineOf({ debug: '' })

/** `a` is in the archive, `b` and `c` wait in the journal of a process that was killed. */
async function withUndelivered(): Promise<Auditcol> {
  const first = await start({ config: both })
  await sendEach(first, ['a'])
  await until(() => archivedIds(join(first.dir, 'archive')).length === 1)
  expect(await stop(first)).toBe(0)
  const second = await start({ dir: first.dir, config: slow })
  await sendEach(second, ['b', 'c'])
  second.signal('SIGKILL')
  await second.exit
  return second
}

test('A9: a lane that the configuration still has is abandoned with a gap leaf in its archive', {
  timeout
}, async () => {
  const { dir } = await withUndelivered()
  const done = await runToEnd({ dir, args: ['journal', 'abandon', 'logs/awss3'] })
  expect(done.output).toBe(
    'logs/awss3 is abandoned: 2 undelivered records given up; ' +
      'the archive will show a gap in their place when auditcol runs\n'
  )
  const again = await start({ dir, config: both })
  await sendEach(again, ['d'])
  await until(() => archivedIds(join(dir, 'archive')).length === 2)
  expect(await stop(again)).toBe(0)
  expect(archivedIds(join(dir, 'archive'))).toEqual(['a', 'd'])
  const { objects, leaves } = archiveIn(dir)
  expect(problemsOf(objects)).toEqual([])
  expect(leaves.map(({ kind }) => kind)).toEqual(['genesis', 'batch', 'gap', 'batch'])
  expect(leaves[2]).toMatchObject({ records: 2, reason: 'abandoned by an operator' })
})

test('A9: one that it has no more ends, and the first leaf of the next lane of its name tells', {
  timeout
}, async () => {
  const { dir } = await withUndelivered()
  writeFileSync(join(dir, 'pipeline.yaml'), without)
  const done = await runToEnd({ dir, args: ['journal', 'abandon', 'logs/awss3'] })
  expect(done.output).toMatch(
    /^logs\/awss3 is abandoned: 2 undelivered records given up; in file:.*archive it ends with commit 1 below \.auditcol\/\S+, and shows no gap\n$/
  )
  const again = await start({ dir, config: both })
  await sendEach(again, ['d'])
  await until(() => archivedIds(join(dir, 'archive')).length === 2)
  expect(await stop(again)).toBe(0)
  const { objects, leaves } = archiveIn(dir)
  expect(problemsOf(objects)).toEqual([])
  const [old, young] = leaves.filter(({ kind }) => kind === 'genesis').toSorted(byTime)
  expect(young!.abandoned).toEqual([{ lane: old!.lane, records: 2, at: expect.any(Number) }])
  expect(old!.abandoned).toBeUndefined()
})

interface Leaf {
  readonly kind: string
  readonly at: number
  readonly lane?: string
  readonly abandoned?: unknown
}

function archiveIn(dir: string) {
  const directory = join(dir, 'archive')
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted()
  const objects = new Map(files.map((path) => [relative(directory, path), readFileSync(path)]))
  const commits = [...objects].filter(([key]) => key.includes('/commits/'))
  const lines = commits.flatMap(([, bytes]) => bytes.toString().trimEnd().split('\n'))
  return { objects, leaves: lines.map((line): Leaf => JSON.parse(line)) }
}

function byTime(a: Leaf, b: Leaf): number {
  return a.at - b.at
}
