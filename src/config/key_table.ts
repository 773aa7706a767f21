import { z } from 'zod'
import type { Schema, Shape } from './schema_walk.ts'

/** A Markdown table of the keys of a schema, those of maps below their own. */
export function keyTable(schema: z.ZodType): string {
  const rows = rowsOf(jsonOf(schema), '').map((cells) => `| ${cells.map(escaped).join(' | ')} |`)
  return ['| key | type | default | |', '| --- | --- | --- | --- |', ...rows].join('\n')
}

export interface Key {
  readonly key: string
  /** Why it is not taken, if it is not. */
  readonly refused: string | undefined
}

/** The same keys, each once. */
export function keysOf(schema: z.ZodType): Key[] {
  const keys = rowsOf(jsonOf(schema), '').map(([name, type, , description]): Key => {
    const why =
      type === 'refused' ? description!.replace(/^Refused[:,] (.*?)\.?$/, '$1') : undefined
    return { key: name!.slice(1, -1), refused: why }
  })
  return [...new Map(keys.map((one) => [one.key, one])).values()]
}

function jsonOf(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, {
    io: 'input',
    // What cannot be said in JSON Schema, a function as a check, is any value there.
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      jsonSchema.default ??= statedDefault(zodSchema)
      jsonSchema.isOptional = z.safeParse(zodSchema, undefined).success
    }
  }) as Json
}

/** zod leaves out a default that stands behind a transform, as that of most durations does. */
function statedDefault(schema: Schema): unknown {
  const { def } = (schema as Shape)._zod
  if (def.type === 'default' || def.type === 'prefault') return def.defaultValue
  if (def.type === 'pipe') return statedDefault(def.in) ?? statedDefault(def.out)
  return def.type === 'optional' || def.type === 'nullable'
    ? statedDefault(def.innerType)
    : undefined
}

/** What we read of a JSON Schema, and what we have added. */
interface Json {
  readonly isOptional?: boolean
  readonly type?: string | readonly string[]
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly not?: object
  readonly anyOf?: readonly Json[]
  readonly oneOf?: readonly Json[]
  readonly items?: Json
  readonly properties?: Readonly<Record<string, Json>>
  readonly additionalProperties?: Json | boolean
}

function rowsOf(schema: Json, path: string): string[][] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([key, value]) => {
    const name = path === '' ? key : `${path}.${key}`
    const row = [`\`${name}\``, typeOf(value), defaultOf(value), value.description ?? '']
    return [row, ...rowsOf(value, name)]
  })
  const kinds = [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  const free = schema.additionalProperties
  return distinct([
    ...own,
    ...kinds.flatMap((kind) => rowsOf(kind, path)),
    ...(schema.items ? rowsOf(schema.items, `${path}[]`) : []),
    ...(typeof free === 'object' ? rowsOf(free, `${path}.<name>`) : [])
  ])
}

/** Kinds of one map have keys in common. */
function distinct(rows: readonly string[][]): string[][] {
  return [...new Map(rows.map((row) => [row.join('\n'), row])).values()]
}

function typeOf(schema: Json): string {
  const kinds = schema.anyOf ?? schema.oneOf
  if (schema.title !== undefined) return schema.title
  if (schema.not !== undefined || schema.type === 'null') return 'refused'
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ')
  if (schema.const !== undefined) return code(schema.const)
  if (kinds !== undefined) {
    const some = kinds.filter(({ type }) => type !== 'null')
    return [...new Set(some.map(typeOf))].join(' or ')
  }
  if (schema.type === 'array') return schema.items ? `list of ${typeOf(schema.items)}` : 'list'
  if (
    schema.type === 'object' &&
    !schema.properties &&
    typeof schema.additionalProperties === 'object'
  )
    return `map of ${typeOf(schema.additionalProperties)}`
  return schema.type === 'object' ? 'map' : [schema.type ?? 'any'].flat().join(' or ')
}

function defaultOf({ default: value, title, isOptional }: Json): string {
  if (!isOptional) return 'required'
  // Infinity has become null: there is no limit.
  if (value === undefined || value === null) return ''
  if (typeof value === 'object' && !Array.isArray(value)) return ''
  return code(title === 'duration' && typeof value === 'number' ? `${value}ms` : value)
}

function code(value: unknown): string {
  return `\`${typeof value === 'string' && value !== '' ? value : JSON.stringify(value)}\``
}

function escaped(cell: string): string {
  return cell.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
