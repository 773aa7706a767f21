import { RE2JS } from 're2js'
import { z } from 'zod'
import type { LaneContext, Processor } from '../src/component.ts'
import { refused } from '../src/config/refused.ts'
import { eachBatch } from '../src/each_batch.ts'
import { newTally } from '../src/ottl/tally.ts'
import { hashFunctions } from '../src/redaction/mask.ts'
import { patternNames } from '../src/redaction/patterns.ts'
import { newRedactLogs } from '../src/redaction/redact_logs.ts'

const expressions = () => z.array(z.string()).default([])

/** Masks what must not go out, and takes out attributes that are not on a list; see docs/redaction.md. */
export const config = z
  .strictObject({
    allow_all_keys: z
      .boolean()
      .default(false)
      .describe('Attributes and the keys of bodies stay whether they are allowed or not.'),
    allowed_keys: z
      .array(z.string())
      .default([])
      .describe(
        'Attributes with other keys are taken out, and so are other keys of a body that is a map; without any, all are.'
      ),
    ignored_keys: z
      .array(z.string())
      .default([])
      .describe('Attributes and keys of a body that stay as they are.'),
    ignored_key_patterns: expressions().describe('RE2: keys in which one matches are ignored too.'),
    redact_all_types: z
      .boolean()
      .default(false)
      .describe(
        'Attributes that are no texts are looked at too, as the text that they would be. What is found makes them a text. A body always is.'
      ),
    blocked_key_patterns: expressions().describe(
      'RE2: what stands under a key in which one matches is masked as a whole.'
    ),
    blocked_values: expressions().describe('RE2: what matches in a value is masked.'),
    allowed_values: expressions().describe(
      'RE2: a value in which one matches stays as it is, whatever else is in it; begin it with `^` and end it with `$`.'
    ),
    hash_function: z
      .enum(hashFunctions)
      .optional()
      .describe('Masks are the digest of what they stand for; without it, `****`.'),
    hmac_key: z
      .string()
      .default('')
      .describe(
        'For `hmac-sha256`, at least 32 bytes; for `hmac-sha512`, 64. Take it from the environment or a file.'
      ),
    summary: z
      .enum(['debug', 'info', 'silent'])
      .default('silent')
      .describe(
        'Attributes that tell what was done: `info` counts of masked, redacted (taken out), allowed and ignored keys, `debug` their names as well.'
      ),
    url_sanitizer: refused(
      'auditcol has no dictionary by which the Collector tells words in a URL from ids; use blocked_values'
    ),
    db_sanitizer: refused(
      'auditcol has no parsers for the languages of databases; use blocked_values'
    ),
    patterns: z
      .union([z.literal('all'), z.array(z.enum(patternNames))])
      .default([])
      .describe('Shipped patterns of secrets by name, or `all`; docs/redaction.md has the table.'),
    deep: z
      .boolean()
      .default(true)
      .describe(
        'Look also where the Collector does not: in keys, in bytes, in maps and lists of attributes, in JSON in strings, in event name, severity text, scope and schema URL.'
      )
  })
  .superRefine((options, context) => {
    const problem = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message, params: { decoding: true } })
    for (const key of expressionKeys)
      for (const [index, text] of options[key].entries()) {
        const mistake = mistakeIn(text)
        if (mistake !== undefined) problem([key, index], `is no RE2: ${mistake}`)
      }
    const { hash_function: name, hmac_key: key } = options
    const least = name === 'hmac-sha256' ? 32 : name === 'hmac-sha512' ? 64 : 0
    const bytes = Buffer.byteLength(key)
    if (bytes < least)
      problem(['hmac_key'], `must have at least ${least} bytes for ${name}, and has ${bytes}`)
    if (bytes > 0 && least === 0)
      problem(
        ['hmac_key'],
        'would be ignored: hash_function is neither hmac-sha256 nor hmac-sha512'
      )
  })

const expressionKeys = [
  'ignored_key_patterns',
  'blocked_key_patterns',
  'blocked_values',
  'allowed_values'
] as const

export default function redaction(
  options: z.infer<typeof config>,
  context: LaneContext
): Processor {
  const tally = newTally(context)
  const redact = newRedactLogs(options, (done, rule) => tally.counter(done, rule))
  return eachBatch(tally.counted(redact))
}

function mistakeIn(expression: string): string | undefined {
  try {
    RE2JS.compile(expression)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
