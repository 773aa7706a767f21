import { hash } from 'node:crypto'
import { wrappingOf } from '../logs/cut.ts'
import type { Logs } from '../logs/logs.ts'
import { enter, newReader, type Reader, readEnd, readUint32, skipValue } from '../logs/wire.ts'
import type { IdPath } from './id_path.ts'
import { conflictMark } from './mark.ts'
import { createIdFinder, type IdFinder } from './record_id.ts'

/*
 * What is compared of records. Who can make two records with one print can have the second one left
 * out, and the second one may be an honest sender's: so it is SHA-256, cut to 128 bits, of which a
 * second with the same print is out of reach. It costs 1 µs of the 2 µs a record takes here.
 */

export const printBytes = 16
/** Of each record with an id: the print of the id, then that of id and content. */
export const recordPrintBytes = 2 * printBytes

/** Of each record, in order. In one block: a request may have a million records. */
export interface Prints {
  /** 0: the record has no id, and no prints. */
  readonly hasId: Uint8Array
  /** Those of a record begin at its number times `recordPrintBytes`. */
  readonly bytes: Buffer
}

/**
 * Content is the record's bytes with those of its resource and scope around it, but without the time
 * at which somebody observed it: whoever reads an event twice observes it twice. The mark of a
 * conflict is left out too, so that a record reads from the journal as it came.
 */
export function createPrinter(path: IdPath): (logs: Logs) => Prints {
  const finder = createIdFinder(path)
  return (logs) => {
    const hasId = new Uint8Array(logs.records)
    const bytes = Buffer.allocUnsafe(logs.records * recordPrintBytes)
    const printing: Printing = { finder, hasId, bytes, record: 0 }
    for (const chunk of logs.chunks) printRequest(newReader(chunk), chunk.length, printing)
    return printing
  }
}

interface Printing extends Prints {
  readonly finder: IdFinder
  /** The next one. */
  record: number
}

const digestBytes = 32
const observedTimeKey = 0x59

/** Scope, id and content one after another, to be hashed at once; larger records have a buffer of their own. */
const scratch = Buffer.alloc(64 * 1024)

function printRequest(reader: Reader, end: number, printing: Printing): void {
  while (reader.at < end) {
    if (!enter(reader, 1)) continue
    const stop = readEnd(reader)
    // Once for a resource and once for a scope: a request may repeat small ones under a large one.
    printResource(reader, stop, digestOf('', wrappingOf(reader, stop, 2)), printing)
  }
}

function printResource(reader: Reader, end: number, resource: string, printing: Printing): void {
  while (reader.at < end) {
    if (!enter(reader, 2)) continue
    const stop = readEnd(reader)
    printScope(reader, stop, digestOf(resource, wrappingOf(reader, stop, 2)), printing)
  }
}

function printScope(reader: Reader, end: number, scope: string, printing: Printing): void {
  while (reader.at < end) {
    if (!enter(reader, 2)) continue
    const stop = readEnd(reader)
    const record = printing.record++
    const at = record * recordPrintBytes
    if (printId(reader, stop, printing, at)) {
      printing.hasId[record] = 1
      printContent(reader, stop, scope, printing.bytes, at)
    }
    reader.at = stop
  }
}

/** The reader stays where it is. */
function printId(reader: Reader, end: number, { finder, bytes }: Printing, at: number): boolean {
  const from = reader.at
  let found = false
  while (!found && reader.at < end) {
    const key = readUint32(reader)
    const place = reader.at
    skipValue(reader, key & 7)
    if (key >>> 3 !== finder.field) continue
    const next = reader.at
    reader.at = place
    found = finder.find(reader)
    reader.at = next
  }
  reader.at = from
  if (found) putPrint(reader.bytes.subarray(finder.from, finder.to), bytes, at)
  return found
}

/** The print of the id stands at `at` already. */
function printContent(
  reader: Reader,
  end: number,
  scope: string,
  prints: Buffer,
  at: number
): void {
  const { bytes } = reader
  const longest = digestBytes + printBytes + end - reader.at
  const into = longest <= scratch.length ? scratch : Buffer.allocUnsafe(longest)
  into.write(scope, 0, 'latin1')
  prints.copy(into, digestBytes, at, at + printBytes)
  let length = digestBytes + printBytes
  let from = reader.at
  const take = (to: number) => {
    into.set(bytes.subarray(from, to), length)
    length += to - from
  }
  while (reader.at < end) {
    const start = reader.at
    const key = readUint32(reader)
    skipValue(reader, key & 7)
    if (key !== observedTimeKey && !isMark(bytes, start, reader.at)) continue
    take(start)
    from = reader.at
  }
  take(end)
  putPrint(into.subarray(0, length), prints, at + printBytes)
}

function isMark(bytes: Uint8Array, from: number, to: number): boolean {
  if (to - from !== conflictMark.length) return false
  return conflictMark.every((byte, index) => bytes[from + index] === byte)
}

function digestOf(above: string, around: Uint8Array): string {
  return hash('sha256', Buffer.concat([Buffer.from(above, 'latin1'), around]), 'latin1')
}

/** As text and back: four times as fast as by a buffer of its own. */
function putPrint(of: Uint8Array, into: Buffer, at: number): void {
  into.write(hash('sha256', of, 'latin1'), at, printBytes, 'latin1')
}
