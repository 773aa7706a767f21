import type { Gap, Genesis, Intent, OpenObject, SpooledObject } from '../journal/archive_frames.ts'
import { none } from '../journal/counts.ts'
import type { Range } from '../journal/position.ts'
import { canonical } from './canonical.ts'

/*
 * Leaves: what an archive says of itself, one line of RFC 8785 JSON each, final when written (A9).
 * docs/archive.md tells what every field means; it must stay as it is, since a hash is over the line.
 */

/** A C2SP entry has at most 65,535 bytes. */
export const leafBytes = 65_535

/** What a leaf may spend on ranges; the rest of it is short. */
const coversBytes = 48 * 1024

export interface Leaf {
  readonly kind: 'batch' | 'gap' | 'heartbeat' | 'genesis' | 'key' | 'void' | 'pruned'
  readonly [field: string]: unknown
}

/** One line, with its newline. `index` counts all leaves of the archive, from 0. */
export function lineOf(leaf: Leaf, index: number): string {
  const line = `${canonical({ v: 1, i: index, ...leaf })}\n`
  if (Buffer.byteLength(line) - 1 > leafBytes) {
    throw new Error(`writing leaf ${index}: more than ${leafBytes} bytes`)
  }
  return line
}

export function genesisLeaf(genesis: Genesis): Leaf {
  return { ...genesis }
}

export function gapLeaves({ covers, ...gap }: Gap): Leaf[] {
  const parts = partsOf(covers)
  const [last] = parts.splice(-1)
  return [...parts.map((part) => heartbeat(part, gap.at)), { ...gap, covers: last ?? [] }]
}

/** What is known of an object when its leaf is written. */
export interface Stored {
  /** The key was taken by an own earlier attempt, and reading is denied: nobody has compared (A5). */
  readonly unverified: boolean
}

/** The leaves of one object of an intent, stored or void; before the first one go ranges that it has no room for. */
export function objectLeaves(intent: Intent, index: number, stored: Stored | 'void'): Leaf[] {
  const object = intent.objects[index]!
  const own = { ...of(object, stored), sealed: intent.sealed }
  if (index > 0) return [{ ...own, first: intent.objects[0]!.number }]
  const parts = partsOf(intent.covers)
  const [last] = parts.splice(-1)
  const { counts, arrived, host, objects } = intent
  return [
    ...parts.map((part) => heartbeat(part, intent.sealed)),
    { ...own, covers: last ?? [], counts, arrived, host, objects: objects.length }
  ]
}

function of(object: OpenObject, stored: Stored | 'void') {
  const voided = stored === 'void' ? object.voided : undefined
  const { number, key, size, sha256, rawSize, rawSha256, records, contentType } = object
  return {
    kind: voided ? 'void' : 'batch',
    ...{ number, key, size, sha256, rawSize, rawSha256, records, contentType },
    ...encodingOf(object),
    ...(voided && { at: voided.at, reason: voided.reason }),
    ...(stored !== 'void' && stored.unverified && { unverified: true })
  } as const
}

function encodingOf({ contentEncoding }: SpooledObject) {
  return contentEncoding === undefined ? {} : { contentEncoding }
}

/** Ranges that another leaf had no room for; their counts stand in that one. */
function heartbeat(covers: readonly Range[], at: number): Leaf {
  return { kind: 'heartbeat', at, covers, counts: none }
}

function partsOf(covers: readonly Range[]): Range[][] {
  const parts: Range[][] = [[]]
  let bytes = 0
  for (const range of covers) {
    const more = `[${range}],`.length
    if (bytes + more > coversBytes) {
      parts.push([])
      bytes = 0
    }
    parts.at(-1)!.push(range)
    bytes += more
  }
  return parts
}
