import type * as Promises from 'node:fs/promises'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openDirectoryStore } from '../../src/archive/directory_store.ts'
import { SyncFailed } from '../../src/disk.ts'
import { objectOf } from '../contract/store.ts'

/** What `open` of a directory is to do next, by path, and which paths were synced. */
const disk = vi.hoisted(() => ({
  openFails: new Map<string, string>(),
  syncFails: new Map<string, string>(),
  removals: undefined as string | undefined,
  synced: [] as string[]
}))

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof Promises>()
  const failing = (faults: Map<string, string>, path: string) => {
    const code = faults.get(path)
    if (code !== undefined) throw Object.assign(new Error(`${code}: a fault`), { code })
  }
  const open = async (path: string, ...more: [string, number?]) => {
    if (more[0] === 'r') failing(disk.openFails, path)
    const file = await real.open(path, ...more)
    const sync = file.sync.bind(file)
    file.sync = async () => {
      failing(disk.syncFails, path)
      disk.synced.push(path)
      await sync()
    }
    return file
  }
  const rm = async (path: string, options: object) => {
    if (disk.removals !== undefined)
      throw Object.assign(new Error('a fault'), { code: disk.removals })
    await real.rm(path, options)
  }
  return { ...real, open, rm }
})

const object = objectOf(Buffer.from('x'))
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'faults-'))
  disk.synced.length = 0
})
afterEach(async () => {
  disk.openFails.clear()
  disk.syncFails.clear()
  disk.removals = undefined
  await rm(directory, { recursive: true })
})

test('every directory made for the archive is synced where it stands', async () => {
  await openDirectoryStore({ directory: join(directory, 'a/b/c'), writer: 'w' })
  const parents = ['', 'a', 'a/b', 'a/b/c'].map((path) => join(directory, path).replace(/\/$/, ''))
  expect(disk.synced).toEqual(expect.arrayContaining(parents))
})

test('a parent that cannot be read is no hindrance when nothing was made in it', async () => {
  disk.openFails.set(dirname(directory), 'EACCES')
  const store = await openDirectoryStore({ directory, writer: 'w' })
  expect(await store.create('a/b', object)).toBe('created')
})

test('after too many open files the archive goes on', async () => {
  const store = await openDirectoryStore({ directory, writer: 'w' })
  disk.openFails.set(join(directory, 'a'), 'EMFILE')
  await expect(store.create('a/b', object)).rejects.toThrow('storing file:')
  disk.openFails.clear()
  disk.synced.length = 0
  expect(await store.create('a/b', object)).toBe('exists')
  expect(disk.synced).toContain(join(directory, 'a'))
})

test('J6: after a failed sync it does not: the next one may succeed with the data lost', async () => {
  const store = await openDirectoryStore({ directory, writer: 'w' })
  disk.syncFails.set(join(directory, 'a'), 'EIO')
  await expect(store.create('a/b', object)).rejects.toThrow(SyncFailed)
  disk.syncFails.clear()
  await expect(store.create('a/c', object)).rejects.toThrow(`syncing ${join(directory, 'a')}`)
})

test('an object is stored, though its temp file cannot be removed; the next start removes that', async () => {
  const store = await openDirectoryStore({ directory, writer: 'w' })
  disk.removals = 'EROFS'
  expect(await store.create('a/b', object)).toBe('created')
  expect(await readdir(join(directory, '.tmp'))).toHaveLength(1)
  disk.removals = undefined
  await openDirectoryStore({ directory, writer: 'w' })
  expect(await readdir(join(directory, '.tmp'))).toEqual([])
})
