import type { Logs } from './logs.ts'
import { type Message, newMessage, openMessage, readField } from './message.ts'
import { recordFields, resourceFields, schemaUrl, scopeFields } from './message_fields.ts'
import { fieldOf, messageField, partBy } from './parts.ts'
import { newValueReader, type ValueReader } from './read_value.ts'
import { enter, readEnd, readUint32, skipValue } from './wire.ts'

/** The record at hand with what is around it. The same objects serve every record of a walk. */
export interface LogsView {
  readonly resource: Message
  /** Of it only the schema url can be read or set. */
  readonly resourceLogs: Message
  readonly scope: Message
  readonly scopeLogs: Message
  readonly record: Message
}

/** Called in front of what it holds, whose records `holds` counts; `false` leaves it out, with all of them. */
type Visit = (holds: () => number) => boolean

export interface Visits {
  readonly resource?: Visit | undefined
  readonly scope?: Visit | undefined
  readonly record?: (() => boolean) | undefined
}

export function newLogsView(): LogsView {
  return {
    resource: newMessage(resourceFields),
    resourceLogs: newMessage({ schemaUrl }),
    scope: newMessage(scopeFields),
    scopeLogs: newMessage({ schemaUrl }),
    record: newMessage(recordFields)
  }
}

/**
 * Shows each resource, scope and record in turn and returns the logs with what was set in them. A
 * resource or scope that is set while one of its records is shown is set for all of them. What was
 * not set keeps its bytes, unknown fields included; chunks in which nothing was set or left out
 * stay the same buffers, and so do the logs. Resources and scopes that lose their last record go.
 * Without a visit of records these are stepped over.
 */
export function editLogs(logs: Logs, view: LogsView, visits: Visits): Logs {
  const chunks: Uint8Array[] = []
  const layer = layersOf(view, visits)
  let records = 0
  for (const chunk of logs.chunks) {
    const reader = newValueReader(chunk)
    const edits = newEdits()
    while (reader.at < chunk.length) {
      const start = reader.at
      const key = readUint32(reader)
      if (key !== 0x0a) skipValue(reader, key & 7)
      else editWrapping(reader, readEnd(reader), start, key, layer, edits)
    }
    records += edits.records
    if (edits.records === 0 && edits.left > 0) continue
    chunks.push(
      edits.list.length === 0 ? chunk : Buffer.concat(applied(reader, 0, chunk.length, edits))
    )
  }
  if (chunks.length === logs.chunks.length && chunks.every((one, i) => one === logs.chunks[i]))
    return logs
  return { chunks, bytes: chunks.reduce((sum, chunk) => sum + chunk.length, 0), records }
}

/** Resource logs and scope logs are alike: field 1 is shared by what field 2 repeats, field 3 the schema url. */
interface Layer {
  readonly shared: Message
  readonly wrapping: Message
  readonly visit: Visit | undefined
  /** Somebody looks at what is inside. */
  readonly isOpen: boolean
  readonly inner: Layer | undefined
  readonly record: Message
  readonly visitRecord: (() => boolean) | undefined
}

function layersOf(view: LogsView, visits: Visits): Layer {
  const { record } = view
  const visitRecord = visits.record
  const scope: Layer = {
    shared: view.scope,
    wrapping: view.scopeLogs,
    visit: visits.scope,
    isOpen: visits.record !== undefined,
    inner: undefined,
    record,
    visitRecord
  }
  return {
    shared: view.resource,
    wrapping: view.resourceLogs,
    visit: visits.resource,
    isOpen: (visits.record ?? visits.scope) !== undefined,
    inner: scope,
    record,
    visitRecord
  }
}

/** What is to be put in the place of which bytes, and how many records stay. */
interface Edits {
  readonly list: { readonly start: number; readonly stop: number; readonly by: Uint8Array[] }[]
  records: number
  left: number
}

function newEdits(): Edits {
  return { list: [], records: 0, left: 0 }
}

function applied({ bytes }: ValueReader, from: number, end: number, edits: Edits): Uint8Array[] {
  const parts: Uint8Array[] = []
  let at = from
  for (const { start, stop, by } of edits.list.sort(byPlace)) {
    if (start > at) parts.push(bytes.subarray(at, start))
    for (const part of by) parts.push(part)
    at = stop
  }
  if (end > at) parts.push(bytes.subarray(at, end))
  return parts
}

/** What is inserted at a place goes before what begins there. */
function byPlace(a: Edits['list'][number], b: Edits['list'][number]): number {
  return a.start - b.start || a.stop - b.stop
}

function editWrapping(
  reader: ValueReader,
  end: number,
  start: number,
  tag: number,
  layer: Layer,
  into: Edits
): void {
  const from = reader.at
  const place = openShared(reader, end, layer)
  reader.at = from
  const edits = newEdits()
  let counted: number | undefined
  const holds = () => {
    counted ??= recordsIn(reader, from, end, layer)
    return counted
  }
  const kept = layer.visit?.(holds) ?? true
  if (kept && layer.isOpen) editRepeated(reader, end, layer, edits)
  else if (kept) edits.records = holds()
  reader.at = end
  if (!kept || (edits.records === 0 && edits.left > 0)) {
    into.left++
    into.list.push({ start, stop: end, by: [] })
    return
  }
  into.records += edits.records
  const { shared, wrapping } = layer
  if (shared.changed !== 0) edits.list.push({ ...place, by: [messageField(1, shared)] })
  if (wrapping.changed !== 0) edits.list.push(urlEdit(reader, from, end, wrapping))
  if (edits.list.length === 0) return
  into.list.push({ start, stop: end, by: fieldOf(tag >>> 3, applied(reader, from, end, edits)) })
}

/** Opens the two messages around what is repeated, and says where the shared one stands. */
function openShared(reader: ValueReader, end: number, { shared, wrapping }: Layer) {
  const from = reader.at
  openMessage(wrapping, reader, from, end)
  openMessage(shared, reader, from, from)
  let place = { start: from, stop: from }
  while (reader.at < end) {
    const start = reader.at
    const key = readUint32(reader)
    if (key !== 0x0a) {
      skipValue(reader, key & 7)
      continue
    }
    const stop = readEnd(reader)
    openMessage(shared, reader, reader.at, stop)
    place = { start, stop }
    reader.at = stop
  }
  return place
}

/** The schema url in its place, or behind all else when there was none. */
function urlEdit(reader: ValueReader, from: number, end: number, wrapping: Message) {
  const url = readField(wrapping, schemaUrl)
  const by = [partBy((writer) => schemaUrl.write(writer, schemaUrl.number, url))]
  reader.at = from
  while (reader.at < end) {
    const start = reader.at
    const key = readUint32(reader)
    skipValue(reader, key & 7)
    if (key === 0x1a) return { start, stop: reader.at, by }
  }
  return { start: end, stop: end, by }
}

function recordsIn(reader: ValueReader, from: number, end: number, { inner }: Layer): number {
  let records = 0
  reader.at = from
  while (reader.at < end) {
    if (!enter(reader, 2)) continue
    const stop = readEnd(reader)
    records += inner === undefined ? 1 : recordsIn(reader, reader.at, stop, inner)
    reader.at = stop
  }
  reader.at = from
  return records
}

function editRepeated(reader: ValueReader, end: number, layer: Layer, edits: Edits): void {
  while (reader.at < end) {
    const start = reader.at
    const key = readUint32(reader)
    if (key !== 0x12) {
      skipValue(reader, key & 7)
      continue
    }
    const stop = readEnd(reader)
    if (layer.inner !== undefined) editWrapping(reader, stop, start, key, layer.inner, edits)
    else editRecord(reader, stop, start, layer, edits)
    reader.at = stop
  }
}

function editRecord(reader: ValueReader, end: number, start: number, layer: Layer, edits: Edits) {
  const { record, visitRecord } = layer
  openMessage(record, reader, reader.at, end)
  if (visitRecord !== undefined && !visitRecord()) {
    edits.left++
    edits.list.push({ start, stop: end, by: [] })
    return
  }
  edits.records++
  if (record.changed !== 0) edits.list.push({ start, stop: end, by: [messageField(2, record)] })
}
