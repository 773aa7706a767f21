import type { Meta } from '../component.ts'
import { asText } from '../logs/any_text.ts'
import type { LogsView } from '../logs/edit.ts'
import { type AnyValue, depthOf, type ValueMap } from '../logs/value.ts'
import { Fault } from './errors.ts'

/** What expressions work on: what a log can hold, and what it holds only after a conversion. */
export type Value = AnyValue | Time | Duration | Id

/** An instant in nanoseconds since the epoch, and the zone in which its day and hour are asked for. */
export interface Time {
  readonly kind: 'time'
  readonly nanos: bigint
  readonly zone: Zone
}

/** Seconds east of UTC and the name that the zone has at an instant. */
export type Zone = (nanos: bigint) => { readonly offset: number; readonly name: string }

export interface Duration {
  readonly kind: 'duration'
  readonly nanos: bigint
}

/** A trace id (16 bytes) or a span id (8); all zero when there is none. */
export interface Id {
  readonly kind: 'id'
  readonly bytes: Uint8Array
}

/** The record at hand, and `cache`, which statements may use for what they pass on. */
export interface View extends LogsView {
  cache: ValueMap
  /** Of the request that brought the record. */
  client?: Meta['client'] | undefined
}

export const utc: Zone = () => ({ offset: 0, name: 'UTC' })

export function timeOf(nanos: bigint, zone: Zone = utc): Time {
  return { kind: 'time', nanos, zone }
}

export function durationOf(nanos: bigint): Duration {
  return { kind: 'duration', nanos: BigInt.asIntN(64, nanos) }
}

export function isList(value: Value): value is readonly AnyValue[] {
  return Array.isArray(value)
}

export type TypeName = ReturnType<typeof typeName>

export function typeName(value: Value) {
  if (value === null) return 'nil'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'bigint') return 'int'
  if (typeof value === 'number') return 'double'
  if (typeof value === 'boolean') return 'bool'
  if (value instanceof Uint8Array) return 'bytes'
  if (isList(value)) return 'list'
  return value.kind
}

/** The check of OTLP allows 100 messages inside each other, and an attribute's value begins at 5. */
const depthLimit = 95

/** The value as a log can hold it. */
export function storable(value: Value): AnyValue {
  const type = typeName(value)
  if (type === 'time' || type === 'duration' || type === 'id')
    throw new Fault(`a ${type} cannot be stored, convert it first`)
  const stored = value as AnyValue
  if ((type === 'map' || type === 'list') && depthOf(stored) > depthLimit)
    throw new Fault('nested deeper than OTLP allows')
  return stored
}

/** As the Collector's `AsString()`; an instant in ISO 8601, an id in hex, a duration in nanoseconds. */
export function valueText(value: Value): string {
  const type = typeName(value)
  if (type === 'id') return Buffer.from((value as Id).bytes).toString('hex')
  if (type === 'duration') return String((value as Duration).nanos)
  if (type !== 'time') return asText(value as AnyValue)
  return new Date(Number((value as Time).nanos / 1_000_000n)).toISOString()
}
