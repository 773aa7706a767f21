import { asString } from './as_string.ts'
import { countRecords } from './cut.ts'
import type { Logs } from './logs.ts'
import { newValueReader, readString, type ValueReader } from './read_value.ts'
import { enter, readEnd, readUint32, skipValue } from './wire.ts'

/** Logs whose resources have the same values, in the order of the keys; undefined: the resource has no such attribute. */
export interface ResourceGroup {
  readonly values: (string | undefined)[]
  readonly logs: Logs
}

/**
 * Groups resource logs by the string form of these resource attributes (of an attribute that is
 * there twice the first counts, as in the Collector), groups in the order in which they first
 * appear. No record is decoded and nothing is copied: every ResourceLogs field is a request of its
 * own. Resource logs without records are left out when there is more than one group.
 */
export function splitByResource(logs: Logs, keys: readonly string[]): ResourceGroup[] {
  const groups = new Map<string, { values: (string | undefined)[]; parts: Uint8Array[] }>()
  for (const chunk of logs.chunks) {
    for (const part of resourceParts(chunk)) {
      const values = valuesOf(part, keys)
      const name = JSON.stringify(values)
      const group = groups.get(name)
      if (group === undefined) groups.set(name, { values, parts: [part] })
      else append(group.parts, part)
    }
  }
  const found = [...groups.values()]
  if (found.length === 1) return [{ values: found[0]!.values, logs }]
  return found
    .map(({ values, parts }) => ({ values, logs: logsOf(parts) }))
    .filter((group) => group.logs.records > 0)
}

/** The same values for each ResourceLogs in turn, with the number of its records. */
export function* resourcesOf(
  { chunks }: Logs,
  keys: readonly string[]
): Generator<{ values: (string | undefined)[]; records: number }, void> {
  for (const chunk of chunks) {
    for (const part of resourceParts(chunk)) {
      yield { values: valuesOf(part, keys), records: countRecords(part) }
    }
  }
}

/** The request in parts with one ResourceLogs field each; unknown fields stay with the one before them. */
function resourceParts(chunk: Uint8Array): Uint8Array[] {
  const reader = newValueReader(chunk)
  const parts: Uint8Array[] = []
  let from = 0
  let some = false
  while (reader.at < chunk.length) {
    const start = reader.at
    if (!enter(reader, 1)) continue
    reader.at = readEnd(reader)
    if (some) parts.push(chunk.subarray(from, start))
    if (some) from = start
    some = true
  }
  if (some) parts.push(chunk.subarray(from))
  return parts
}

function valuesOf(part: Uint8Array, keys: readonly string[]): (string | undefined)[] {
  const values = new Array<string | undefined>(keys.length).fill(undefined)
  const reader = newValueReader(part)
  while (reader.at < part.length) {
    if (!enter(reader, 1)) continue
    const end = readEnd(reader)
    while (reader.at < end) {
      if (enter(reader, 1)) readResource(reader, readEnd(reader), keys, values)
    }
  }
  return values
}

function readResource(
  reader: ValueReader,
  end: number,
  keys: readonly string[],
  values: (string | undefined)[]
): void {
  while (reader.at < end) {
    if (!enter(reader, 1)) continue
    const stop = readEnd(reader)
    const [name, value] = readPair(reader, stop)
    const index = keys.indexOf(name)
    if (index < 0 || values[index] !== undefined) continue
    reader.at = value
    values[index] = value === 0 ? '' : asString(reader, readEnd(reader))
    reader.at = stop
  }
}

/** The key, and where the value stands (0: there is none). */
function readPair(reader: ValueReader, end: number): [name: string, value: number] {
  let name = ''
  let value = 0
  while (reader.at < end) {
    const key = readUint32(reader)
    if (key === 0x0a) {
      name = readString(reader)
      continue
    }
    if (key === 0x12) value = reader.at
    skipValue(reader, key & 7)
  }
  return [name, value]
}

/** Neighbours in one chunk become one chunk again. */
function append(parts: Uint8Array[], part: Uint8Array): void {
  const last = parts.at(-1)!
  if (last.buffer === part.buffer && last.byteOffset + last.length === part.byteOffset)
    parts[parts.length - 1] = new Uint8Array(
      last.buffer,
      last.byteOffset,
      last.length + part.length
    )
  else parts.push(part)
}

function logsOf(parts: readonly Uint8Array[]): Logs {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0)
  const records = parts.reduce((sum, part) => sum + countRecords(part), 0)
  return { chunks: parts, bytes, records }
}
