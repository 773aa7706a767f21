import { createHash } from 'node:crypto'
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openDirectorySpool } from '../../src/archive/directory_spool.ts'
import { openArchives } from '../../src/archive/open_archives.ts'
import type { Store } from '../../src/archive/store.ts'
import { firstLeafIn } from '../../src/archive/stored_commits.ts'
import type { Batch } from '../../src/component.ts'
import { openObjects } from '../../src/journal/archives.ts'
import type { FrameIndex } from '../../src/journal/frame_index.ts'
import type { Journal } from '../../src/journal/journal.ts'
import type { JournalLane } from '../../src/journal/lane.ts'
import { listLetters } from '../../src/journal/letter_file.ts'
import type { Stores } from '../../src/repair/stores.ts'
import { laneContext } from '../batches.ts'
import { append, newDirectory, open, until } from '../journal/harness.ts'

/*
 * A journal with two lanes: `logs/a` with an archive in each of two buckets, `logs/slow` that settles
 * nothing, so that no segment goes. A request is a line such as `7:ab`: its records go to the buckets
 * a and b; `7:-` is dropped by a processor, `7:x` becomes a dead letter.
 */

export type Bucket = Map<string, Buffer>

export interface World {
  readonly directory: string
  readonly buckets: Record<string, Bucket>
  /** PUTs that are answered; what comes after them is not. */
  readonly store: { left: number }
}

export const root = '.auditcol/'

export async function newWorld(): Promise<World> {
  const buckets = { a: new Map(), b: new Map() }
  return { directory: await newDirectory(), buckets, store: { left: Number.POSITIVE_INFINITY } }
}

/** As it would be after a power cut: files and buckets as they are now. */
export async function copyOf(world: World): Promise<World> {
  const directory = await newDirectory()
  for (const name of await readdir(world.directory)) {
    if (name === 'lock' || name === 'reserve') continue
    await cp(join(world.directory, name), join(directory, name), { recursive: true })
  }
  const buckets = Object.fromEntries(
    Object.entries(world.buckets).map(([name, bucket]) => [name, new Map(bucket)])
  )
  return { directory, buckets, store: { left: Number.POSITIVE_INFINITY } }
}

export interface Running {
  readonly journal: Journal
  readonly lane: JournalLane
  /** Lines that `logs/slow` was given. */
  readonly slow: string[]
  send(line: string): Promise<void>
  /** Everything sent is settled; `committed`: and in its bucket. */
  settled(committed?: boolean): Promise<void>
  close(): Promise<void>
}

export interface RunOptions {
  /** Requests that are read and not taken. */
  halt?(line: string): boolean
  /** The buckets that a line's records go to; by default those after its colon. */
  bucketsOf?(line: string): string[]
  readonly index?: FrameIndex
  /** `logs/slow` settles what it is given. */
  readonly notSlow?: boolean
}

/** Opens the journal and delivers. */
export async function run(
  world: World,
  { halt = () => false, bucketsOf = bucketsIn, notSlow = false, ...options }: RunOptions = {}
): Promise<Running> {
  const journal = await open(world.directory, { segmentBytes: 4096, ...options })
  const lane = journal.lanes.get('logs/a') ?? (await journal.bear('logs/a'))
  const other = journal.lanes.get('logs/slow') ?? (await journal.bear('logs/slow'))
  const spooled = [...lane.book.archives.values()].flatMap(openObjects)
  const spool = await openDirectorySpool(
    lane.book.spool!,
    lane.id,
    new Set(spooled.map(({ intent }) => intent.spool))
  )
  const drains: ((limit: AbortSignal) => Promise<void>)[] = []
  const stopped: Error[] = []
  const context = laneContext({
    ...{ name: lane.name, id: lane.id, writer: journal.writer, book: lane.book, consumers: 4 },
    drain: (finish) => void drains.push(finish),
    stopped: (error) => void stopped.push(error)
  })
  const storeOf = (name: string) => memoryStore(`s3://${name}`, world.buckets[name]!, world.store)
  const exporter = openArchives(
    {
      marshaler: {
        extension: 'txt',
        contentType: 'text/plain',
        marshal: ({ chunks }) => chunks as Uint8Array[]
      },
      compression: 'none',
      level: undefined,
      key: ({ number }) => `logs_${lane.id}-${String(number).padStart(12, '0')}`,
      root,
      route: ({ logs }) =>
        bucketsOf(text(logs.chunks)).map((bucket) => ({
          ...{ bucket, prefix: undefined },
          logs: { ...logs, records: 1 }
        })),
      open: async (bucket) => ({ name: `s3://${bucket}`, place: bucket }),
      storeAt: (place) => storeOf(place as string),
      placeOf: (archive) => archive.slice('s3://'.length),
      close: () => {}
    },
    spool,
    context
  )
  const signal = new AbortController().signal
  const waiting: Batch[] = []
  let working = false
  const work = async () => {
    if (working) return
    working = true
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) {
      const line = text(batch.logs.chunks)
      if (halt(line)) continue
      if (line.includes(':x')) {
        const { receiver, arrived, covers = [] } = batch.meta
        const at = 'exporter' as const
        const letter = { by: 'test', reason: 'bad', receiver, arrived, covers, at }
        const id = await journal.letters.write(lane, letter, batch.logs)
        lane.reader.refused(covers, [id], batch.logs.records)
      } else if (!line.includes(':-')) await exporter(batch, signal)
      batch.settle()
    }
    working = false
  }
  const window = 2 ** 24
  lane.reader
    .batches({ window, full: () => {}, stopped: (error) => stopped.push(error) })
    .subscribe((batch) => {
      waiting.push(batch)
      work().catch((error) => stopped.push(error))
    })
  const slow: string[] = []
  other.reader
    .batches({ window, full: () => {}, stopped: (error) => stopped.push(error) })
    .subscribe((batch) => {
      slow.push(text(batch.logs.chunks).trim())
      if (notSlow) batch.settle()
    })
  return {
    journal,
    lane,
    slow,
    send: (line) => append(journal, `${line}\n`, [lane, other]),
    settled: async (committed = false) => {
      await until(() => {
        if (stopped.length > 0) throw stopped[0]
        return (
          !working &&
          waiting.length === 0 &&
          lane.behind.records === lane.sealed.records &&
          (!committed || lane.sealed.objects === 0)
        )
      })
    },
    close: async () => {
      const limit = new AbortController()
      if (world.store.left === 0) limit.abort()
      for (const drain of drains) await drain(limit.signal)
      await journal.close()
    }
  }
}

function bucketsIn(line: string): string[] {
  return [...(line.trim().split(':')[1] ?? '')].filter((one) => one === 'a' || one === 'b')
}

function text(chunks: readonly Uint8Array[]): string {
  return Buffer.concat(chunks).toString()
}

/** The buckets as `repair` finds them, and no configuration. */
export function storesOf(world: World): Stores {
  return {
    open: async (_lane, { name }) => {
      const bucket = name.slice('s3://'.length)
      return memoryStore(name, world.buckets[bucket]!, world.store)
    },
    configured: (lane, writer) => ({
      root: `${root}${writer}/${lane.id}/`,
      place: undefined
    }),
    nameOf: async (laneId, writer) => {
      for (const [name, bucket] of Object.entries(world.buckets)) {
        const store = memoryStore(`s3://${name}`, bucket, world.store)
        const first = await firstLeafIn(store, `${root}${writer}/${laneId}/`)
        if (first) return first.laneName as string
      }
      return undefined
    },
    birth: (lane, { name, root: lies }) => ({
      ...{ archive: name, root: lies },
      genesis: {
        ...{ at: 0, host: 'h', version: '0', lane: lane.id, laneName: lane.name },
        writer: lies.split('/').at(-3)!
      }
    }),
    close: () => {}
  }
}

function memoryStore(name: string, bucket: Bucket, answered: { left: number }): Store {
  const check = () => {
    if (answered.left <= 0) throw new Error(`${name} does not answer`)
  }
  return {
    name,
    create: async (key, { body }) => {
      check()
      answered.left--
      if (bucket.has(key)) return 'exists'
      bucket.set(key, Buffer.from(body))
      return 'created'
    },
    head: async (key) => {
      check()
      const body = bucket.get(key)
      const sha256 = body && createHash('sha256').update(body).digest()
      return body && sha256 && { size: body.length, sha256 }
    },
    read: async (key) => {
      check()
      return bucket.get(key)
    },
    async *list(prefix, after = '') {
      check()
      yield* [...bucket.keys()].filter((key) => key.startsWith(prefix) && key > after).sort()
    },
    confirm: async () => {},
    reach: async () => check(),
    close: () => {}
  }
}

/** Lines of a bucket's objects, in order of their numbers. */
export function linesIn(bucket: Bucket): string[] {
  const keys = [...bucket.keys()].filter((key) => !key.includes('.auditcol/')).sort()
  return keys.map((key) => bucket.get(key)!.toString().trim())
}

export interface Leaf {
  readonly kind: string
  readonly covers?: readonly (readonly [number, number])[]
  readonly counts?: Readonly<Record<'in' | 'dropped' | 'dead' | 'elsewhere' | 'out', number>>
  readonly records?: number
}

export function leavesIn(bucket: Bucket): Leaf[] {
  const keys = [...bucket.keys()].filter((key) => key.includes('/commits/')).sort()
  return keys.flatMap((key) =>
    bucket
      .get(key)!
      .toString()
      .trimEnd()
      .split('\n')
      .map((line): Leaf => JSON.parse(line))
  )
}

/** Lines in dead letters. */
export async function lettersIn(world: World): Promise<number> {
  return (await listLetters(world.directory)).heads.reduce((sum, { records }) => sum + records, 0)
}
