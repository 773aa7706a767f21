import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { watchRoom } from '../../src/journal/room.ts'
import { newDirectory } from './harness.ts'

const mebi = 2 ** 20
const fatal = (error: Error) => {
  throw error
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

async function roomWhere(need: (more: number) => number) {
  const directory = await newDirectory()
  const room = await watchRoom({ directory, minFree: 0, need, fatal })
  const sizeOf = (name: string) =>
    stat(join(directory, name)).then(
      ({ size, blocks }) => {
        // Written zeros and no hole: only blocks that are taken can be given back.
        expect(blocks * 512).toBeGreaterThanOrEqual(size)
        return size
      },
      () => 0
    )
  return { directory, room, sizeOf }
}

test('J10: on a full disk the reserve is let go, and intake resumes only when it is back', async () => {
  const { directory, room, sizeOf } = await roomWhere(() => 0)
  expect([await sizeOf('reserve'), room.shortage(1)]).toEqual([4 * mebi, undefined])

  await room.forFrame()
  expect(await readdir(directory)).toEqual([])
  expect(room.shortage(1)).toContain("the lanes' reserve is in use")

  // What was let go is not taken back before anybody could use it.
  vi.advanceTimersByTime(1000)
  expect(await readdir(directory)).toEqual([])
  vi.advanceTimersByTime(2000)
  await vi.waitFor(() => expect(room.shortage(1)).toBeUndefined())
  expect(await readdir(directory)).toEqual(['reserve'])
  await room.close()
})

test('J10: the part for batches grows with what waits, in steps, and frames never give theirs to a batch', async () => {
  let waiting = 0
  const { room, sizeOf } = await roomWhere((more) => waiting + more)
  expect(await sizeOf('reserve-batches')).toBe(0)
  waiting = 20 * mebi
  vi.advanceTimersByTime(1000)
  await vi.waitFor(async () => expect(await sizeOf('reserve-batches')).toBe(16 * mebi))
  await vi.waitFor(async () => {
    vi.advanceTimersByTime(1000)
    expect(await sizeOf('reserve-batches')).toBe(20 * mebi)
  })

  expect(await room.forBatch()).toBe(true)
  expect([await sizeOf('reserve'), await sizeOf('reserve-batches')]).toEqual([4 * mebi, 0])
  // Frames may take what is kept for batches, since they free space; never the other way round.
  await room.forFrame()
  await expect(room.admit(2 ** 52)).rejects.toMatchObject({ code: 'ENOSPC' })
  await room.close()
})

test('J10: what the lanes would need of the disk is not taken in', async () => {
  const { room } = await roomWhere((more) => more * 2 ** 40)
  expect(room.shortage(2 ** 20)).toMatch(
    /^the journal's disk has \d+ MiB free, of which its lanes may need \d+ MiB, min_free is 0 MiB$/
  )
  expect(room.shortage(0)).toBeUndefined()
  await room.close()
})

test('J10: a process takes over what an earlier one has kept', async () => {
  const { directory, room, sizeOf } = await roomWhere(() => 8 * mebi)
  await vi.waitFor(async () => expect(await sizeOf('reserve-batches')).toBe(8 * mebi))
  await room.close()
  const { ino } = await stat(join(directory, 'reserve-batches'))
  const next = await watchRoom({
    directory,
    minFree: 0,
    need: () => 8 * mebi,
    fatal
  })
  expect((await stat(join(directory, 'reserve-batches'))).ino).toBe(ino)
  expect(await next.forBatch()).toBe(true)
  expect(await sizeOf('reserve-batches')).toBe(0)
  await next.close()
})

test('J10: below min_free intake stops, and what is taken counts at once', async () => {
  const directory = await newDirectory()
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  const short = await watchRoom({ directory, minFree: 2 * free, need: () => 0, fatal })
  expect(short.shortage(1)).toMatch(/^the journal's disk has \d+ MiB free, min_free is \d+ MiB$/)
  await short.close()

  const room = await watchRoom({ directory, minFree: mebi, need: () => 0, fatal })
  expect(room.shortage(1)).toBeUndefined()
  room.taken(free)
  expect(room.shortage(1)).toContain('min_free is 1 MiB')
  await room.close()
})
