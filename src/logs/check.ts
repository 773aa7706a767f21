import { isUtf8 } from 'node:buffer'
import { type Logs, noLogs } from './logs.ts'
import { placeOf } from './place.ts'
import {
  anyValueMessage,
  depthLimit,
  firstMessage,
  kinds,
  logRecordMessage,
  messages,
  requestMessage
} from './schema.ts'

/*
 * The one pass over bytes that strangers send; everything behind it reads without looking twice.
 * It is therefore stricter than protobuf libraries are, where they leave a choice: a field that
 * may be there once is refused when it is there twice (some take the first, some the last, some
 * merge, and a record that two readers read differently proves nothing), and so are groups, which
 * proto3 does not have, and a known field with another wire type. Unknown fields stay.
 * The tables make it one loop without an object or a closure per field.
 */

/** The bytes are not OTLP; the message says what is wrong and where. The same bytes will be refused again. */
export class InvalidLogs extends Error {
  override name = 'InvalidLogs'
}

/** Checks an ExportLogsServiceRequest (or LogsData: the same bytes) and counts its records. Throws InvalidLogs. */
export function checkLogs(bytes: Uint8Array): Logs {
  // A Buffer has other hidden classes than a Uint8Array; one class keeps the loop monomorphic.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records = checkMessage(plain, 0, plain.length, requestMessage, 0)
  return bytes.length === 0 ? noLogs : { chunks: [bytes], bytes: bytes.length, records }
}

const varint = 0
const fixed64 = 1
const bytesWire = 2
const fixed32 = 5

/** kindAt[message * 16 + field number]: the field's kind, 0 for fields that OTLP does not have. */
const kindAt = new Uint8Array(messages.length * 16)
/** onceAt: the bit that must be free in `seen`; 0 for repeated fields, one bit for a whole oneof. */
const onceAt = new Uint16Array(messages.length * 16)
/** wireOf[kind]: the wire type of that kind; messages from firstMessage on. */
const wireOf = new Uint8Array(firstMessage + messages.length).fill(bytesWire)

for (const [message, fields] of messages.entries()) {
  for (const { number, kind, repeated } of fields) {
    kindAt[message * 16 + number] = kind
    onceAt[message * 16 + number] = repeated ? 0 : message === anyValueMessage ? 1 : 1 << number
  }
}
for (const kind of [kinds.bool, kinds.uint32, kinds.severity, kinds.int64]) wireOf[kind] = varint
for (const kind of [kinds.fixed64, kinds.double]) wireOf[kind] = fixed64
wireOf[kinds.fixed32] = fixed32

/** Checks one message and returns how many records it holds. */
function checkMessage(b: Uint8Array, from: number, end: number, message: number, depth: number) {
  let records = 0
  let seen = 0
  let at = from
  while (at < end) {
    const start = at
    let key = b[at++]!
    if (key >= 0x80) {
      key = longUint32(b, start, end, start, 'field key')
      at = varintEnd(b, start)
    }
    const number = key >>> 3
    if (number === 0) refuse(b, start, 'field number 0')
    const wire = key & 7
    const entry = number < 16 ? message * 16 + number : 0
    const kind = kindAt[entry]!
    if (kind !== 0) {
      if (wire !== wireOf[kind]) refuse(b, start, `wire type ${wire}, must be ${wireOf[kind]}`)
      const once = onceAt[entry]!
      if ((seen & once) !== 0) refuse(b, start, given(message))
      seen |= once
    }
    if (wire === bytesWire) {
      let length = at < end ? b[at]! : 0x80
      if (length < 0x80) at++
      else {
        length = longUint32(b, at, end, start, 'length')
        at = varintEnd(b, at)
      }
      const stop = at + length
      if (stop > end) refuse(b, start, `${length} bytes announced, ${end - at} left`)
      if (kind >= firstMessage) {
        if (depth === depthLimit) refuse(b, start, `messages nested more than ${depthLimit} deep`)
        records += checkMessage(b, at, stop, kind - firstMessage, depth + 1)
      } else if (kind >= kinds.string) {
        checkBytes(b, start, at, stop, kind)
      }
      at = stop
    } else if (wire === varint) {
      if (at < end && b[at]! < 0x80) at++
      else at = longVarint(b, at, end, start)
    } else if (wire === fixed64) {
      at += 8
      if (at > end) refuse(b, start, 'cut off')
    } else if (wire === fixed32) {
      at += 4
      if (at > end) refuse(b, start, 'cut off')
    } else {
      refuse(b, start, wire < 5 ? 'groups are not OTLP' : `wire type ${wire} does not exist`)
    }
  }
  return message === logRecordMessage ? 1 : records
}

function checkBytes(b: Uint8Array, start: number, from: number, end: number, kind: number): void {
  if (kind === kinds.string) {
    let at = from
    // Four at a time: strings are a third of the pass, and this makes the whole a tenth faster.
    for (const last = end - 3; at < last; at += 4) {
      if ((b[at]! | b[at + 1]! | b[at + 2]! | b[at + 3]!) >= 0x80) break
    }
    for (; at < end; at++) {
      if (b[at]! < 0x80) continue
      if (isUtf8(b.subarray(at, end))) return
      refuse(b, start, 'not valid UTF-8')
    }
  } else if (kind === kinds.traceId || kind === kinds.spanId) {
    const length = end - from
    const right = kind === kinds.traceId ? 16 : 8
    if (length !== 0 && length !== right) refuse(b, start, `${length} bytes, must be 0 or ${right}`)
  }
}

/** A varint of up to 5 bytes and 32 bits, as field keys and lengths are; its end is varintEnd. */
function longUint32(b: Uint8Array, from: number, end: number, start: number, what: string): number {
  let value = 0
  for (let at = from, shift = 0; at < end; at++, shift += 7) {
    const byte = b[at]!
    if (shift === 28 && byte > 0x0f) refuse(b, start, `${what} of more than 32 bits`)
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return value >>> 0
  }
  return refuse(b, start, `cut off in its ${what}`)
}

function varintEnd(b: Uint8Array, from: number): number {
  let at = from
  while (b[at]! >= 0x80) at++
  return at + 1
}

function longVarint(b: Uint8Array, from: number, end: number, start: number): number {
  const limit = Math.min(end, from + 10)
  for (let at = from; at < limit; at++) {
    if (b[at]! >= 0x80) continue
    if (at === from + 9 && b[at]! > 1) break
    return at + 1
  }
  return refuse(b, start, limit === end && end < from + 10 ? 'cut off' : 'more than 64 bits')
}

function given(message: number): string {
  return message === anyValueMessage ? 'a second value, must be one at most' : 'given twice'
}

function refuse(b: Uint8Array, start: number, problem: string): never {
  throw new InvalidLogs(`${placeOf(b, start)}: ${problem}`)
}
