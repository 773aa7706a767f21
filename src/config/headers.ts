import { validateHeaderName, validateHeaderValue } from 'node:http'
import { z } from 'zod'

/**
 * Names and values of headers: a map, or the list of pairs that newer Collectors write. `problemOf` says
 * what is wrong with one, or nothing.
 */
export function headersSchema(problemOf: (name: string, value: string) => string | undefined) {
  return z.preprocess(
    (value) => (Array.isArray(value) && value.every(isPair) ? fromPairs(value) : value),
    z.record(z.string(), z.string()).superRefine((headers, context) => {
      for (const [name, value] of Object.entries(headers)) {
        const message = problemOf(name, value)
        if (message) context.addIssue({ code: 'custom', path: [name], message })
      }
    })
  )
}

/** Why Node would throw at this header, in the first request or answer that has it. */
export function nameProblem(name: string): string | undefined {
  return thrownBy(() => validateHeaderName(name))
}

export function valueProblem(name: string, value: string): string | undefined {
  return thrownBy(() => validateHeaderValue(name, value))
}

function thrownBy(check: () => void): string | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

function isPair(item: unknown): item is { name: string; value: unknown } {
  const keys = typeof item === 'object' && item !== null ? Object.keys(item).sort() : []
  return keys.join() === 'name,value'
}

function fromPairs(pairs: { name: string; value: unknown }[]) {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]))
}
