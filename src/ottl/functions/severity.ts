import { type AnyValue, entryValue, isMap, mapGet, type ValueMap } from '../../logs/value.ts'
import { Fault, OttlError } from '../errors.ts'
import { isList } from '../values.ts'

/** Levels in their order, each with what belongs to it. */
export type Levels = readonly { readonly level: string; readonly criteria: readonly Criterion[] }[]

interface Criterion {
  readonly equals: readonly AnyValue[]
  readonly min?: bigint
  readonly max?: bigint
}

export function levelsOf(mapping: ValueMap, at: number): Levels {
  return mapping.entries.map((entry) => {
    const list = entryValue(entry)
    if (!isList(list)) throw new OttlError(`level ${entry.key} needs a list of criteria`, at)
    return { level: entry.key, criteria: list.map((one) => criterionOf(one, entry.key, at)) }
  })
}

export function levelOf(value: string | bigint, levels: Levels): string {
  const found = levels.find(({ criteria }) => criteria.some((one) => belongs(value, one)))
  if (found !== undefined) return found.level
  throw new Fault('the value belongs to no level')
}

function belongs(value: string | bigint, { equals, min, max }: Criterion): boolean {
  if (typeof value === 'string') return equals.includes(value)
  return min !== undefined && value >= min && value <= max!
}

function criterionOf(of: AnyValue, level: string, at: number): Criterion {
  const wrong = (what: string) => new OttlError(`level ${level}: ${what}`, at)
  if (!isMap(of)) throw wrong('a criterion is a map with equals or range')
  const equals = mapGet(of, 'equals') ?? []
  if (!isList(equals) || equals.some((one) => typeof one !== 'string'))
    throw wrong('equals must be a list of strings')
  const range = mapGet(of, 'range')
  if (range === undefined) return { equals }
  const hundreds = typeof range === 'string' ? /^([2-5])xx$/.exec(range)?.[1] : undefined
  if (hundreds !== undefined) {
    const min = BigInt(hundreds) * 100n
    return { equals, min, max: min + 99n }
  }
  if (!isMap(range)) throw wrong('range must be a map with min and max, or "2xx" to "5xx"')
  const [min, max] = [mapGet(range, 'min'), mapGet(range, 'max')]
  if (typeof min !== 'bigint' || typeof max !== 'bigint') throw wrong('min and max must be ints')
  return { equals, min, max }
}
