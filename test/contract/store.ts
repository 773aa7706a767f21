import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store, StoredObject } from '../../src/archive/store.ts'

export interface StoreUnderTest {
  readonly store: Store
  /** Whether the store itself checks SHA-256 on the way in; a directory has no way in between. */
  readonly checks: boolean
  stop(): Promise<void>
}

/** What every store promises; `make` gives an empty one. */
export function testStore(name: string, make: () => Promise<StoreUnderTest>) {
  describe(`store: ${name}`, () => {
    let under: StoreUnderTest
    beforeAll(async () => {
      under = await make()
    })
    afterAll(async () => {
      under?.store.close()
      await under?.stop()
    })

    test('lists nothing, finds nothing and can be reached when empty', async () => {
      const { store } = under
      expect(await keys(store, '')).toEqual([])
      expect(await store.head('none/there.json')).toBeUndefined()
      expect(await store.read('none/there.json')).toBeUndefined()
      await store.reach()
    })

    test('gives back the bytes it was given', async () => {
      const { store } = under
      const object = objectOf(Buffer.from([0, 255, 10, 13, 128, 1]))
      expect(await store.create('bytes/a.binpb', object)).toBe('created')
      expect(Buffer.from((await store.read('bytes/a.binpb'))!)).toEqual(object.body)
      const head = await store.head('bytes/a.binpb')
      expect(head?.size).toBe(6)
      if (head?.sha256) expect(Buffer.from(head.sha256)).toEqual(object.sha256)
    })

    test('never overwrites, not even with the same bytes', async () => {
      const { store } = under
      const first = objectOf(Buffer.from('first'))
      expect(await store.create('once/a.json', first)).toBe('created')
      expect(await store.create('once/a.json', first)).toBe('exists')
      expect(await store.create('once/a.json', objectOf(Buffer.from('other')))).toBe('exists')
      expect(Buffer.from((await store.read('once/a.json'))!).toString()).toBe('first')
    })

    test('lets exactly one of 32 racing creators win, and its bytes stay', async () => {
      const { store } = under
      const objects = Array.from({ length: 32 }, (_, at) =>
        objectOf(Buffer.from(`${at} `.repeat(50_000)))
      )
      // A store may answer a racer with a conflict; it then comes again, as a lane would.
      const outcomes = await Promise.all(
        objects.map(async (object) => {
          for (;;) {
            try {
              return await store.create('race/year=2026/a.json', object)
            } catch (error) {
              if (!String(error).includes('409')) throw error
            }
          }
        })
      )
      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1)
      const winner = objects[outcomes.indexOf('created')]!
      const body = Buffer.from((await store.read('race/year=2026/a.json'))!)
      expect(body.equals(winner.body)).toBe(true)
    })

    test('refuses bytes that do not have the checksum', async () => {
      const { store, checks } = under
      if (!checks) return expect(store.name).toMatch(/^file:/)
      const object = { ...objectOf(Buffer.from('right')), body: Buffer.from('wrong') }
      await expect(store.create('sum/a.json', object)).rejects.toThrow('sum/a.json')
      expect(await store.head('sum/a.json')).toBeUndefined()
    })

    test('takes keys with odd characters', async () => {
      const { store } = under
      const odd = [
        "odd/plus+and space & quote's.json",
        'odd/per%20cent%.json',
        'odd/year=2026/a:b;c,d@e!~*().json',
        'odd/ümläut/日本語/🔑.json',
        'odd/..dots/.hidden/a..b.json'
      ]
      for (const key of odd) {
        expect(await store.create(key, objectOf(Buffer.from(key)))).toBe('created')
      }
      for (const key of odd) {
        expect(Buffer.from((await store.read(key))!).toString()).toBe(key)
      }
      expect((await keys(store, 'odd/')).sort()).toEqual([...odd].sort())
    })

    test('lists in byte order, page after page, below a prefix and after a key', async () => {
      const { store } = under
      const made = ['list/a.txt', 'list/a/b/1', 'list/a/b/2', 'list/a0', 'list/b', 'listen']
      for (const key of [...made].reverse()) await store.create(key, objectOf(Buffer.from('x')))
      expect(await keys(store, 'list')).toEqual(made)
      expect(await keys(store, 'list/')).toEqual(made.slice(0, 5))
      expect(await keys(store, 'list/a')).toEqual(made.slice(0, 4))
      expect(await keys(store, 'list/', 'list/a/b/1')).toEqual(made.slice(2, 5))
      expect(await keys(store, 'list/', 'list/z')).toEqual([])
    })

    test('stores an empty object and one of some mebibytes', async () => {
      const { store } = under
      const large = objectOf(Buffer.alloc(5 * 2 ** 20, 'audit'))
      expect(await store.create('size/0', objectOf(Buffer.alloc(0)))).toBe('created')
      expect(await store.create('size/5', large)).toBe('created')
      expect((await store.head('size/0'))?.size).toBe(0)
      expect(Buffer.from((await store.read('size/5'))!).equals(large.body)).toBe(true)
    })

    test('stores nothing once its signal has aborted', async () => {
      const { store } = under
      const signal = AbortSignal.abort(new Error('stopped'))
      await expect(store.create('late/a', objectOf(Buffer.from('x')), signal)).rejects.toThrow()
      expect(await store.head('late/a')).toBeUndefined()
    })
  })
}

export function objectOf(body: Buffer): StoredObject & { body: Buffer; sha256: Buffer } {
  const sha256 = createHash('sha256').update(body).digest()
  return { body, sha256, contentType: 'application/json' }
}

async function keys(store: Store, prefix: string, after?: string): Promise<string[]> {
  const found: string[] = []
  for await (const key of store.list(prefix, after)) found.push(key)
  return found
}
