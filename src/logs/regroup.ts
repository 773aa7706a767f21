import { canonicalValue } from './canonical_value.ts'
import { wrappingOf } from './cut.ts'
import type { Logs } from './logs.ts'
import { newMessage, openMessage, readAttribute, readField, setField } from './message.ts'
import { recordFields } from './message_fields.ts'
import { fieldOf, messageField } from './parts.ts'
import { newValueReader, type ValueReader } from './read_value.ts'
import { resourceWith, textOf } from './resource_with.ts'
import { type AnyValue, mapFilter } from './value.ts'
import { enter, readEnd } from './wire.ts'

export interface Regrouping {
  /** Attributes of records that become those of their resource; none: equal resources are joined, no more. */
  readonly keys: readonly string[]
  /** Bytes that the logs may grow by: each value of a key repeats the resource of its records. */
  readonly growth: number
  /** The attribute of the key at this index has been moved, of one more record. */
  readonly moved: (index: number) => void
}

/**
 * The logs with each record below a resource that has the record's attributes of these keys too.
 * Equal resources become one, and in it equal scopes; in a scope records keep their order. Equal is
 * what is equal in every field, schema urls and unknown ones included, so that nothing of a resource
 * or scope is lost. A record without such an attribute keeps its bytes; where nothing moves and
 * nothing is joined the logs stay the same. Otherwise resources and scopes without records go.
 */
export function regroup(logs: Logs, regrouping: Regrouping): Logs {
  const work = newWork(logs, regrouping)
  const around: Uint8Array[] = []
  for (const chunk of logs.chunks) {
    const reader = newValueReader(chunk)
    around.push(wrappingOf(reader, chunk.length, 1))
    while (reader.at < chunk.length)
      if (enter(reader, 1)) regroupResource(reader, readEnd(reader), work)
  }
  if (!isChanged(work)) return logs
  const bytes = Buffer.concat([...work.groups.values()].flatMap(resourceLogs).concat(around))
  return { chunks: [bytes], bytes: bytes.length, records: logs.records }
}

interface ResourceGroup {
  readonly around: Uint8Array
  readonly scopes: Map<string, ScopeGroup>
}

interface ScopeGroup {
  readonly around: Uint8Array
  /** Each with its key and length, or in parts. */
  readonly records: Uint8Array[]
}

type Work = ReturnType<typeof newWork>

function newWork({ bytes }: Logs, { keys, growth, moved }: Regrouping) {
  return {
    keys: keys.map((key) => ({ key, bytes: Buffer.from(key) })),
    moved,
    groups: new Map<string, ResourceGroup>(),
    /** What the resources of all groups may still take. */
    room: bytes + growth,
    /** Records moved; resources and scopes that came with records. */
    moves: 0,
    resources: 0,
    scopes: 0
  }
}

function isChanged({ moves, resources, scopes, groups }: Work): boolean {
  if (moves > 0 || groups.size < resources) return true
  return [...groups.values()].reduce((sum, group) => sum + group.scopes.size, 0) < scopes
}

/** Where the records of the resource logs at hand go, by the values that they take along. */
interface Origin {
  readonly around: Uint8Array
  readonly targets: Map<string, ResourceGroup>
}

function regroupResource(reader: ValueReader, end: number, work: Work): void {
  const origin: Origin = { around: wrappingOf(reader, end, 2), targets: new Map() }
  while (reader.at < end) if (enter(reader, 2)) regroupScope(reader, readEnd(reader), origin, work)
  if (origin.targets.size > 0) work.resources++
}

const record = newMessage(recordFields)

function regroupScope(reader: ValueReader, end: number, origin: Origin, work: Work): void {
  const around = wrappingOf(reader, end, 2)
  const key = textOf(around)
  let isEmpty = true
  while (reader.at < end) {
    const start = reader.at
    if (!enter(reader, 2)) continue
    const stop = readEnd(reader)
    openMessage(record, reader, reader.at, stop)
    const taken = takenFrom(work)
    const { scopes } = targetOf(taken, origin, work)
    const scope = scopes.get(key) ?? { around, records: [] }
    if (scope.records.length === 0) scopes.set(key, scope)
    if (taken === undefined) scope.records.push(reader.bytes.subarray(start, stop))
    else scope.records.push(...recordWithout(taken, work))
    isEmpty = false
    reader.at = stop
  }
  if (!isEmpty) work.scopes++
}

/** The record's values, each with the index of its key. */
type Taken = readonly (readonly [index: number, value: AnyValue])[]

function takenFrom({ keys }: Work): Taken | undefined {
  let taken: [number, AnyValue][] | undefined
  for (let index = 0; index < keys.length; index++) {
    const { key, bytes } = keys[index]!
    const value = readAttribute(record, recordFields.attributes, key, bytes)
    if (value === undefined) continue
    taken ??= []
    taken.push([index, value])
  }
  return taken
}

/** Of a key that is there twice the second stays, as in the Collector. */
function recordWithout(taken: Taken, work: Work): Uint8Array[] {
  const attributes = readField(record, recordFields.attributes)
  const gone = taken.map(([index]) =>
    attributes.entries.find(({ key }) => key === work.keys[index]!.key)
  )
  setField(
    record,
    recordFields.attributes,
    mapFilter(attributes, (entry) => !gone.includes(entry))
  )
  for (const [index] of taken) work.moved(index)
  work.moves++
  return [messageField(2, record)]
}

function targetOf(taken: Taken | undefined, origin: Origin, work: Work): ResourceGroup {
  const { around, targets } = origin
  const values =
    taken?.map(([index, value]) => `${index}:${canonicalValue(value)}`).join('\n') ?? ''
  const known = targets.get(values)
  if (known !== undefined) return known
  const attributes = (taken ?? []).map(([index, value]) => [work.keys[index]!.key, value] as const)
  const { key, bytes } = resourceWith(around, attributes)
  let group = work.groups.get(key)
  if (group === undefined) {
    work.room -= bytes.length
    if (work.room < 0) throw new Error(tooLarge)
    group = { around: bytes, scopes: new Map() }
    work.groups.set(key, group)
  }
  targets.set(values, group)
  return group
}

const tooLarge =
  'grouping: a resource for each value of these keys would take too many bytes; group by fewer keys, or send fewer records a request'

function resourceLogs({ around, scopes }: ResourceGroup): Uint8Array[] {
  const inner = [...scopes.values()].flatMap(({ around, records }) =>
    fieldOf(2, [around, ...records])
  )
  return fieldOf(1, [around, ...inner])
}
