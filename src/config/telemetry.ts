import { z } from 'zod'
import type { Level } from '../telemetry/log.ts'

/*
 * `service.telemetry`: the Collector's keys for what the program says of itself. What it cannot do
 * yet is refused: whoever configures a metric or a sampled log counts on it.
 */

const levels: Record<string, Level> = {
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  error: 'error',
  // auditcol never logs above error.
  dpanic: 'error',
  panic: 'error',
  fatal: 'error'
}

const logs = z.strictObject({
  level: z
    .string()
    .transform((name, context) => {
      const level = levels[name === '' ? 'info' : name.toLowerCase()]
      if (level !== undefined) return level
      const message = `unrecognized level: ${JSON.stringify(name)} (valid values: [${Object.keys(levels).join(' ')}])`
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })
    .prefault('info')
    .describe('Least important message printed, in any case: debug, info, warn, error.'),
  encoding: z.enum(['console', 'json']).default('console').describe('How a message is printed.'),
  output_paths: z
    .array(z.string().min(1, 'output_paths must not be empty'))
    .default(['stderr'])
    .describe('stdout, stderr or files.'),
  initial_fields: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
    .default({})
    .describe('Fields of every message.'),
  error_output_paths: only(['stderr'], 'what the log itself cannot do goes to stderr'),
  development: is(false, 'there is no development mode'),
  disable_caller: is(true, 'auditcol prints no source lines'),
  disable_stacktrace: is(true, 'auditcol prints no stack traces'),
  sampling: z
    .strictObject({
      enabled: is(false, 'auditcol leaves out none of its messages'),
      tick: z.union([z.string(), z.number()]).optional().describe('Met: nothing is sampled.'),
      initial: z.number().optional().describe('Met: nothing is sampled.'),
      thereafter: z.number().optional().describe('Met: nothing is sampled.')
    })
    .refine(({ enabled }) => enabled === false, {
      error: 'sampling must have enabled: false, since auditcol leaves out none of its messages'
    })
    .optional()
    .describe('Only `enabled: false`.'),
  processors: none('auditcol does not send its own log over OTLP')
})

const metrics = z
  .strictObject({
    level: level().describe('Only none: auditcol has no metrics of its own yet.'),
    readers: z.array(z.unknown()).default([]).describe('Only with level none.'),
    views: z.array(z.unknown()).default([]).describe('Only with level none.')
  })
  .refine(
    ({ level, readers, views }) =>
      level === 'none' || (level === undefined && readers.length + views.length === 0),
    { error: 'auditcol has no metrics of its own yet: set level to none, or leave metrics out' }
  )

const traces = z
  .strictObject({
    level: level().describe('Only none: auditcol records no traces of itself.'),
    processors: z.array(z.unknown()).default([]).describe('Only with level none.'),
    propagators: z.array(z.unknown()).default([]).describe('Only with level none.')
  })
  .refine(
    ({ level, processors, propagators }) =>
      level === 'none' || (level === undefined && processors.length + propagators.length === 0),
    { error: 'auditcol records no traces of itself: set level to none, or leave traces out' }
  )

export const telemetrySchema = z.strictObject({
  logs: logs.prefault({}).describe('What auditcol prints.'),
  metrics: metrics.optional().describe('Only `level: none`: there are no metrics yet.'),
  traces: traces.optional().describe('Only `level: none`: there are no traces.'),
  resource: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .transform(withoutNulls)
    .prefault({})
    .describe("Attributes of auditcol's own telemetry; null takes one out.")
})

/** What the program says of itself, and where. */
export type Telemetry = z.output<typeof telemetrySchema>

function withoutNulls<T>(map: Record<string, T | null>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(map).filter((entry): entry is [string, T & {}] => entry[1] !== null)
  )
}

function level() {
  return z
    .string()
    .transform((name) => name.toLowerCase())
    .optional()
}

/** A key whose one value is what auditcol does anyway. */
function is(value: boolean, why: string) {
  return z
    .literal(value, { error: `${why}: leave it out, or say ${value}` })
    .optional()
    .describe(`Only ${value}: ${why}.`)
}

function only(values: readonly string[], why: string) {
  return z
    .array(z.string())
    .refine((given) => given.join() === values.join(), { error: `${why}: leave it out` })
    .optional()
    .describe(`Only [${values.join()}]: ${why}.`)
}

function none(why: string) {
  return z
    .array(z.unknown())
    .max(0, { error: `${why}: leave it out` })
    .optional()
    .describe(`Only empty: ${why}.`)
}
