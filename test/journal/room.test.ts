import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { watchRoom } from '../../src/journal/room.ts'
import { newDirectory } from './harness.ts'

afterEach(() => {
  vi.useRealTimers()
})

test('J10: on a full disk the reserve is let go, and intake resumes only when it is back', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const directory = await newDirectory()
  const room = await watchRoom(directory, 0)
  const { size, blocks } = await stat(join(directory, 'reserve'))
  // Written zeros and no hole: only blocks that are taken can be given back.
  expect(blocks * 512).toBeGreaterThanOrEqual(size)
  expect([size, room.shortage()]).toEqual([4 * 2 ** 20, undefined])

  await room.use()
  expect(await readdir(directory)).toEqual([])
  expect(room.shortage()).toContain("the lanes' reserve is in use")

  vi.advanceTimersByTime(1000)
  await vi.waitFor(() => expect(room.shortage()).toBeUndefined())
  expect(await readdir(directory)).toEqual(['reserve'])
  room.close()
})
