import { createHash } from 'node:crypto'
import { NotStored, type Store } from '../../src/archive/store.ts'
import { PermanentError } from '../../src/component.ts'
import type { Machine } from './machine.ts'

/*
 * What lies behind an archive, beyond any process: objects, every content that was ever sent for a
 * key, and requests of processes that died which are still on their way.
 */
export interface Bucket {
  readonly name: string
  readonly objects: ReadonlyMap<string, Buffer>
  /** Contents sent for a key, in order, each once. */
  readonly sent: ReadonlyMap<string, readonly string[]>
  /** Numbers of objects that it refuses for good. */
  readonly refuses: Set<number>
  /** The bucket as one process reaches it. */
  storeOn(machine: Machine): Store
}

export function createBucket(name: string): Bucket {
  const objects = new Map<string, Buffer>()
  const sent = new Map<string, string[]>()
  const refuses = new Set<number>()
  let late: { key: string; body: Buffer; by: Machine }[] = []

  const put = (key: string, body: Buffer) => {
    if (!objects.has(key)) objects.set(key, body)
  }

  /** What a dead process had sent arrives when the next one speaks to the bucket: before its request. */
  const arrive = (machine: Machine) => {
    for (const { key, body, by } of late) if (by !== machine) put(key, body)
    late = late.filter(({ by }) => by === machine)
  }

  const note = (key: string, body: Buffer) => {
    const contents = sent.get(key) ?? []
    const text = body.toString('latin1')
    if (!contents.includes(text)) sent.set(key, [...contents, text])
  }

  const isRefused = (key: string) => refuses.has(Number(/-(\d{12})\./.exec(key)?.[1]))

  const storeOn = (machine: Machine): Store => ({
    name: `s3://${name}`,
    create: async (key, object) => {
      const body = Buffer.from(object.body)
      if (Buffer.compare(sha256(body), object.sha256) !== 0) throw new NotStored('BadDigest')
      arrive(machine)
      note(key, body)
      let outcome: 'created' | 'exists' = 'exists'
      await machine.step({
        what: `PUT ${key}`,
        on: 'store',
        effect: () => {
          if (isRefused(key)) return
          outcome = objects.has(key) ? 'exists' : 'created'
          put(key, body)
        },
        late: () => {
          if (!isRefused(key)) late.push({ key, body, by: machine })
        }
      })
      if (isRefused(key)) throw new PermanentError(`storing ${key}: refused for good`)
      return outcome
    },
    head: async (key) => {
      arrive(machine)
      await machine.step({ what: `HEAD ${key}`, on: 'store', effect: () => {} })
      const body = objects.get(key)
      return body && { size: body.length, sha256: sha256(body) }
    },
    read: async (key) => objects.get(key),
    list: async function* (prefix) {
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix)).sort()
    },
    reach: async () => {},
    confirm: async () => {},
    close: () => {}
  })

  return { name, objects, sent, refuses, storeOn }
}

function sha256(body: Buffer): Buffer {
  return createHash('sha256').update(body).digest()
}
