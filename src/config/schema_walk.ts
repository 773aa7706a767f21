import type { z } from 'zod'

/** A schema without its wrappers (optional, default, pipe ...): what a value is matched against. */
export type Shape = z.core.$ZodTypes
export type Schema = z.core.$ZodType

/** What a schema takes: its unions and wrappers opened, and whether null is a value of its own. */
export interface Shapes {
  readonly shapes: readonly Shape[]
  readonly nullable: boolean
}

export function shapesOf(schema: Schema): Shapes {
  const { def } = (schema as Shape)._zod
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
    case 'nonoptional':
    case 'readonly':
    case 'catch':
      return shapesOf(def.innerType)
    case 'nullable':
      return { ...shapesOf(def.innerType), nullable: true }
    case 'lazy':
      return shapesOf(def.getter())
    case 'pipe':
      return (def.in as Shape)._zod.def.type === 'transform' ? shapesOf(def.out) : shapesOf(def.in)
    case 'union':
      return joined(def.options.map(shapesOf))
    case 'intersection':
      return joined([shapesOf(def.left), shapesOf(def.right)])
    case 'null':
      return { shapes: [], nullable: true }
    case 'any':
    case 'unknown':
      return { shapes: [schema as Shape], nullable: true }
    default:
      return { shapes: [schema as Shape], nullable: false }
  }
}

function joined(parts: readonly Shapes[]): Shapes {
  return {
    shapes: parts.flatMap(({ shapes }) => shapes),
    nullable: parts.some(({ nullable }) => nullable)
  }
}

/** The schema below a schema: of an object's key, a record's value, a list's item. */
export function schemaBelow(schema: Schema, key: PropertyKey): Schema | undefined {
  for (const shape of shapesOf(schema).shapes) {
    const { def } = shape._zod
    if (def.type === 'object') {
      const field = Object.hasOwn(def.shape, key) ? def.shape[String(key)] : def.catchall
      if (field && (field as Shape)._zod.def.type !== 'never') return field
    }
    if (def.type === 'record') return def.valueType
    if (def.type === 'array') return def.element
  }
  return undefined
}

/** True when it takes a map, with keys of its own or of the user's. */
export function takesMap(schema: Schema | undefined): boolean {
  const shapes = schema ? shapesOf(schema).shapes : []
  return shapes.some((shape) => ['object', 'record'].includes(shape._zod.def.type))
}

/** True when it takes whole numbers only. */
export function takesInteger(schema: Schema | undefined): boolean {
  const shapes = schema ? shapesOf(schema).shapes : []
  return shapes.some(({ _zod: { def } }) => {
    if (def.type !== 'number') return false
    return [def, ...(def.checks ?? []).map((check) => check._zod.def)].some(
      (check) => 'format' in check && /int/.test(String(check.format))
    )
  })
}

/** True when it takes no value at all: its key is known so that the refusal can say why. */
export function isRefused(schema: Schema): boolean {
  const { shapes } = shapesOf(schema)
  return shapes.length > 0 && shapes.every((shape) => shape._zod.def.type === 'never')
}

/** The schema at the end of a path. */
export function schemaAt(schema: Schema, path: readonly PropertyKey[]): Schema | undefined {
  return path.reduce<Schema | undefined>((above, key) => above && schemaBelow(above, key), schema)
}

/** True when the keys below it are the user's own, not the schema's. */
export function hasFreeKeys(schema: Schema | undefined): boolean {
  const shapes = schema ? shapesOf(schema).shapes : []
  return shapes.some((shape) => shape._zod.def.type === 'record')
}

/** One map of a component's configuration and the keys it takes. */
export interface Level {
  /** Keys from the component down; of a list's items and a record's values that of the list or record. */
  readonly path: readonly string[]
  readonly fields: ReadonlyMap<string, Schema>
  /** It is the value of a key that the user chooses. */
  readonly named: boolean
}

/** Every level of a schema, the outermost first: for hints, and for documentation. */
export function levelsOf(schema: Schema, path: readonly string[] = [], named = false): Level[] {
  // A schema may contain itself (z.lazy); no configuration is this deep.
  if (path.length > 8) return []
  return shapesOf(schema).shapes.flatMap(({ _zod: { def } }) => {
    if (def.type === 'array') return levelsOf(def.element, path, named)
    if (def.type === 'record') return levelsOf(def.valueType, path, true)
    if (def.type !== 'object') return []
    const fields = new Map(Object.entries(def.shape as Record<string, Schema>))
    const below = [...fields].flatMap(([key, field]) => levelsOf(field, [...path, key], named))
    return [{ path, fields, named }, ...below]
  })
}
