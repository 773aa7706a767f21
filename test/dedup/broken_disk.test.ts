import { readdir } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { breakDisk, type Fault } from '../faults/failing_disk.ts'
import { newDirectory, until } from '../journal/harness.ts'
import { logsOf } from './records.ts'
import { copyOf, openScope } from './scope.ts'

const ids = Array.from({ length: 40 }, (_, index) => `id-${index}`)
const segmentBytes = 2048

/** Sends all, breaks the disk, and settles all: several segments may go, once their ids are in a file. */
async function breaks(fault: Omit<Fault, 'path'> & { readonly path?: string }) {
  const directory = await newDirectory()
  const failures: Error[] = []
  const scope = await openScope(directory, { segmentBytes, fatal: (error) => failures.push(error) })
  for (const id of ids) expect(await scope.send(logsOf({ id }))).toBe('stored')
  await until(() => scope.batches.length === ids.length)
  const disk = breakDisk({ path: `^${directory}/dedup`, ...fault })
  for (const batch of scope.batches) batch.settle()
  return { directory, scope, disk, failures }
}

const segmentsIn = async (directory: string) =>
  (await readdir(directory))
    .filter((name) => name.endsWith('.wal'))
    .map((name) => Number(name.slice(0, 8)))

/** Of all ids, those that a start in this directory stores once more. */
async function unknownIn(directory: string): Promise<number> {
  const scope = await openScope(directory, { segmentBytes })
  await scope.send(logsOf(...ids.map((id) => ({ id }))))
  const { repeats } = scope.counts()
  await scope.journal.close()
  return ids.length - repeats
}

test.each<[string, Fault['on'][number], number]>([
  ['making the file', 'create', 1],
  ['writing it', 'write', 1],
  ['writing it, for a while', 'write', 5]
])(
  'J8: a full disk under %s: no segment goes before its ids are kept, then all do',
  async (_, on, times) => {
    const { directory, scope, disk, failures } = await breaks({ code: 'ENOSPC', on: [on], times })
    await until(() => scope.journal.segments().length === 1)
    await vi.waitFor(async () => expect(await segmentsIn(directory)).toHaveLength(1), 20_000)
    expect(disk.failed).toBe(times)
    expect(failures).toEqual([])
    const copy = await copyOf(directory)
    await scope.journal.close()
    expect(await unknownIn(copy)).toBe(0)
  }
)

test('J8: a disk that stays full keeps the segments, and a stop does not wait for it', async () => {
  const { directory, scope, disk, failures } = await breaks({
    ...{ code: 'ENOSPC', on: ['write'], times: Number.POSITIVE_INFINITY }
  })
  await until(() => disk.failed > 0)
  const before = await segmentsIn(directory)
  await scope.journal.close()
  expect(await segmentsIn(directory)).toEqual(expect.arrayContaining(before))
  disk.mend()
  expect(failures).toEqual([])
  expect(await unknownIn(directory)).toBe(0)
})

test.each<[string, Fault['on'][number], string, RegExp]>([
  ['write of the file', 'write', 'ids.new$', /^keeping what is known before .*00000001.wal goes/],
  ['sync of the file', 'sync', 'ids.new$', /00000001.wal goes.*syncing .*00000001.ids.new/],
  ['renaming it', 'create', 'ids$', /^keeping what is known before .*00000001.wal goes/],
  ['sync of its directory', 'sync', 'dedup$', /00000001.wal goes.*syncing .*dedup/]
])(
  'J6, J8: after a failed %s the program ends, no segment has gone, and the frames tell',
  async (_, on, path, message) => {
    const { directory, scope, disk, failures } = await breaks({
      code: 'EIO',
      on: [on],
      path: `/dedup.*${path}|/${path}`
    })
    const before = await segmentsIn(directory)
    await until(() => failures.length > 0)
    expect(`${failures[0]!.message}: ${(failures[0]!.cause as Error).message}`).toMatch(message)
    await scope.journal.close()
    disk.mend()
    expect(failures).toHaveLength(1)
    expect(await segmentsIn(directory)).toEqual(expect.arrayContaining(before))
    expect(await unknownIn(directory)).toBe(0)
  }
)
