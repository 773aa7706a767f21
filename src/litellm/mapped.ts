import type { HrTime } from '@opentelemetry/api'

/** What a document of LiteLLM's says, in the words of a log record. */
export interface Mapped {
  readonly eventName: string
  /** When it happened; undefined: it does not say. */
  readonly time: HrTime | undefined
  readonly attributes: Readonly<Record<string, unknown>>
}

/** A JSON object. */
export type Document = Readonly<Record<string, unknown>>

export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The text that is there and not empty. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Texts, numbers and truths under the names given, each with `litellm.` before its name. */
export function scalarsOf(document: Document, names: readonly string[]): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const name of names) {
    const value = document[name]
    const isScalar = textOf(value) !== undefined || typeof value === 'boolean'
    if (isScalar) found[`litellm.${name}`] = value
  }
  return found
}

/** A part of an event's name: `VerificationToken` is `verification_token`, whatever else is in it becomes `_`. */
export function wordOf(name: string): string {
  const word = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9_]/g, '_')
    .slice(0, 100)
  return word === '' ? 'unknown' : word
}
