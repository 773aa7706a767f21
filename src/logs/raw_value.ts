import { type AnyValue, depthOf, mapOf } from './value.ts'

/** Around it come the request, the resource, the attribute: together within what the check takes. */
const depthLimit = 90

/** The attribute value that a `typedValue` of pipeline.yaml stands for. Throws what is wrong with it. */
export function anyValueOf(raw: unknown): AnyValue {
  const value = converted(raw)
  if (depthOf(value) > depthLimit) throw new Error(`nested more than ${depthLimit} deep`)
  return value
}

function converted(raw: unknown): AnyValue {
  if (typeof raw === 'bigint' && BigInt.asIntN(64, raw) !== raw)
    throw new Error(`${raw} does not fit in 64 bits`)
  if (Array.isArray(raw)) return raw.map(converted)
  if (typeof raw !== 'object' || raw === null) return raw as AnyValue
  return mapOf(Object.entries(raw).map(([key, value]) => [key, converted(value)] as const))
}
