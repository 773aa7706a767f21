import { validateHeaderName, validateHeaderValue } from 'node:http'
import { z } from 'zod'
import { refused } from '../config/refused.ts'

/** Names and values sent with every request; a map, or the list of pairs that newer Collectors write. */
export function headersSchema(reserved: ReadonlySet<string>) {
  return z.preprocess(
    (value) => (Array.isArray(value) && value.every(isPair) ? fromPairs(value) : value),
    z.record(z.string(), z.string()).superRefine((headers, context) => {
      for (const [name, value] of Object.entries(headers)) {
        const message = reserved.has(name.toLowerCase())
          ? `${name} is set by the exporter itself`
          : headerProblem(name, value)
        if (message) context.addIssue({ code: 'custom', path: [name], message })
      }
    })
  )
}

function isPair(item: unknown): item is { name: string; value: unknown } {
  const keys = typeof item === 'object' && item !== null ? Object.keys(item).sort() : []
  return keys.join() === 'name,value'
}

function fromPairs(pairs: { name: string; value: unknown }[]) {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]))
}

/** The value may be a secret: it is not repeated. */
function headerProblem(name: string, value: string): string | undefined {
  try {
    validateHeaderName(name)
  } catch {
    return `"${name}" is not the name of a header`
  }
  try {
    validateHeaderValue(name, value)
    return undefined
  } catch {
    return `the value of ${name} has a character that no header may have`
  }
}

export const notYet = {
  auth: refused('auth is not supported yet: give the credentials by headers'),
  middlewares: refused('middlewares are not supported: there are none to name')
}
