import { open } from 'node:fs/promises'
import { counted } from '../telemetry/counted.ts'
import { decodeEnvelope } from './envelope.ts'
import { frameHeaderBytes, frameStart, frameType } from './frame.ts'
import type { Range } from './position.ts'

/** Acknowledged bytes of a segment that do not read. */
export interface Loss {
  readonly path: string
  readonly at: number
  readonly end: number
  /** The frames that stood there, as their neighbours tell; undefined when none did that has an lsn of its own. */
  readonly frames: Range | undefined
  /** What some of them still say of themselves, although their checksum does not hold. */
  readonly claims: readonly Claim[]
}

/** A frame that is damaged somewhere else than in what tells it apart. */
interface Claim {
  readonly lsn: number
  /** One that the journal wrote for itself: a settlement, an intent, a birth. */
  readonly control: boolean
  readonly records: number
  readonly lanes: readonly number[]
}

/** Looks at most this far into what does not read: it only helps to name the loss. */
const lookedAtBytes = 16 * 2 ** 20

/** What can be told of the frames that stood between `at` and `end`. */
export async function lossIn(
  path: string,
  at: number,
  end: number,
  frames: Range | undefined
): Promise<Loss> {
  const claims = frames === undefined ? [] : claimsIn(await bytesOf(path, at, end), frames)
  return { path, at, end, frames, claims }
}

/** Of the lost frames, those that may have been something else than records. */
export function maybeControl({ frames, claims }: Loss): Range[] {
  const records = claims.filter(({ control }) => !control)
  return frames === undefined ? [] : without(frames, new Set(records.map(({ lsn }) => lsn)))
}

/** Of the lost frames, those that may have held records. */
export function maybeRecords({ frames, claims }: Loss): Range[] {
  const control = claims.filter((claim) => claim.control)
  return frames === undefined ? [] : without(frames, new Set(control.map(({ lsn }) => lsn)))
}

function without([first, last]: Range, told: ReadonlySet<number>): Range[] {
  const ranges: [number, number][] = []
  for (let lsn = first; lsn <= last; lsn++) {
    if (told.has(lsn)) continue
    const end = ranges.at(-1)
    if (end && end[1] === lsn - 1) end[1] = lsn
    else ranges.push([lsn, lsn])
  }
  return ranges
}

/** `byte 4123 to 5240: the acknowledged frames 6 to 7 do not read; 14 records for logs/a`. */
export function describeLoss(loss: Loss, nameOf: (lane: number) => string): string {
  const { at, end, frames, claims } = loss
  const place = `byte ${at} to ${end}`
  if (frames === undefined)
    return `${place}: what the journal says of itself does not read; no records`
  const [first, last] = frames
  const which =
    first === last
      ? `the acknowledged frame ${first} does not read`
      : `the acknowledged frames ${first} to ${last} do not read`
  return `${place}: ${which}; ${toldOf(last - first + 1, claims, nameOf)}`
}

function toldOf(count: number, claims: readonly Claim[], nameOf: (lane: number) => string): string {
  const records = claims.filter(({ control }) => !control)
  const sum = records.reduce((all, claim) => all + claim.records, 0)
  const lanes = [...new Set(records.flatMap((claim) => claim.lanes))].map(nameOf)
  const own = claims.length - records.length
  const silent = count - claims.length
  const parts = [
    records.length > 0 && `${counted(sum, 'record')} for ${lanes.join(', ')}`,
    own > 0 && `${own === 1 ? 'one frame' : `${own} frames`} of what was settled or sealed`,
    silent > 0 && `${silent === 1 ? 'one frame says' : `${silent} frames say`} nothing of itself`
  ]
  return parts.filter((part) => part !== false).join(', and ')
}

/** Goes from frame to frame as their lengths say, as long as that leads somewhere. */
function claimsIn(bytes: Buffer, [first, last]: Range): Claim[] {
  const claims: Claim[] = []
  let at = 0
  for (let lsn = first; lsn <= last && at + frameHeaderBytes < bytes.length; lsn++) {
    const { length } = frameStart(bytes, at)
    const payload = at + frameHeaderBytes
    const envelope =
      bytes[at + 24] === frameType.records ? decodeEnvelope(bytes.subarray(payload)) : undefined
    if (envelope) {
      const { records, lanes } = envelope
      claims.push({ lsn, control: false, records, lanes })
    }
    at = payload + length
    if (at > bytes.length) break
    // A synced frame has no lsn of its own.
    if (length === 0) lsn--
    else if (isObject(bytes.subarray(payload, at)))
      claims.push({ lsn, control: true, records: 0, lanes: [] })
  }
  return claims
}

/** Payloads of all other frames are JSON; one of records begins with a length, which is not. */
function isObject(payload: Buffer): boolean {
  try {
    return payload[0] === 0x7b && typeof JSON.parse(payload.toString()) === 'object'
  } catch {
    return false
  }
}

async function bytesOf(path: string, at: number, end: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const bytes = Buffer.alloc(Math.min(end - at, lookedAtBytes))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, at)
    return bytes.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
