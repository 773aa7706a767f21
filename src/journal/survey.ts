import { stat } from 'node:fs/promises'
import { type Loss, lossIn } from './loss.ts'
import { lossesIn, type Scanned, scanSegment } from './scan.ts'
import { listSegments, segmentHeaderBytes, segmentPath } from './segment.ts'

/** A segment as far as it reads, and what of it counts. */
export interface Surveyed extends Scanned {
  /** The last lsn that is this segment's. */
  readonly lastLsn: number
  /** It has to be written anew. */
  readonly damaged: boolean
}

/** All that reads of a journal. */
export interface Survey {
  readonly directory: string
  readonly writer: string
  readonly segments: readonly Surveyed[]
  /** Numbers between the first and the last of which there is no segment, or nothing that reads. */
  readonly absent: readonly number[]
  /** Acknowledged, and does not read. A torn tail, for which nobody was answered, is none. */
  readonly losses: readonly Loss[]
  /** The last lsn that counts. */
  readonly last: number
}

/** Reads a journal whatever is damaged in it, and changes nothing. */
export async function surveyJournal(directory: string): Promise<Survey> {
  const numbers = await listSegments(directory)
  if (numbers.length === 0) throw new Error(`there is no journal in ${directory}`)
  const scanned: Scanned[] = []
  for (const number of numbers) {
    const found = await scanSegment(number, segmentPath(directory, number))
    if (found !== undefined) scanned.push(found)
  }
  const writer = scanned.find((one) => one.writer !== undefined)?.writer
  if (writer === undefined) {
    throw new Error(`nothing in ${directory} reads as a journal: restore it from a copy`)
  }
  const behind = numbers.filter((number) => number > scanned.at(-1)!.number)
  const losses: Loss[] = []
  const segments: Surveyed[] = []
  for (const [index, one] of scanned.entries()) {
    const next = scanned[index + 1]
    const lastLsn = next ? next.firstLsn - 1 : endOf(one) + (await framesLost(directory, behind))
    const own = await lossesIn(one, lastLsn)
    if (!one.header) {
      own.unshift(await lossIn(one.path, 0, segmentHeaderBytes, undefined))
    }
    losses.push(...own)
    segments.push({ ...one, lastLsn, damaged: own.length > 0 })
  }
  const there = new Set(segments.map(({ number }) => number))
  const absent: number[] = []
  for (let number = numbers[0]!; number <= numbers.at(-1)!; number++) {
    if (!there.has(number)) absent.push(number)
  }
  return { directory, writer, segments, absent, losses, last: segments.at(-1)!.lastLsn }
}

/** The least that a frame of records takes; a frame of the journal itself may be a little smaller. */
const frameBytesMin = 64

/**
 * How many frames there may have been in segments at the end of which nothing reads. Their lsns are
 * never given again: what has one already must not be taken for another frame.
 */
async function framesLost(directory: string, numbers: readonly number[]): Promise<number> {
  let count = 0
  for (const number of numbers) {
    const { size } = await stat(segmentPath(directory, number))
    count += Math.ceil(size / frameBytesMin)
  }
  return count
}

/**
 * Where the last segment ends: behind a hole goes on what a later frame knows to be synced. The rest
 * is a torn tail.
 */
function endOf({ firstLsn, runs }: Scanned): number {
  let durable = firstLsn - 1
  for (const run of runs) durable = Math.max(durable, run.durable)
  let last = firstLsn - 1
  for (const run of runs) {
    if (run.first > last + 1 && last >= durable) break
    last = Math.max(last, run.last)
  }
  return last
}
