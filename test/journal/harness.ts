import { copyFile, cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Batch, Meta } from '../../src/component.ts'
import { type Journal, type JournalOptions, openJournal } from '../../src/journal/journal.ts'
import type { JournalLane } from '../../src/journal/lane.ts'

/** Goes with the test. */
export async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'auditcol-journal-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

export function open(directory: string, options: Partial<JournalOptions> = {}): Promise<Journal> {
  return openJournal({
    directory,
    maxSize: Number.POSITIVE_INFINITY,
    minFree: 0,
    settled: () => {},
    fatal: (error) => {
      throw error
    },
    ...options
  })
}

/** What a crash leaves behind: the directory as it is, while its owner still runs. */
export async function crashed(directory: string): Promise<string> {
  const copy = await newDirectory()
  for (const name of await readdir(directory)) {
    // The owner may be removing a segment just now: then it is gone in the copy too.
    if (name.endsWith('.wal'))
      await copyFile(join(directory, name), join(copy, name)).catch(() => {})
  }
  if ((await readdir(directory)).includes('dead'))
    await cp(join(directory, 'dead'), join(copy, 'dead'), { recursive: true })
  return copy
}

/** Appends text as if it were OTLP bytes: the journal never looks inside. */
export function append(
  journal: Journal,
  text: string,
  lanes: readonly JournalLane[],
  meta: Partial<Meta> = {}
): Promise<void> {
  const bytes = Buffer.from(text)
  return new Promise((resolve, reject) => {
    journal.append(
      {
        logs: { chunks: [bytes], bytes: bytes.length, records: 1 },
        meta: { receiver: 'otlp', arrived: 1_700_000_000_000, ...meta },
        settle: (error) => (error ? reject(error) : resolve())
      },
      lanes
    )
  })
}

/** A lane with one frame under way, and a letter for its only record. */
export async function withLetter(options: Partial<JournalOptions> = {}) {
  const directory = await newDirectory()
  const journal = await open(directory, options)
  const lane = await journal.bear('logs/a')
  await append(journal, 'a record', [lane])
  const seen = listen(lane)
  await until(() => seen.batches.length === 1)
  const [batch] = seen.batches
  const covers = batch!.meta.covers!.map(([first, last]): [number, number] => [first, last])
  const id = await journal.letters.write(lane, letterOf(covers), batch!.logs)
  /** As the end of a lane does. */
  const settle = () => {
    lane.reader.refused(covers, [id], 1)
    batch!.settle()
  }
  return { directory, journal, lane, batch: batch!, covers, id, settle }
}

/** Who sent the record of that letter. */
export const sender = {
  client: { tenant: ['a'] },
  address: '10.0.0.1',
  identity: { sub: 'kim' }
}

export const letterOf = (covers: [number, number][]) => ({
  ...{ by: 'awss3', at: 'exporter' as const, reason: 'too old' },
  ...{ arrived: 1, receiver: 'otlp', covers, ...sender }
})

/** Subscribes to a lane and keeps what it gives. */
export function listen(lane: JournalLane, window = 2 ** 20) {
  const batches: Batch[] = []
  const seen = { batches, full: 0, stopped: undefined as Error | undefined, completed: false }
  lane.reader
    .batches({
      window,
      full: () => {
        seen.full++
      },
      stopped: (error) => {
        seen.stopped = error
      }
    })
    .subscribe({
      next: (batch) => batches.push(batch),
      complete: () => {
        seen.completed = true
      }
    })
  return seen
}

/** Settles everything that a lane gives. */
export function deliver(lane: JournalLane): void {
  lane.reader
    .batches({ window: 2 ** 20, full: () => {}, stopped: () => {} })
    .subscribe((batch) => batch.settle())
}

export function textOf(batch: Batch): string {
  return Buffer.concat(batch.logs.chunks).toString()
}

/** Resolves when the condition holds; a hang is reported where it is. */
export async function until(condition: () => boolean): Promise<void> {
  const limit = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > limit) throw new Error(`waited in vain for ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
