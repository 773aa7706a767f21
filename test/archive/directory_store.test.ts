import { mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDirectoryStore } from '../../src/archive/directory_store.ts'
import { PermanentError } from '../../src/component.ts'
import { objectOf, testStore } from '../contract/store.ts'

const writer = '00112233aabbccdd'

testStore('directory', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'archive-'))
  const store = await openDirectoryStore({ directory, writer })
  return { store, checks: false, stop: () => rm(directory, { recursive: true }) }
})

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'archive-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('keys that lead out of the directory, or to nowhere, are refused for good', async () => {
  const store = await openDirectoryStore({ directory, writer })
  const keys = ['../out', 'a/../../out', '/abs', 'a//b', 'a/./b', 'a/', '', 'nul\0', '.tmp/x']
  for (const key of [...keys, 'x'.repeat(256), '\ud800']) {
    await expect(store.create(key, objectOf(Buffer.from('x')))).rejects.toThrow(PermanentError)
  }
  expect(await readdir(directory)).toEqual(['.tmp'])
})

test('only its owner can read what is stored', async () => {
  const store = await openDirectoryStore({ directory: join(directory, 'new'), writer })
  await store.create('year=2026/a.json', objectOf(Buffer.from('x')))
  const mode = async (path: string) => (await stat(join(directory, path))).mode & 0o777
  expect(await mode('new')).toBe(0o700)
  expect(await mode('new/year=2026')).toBe(0o700)
  expect(await mode('new/year=2026/a.json')).toBe(0o600)
})

test('leftovers of this writer go at start, those of others when they are a day old', async () => {
  await mkdir(join(directory, '.tmp'))
  const path = (name: string) => join(directory, '.tmp', name)
  for (const name of [`${writer}-1`, 'other-new', 'other-old']) await writeFile(path(name), 'x')
  const before = new Date(Date.now() - 25 * 3600 * 1000)
  await utimes(path('other-old'), before, before)
  const store = await openDirectoryStore({ directory, writer })
  expect(await readdir(path('.'))).toEqual(['other-new'])
  await store.create('a', objectOf(Buffer.from('x')))
  expect(await readdir(path('.'))).toEqual(['other-new'])
})

test('a place that is no directory stops the start with a sentence', async () => {
  await writeFile(join(directory, 'file'), 'x')
  const opening = openDirectoryStore({ directory: join(directory, 'file'), writer })
  await expect(opening).rejects.toThrow(
    /opening the archive file:.*: a file stands where a directory is needed/
  )
})

test('a link inside the archive is not an object of it', async () => {
  const store = await openDirectoryStore({ directory, writer })
  await symlink('/etc/hostname', join(directory, 'link'))
  expect(await store.head('link')).toBeUndefined()
  expect(await store.read('link')).toBeUndefined()
  const keys: string[] = []
  for await (const key of store.list('')) keys.push(key)
  expect(keys).toEqual([])
})

test('a file in the way of a folder rejects, and says so', async () => {
  const store = await openDirectoryStore({ directory, writer })
  await store.create('a', objectOf(Buffer.from('x')))
  await expect(store.create('a/b', objectOf(Buffer.from('x')))).rejects.toThrow(
    'a file stands where a directory is needed'
  )
})
