import { z } from 'zod'
import { duration } from '../config/fields.ts'

/** S3's longest, 100 years; a date that is over when the PUT arrives would be refused. */
const retentionMs = { min: 60_000, max: 36_500 * 86_400_000 }

/** `s3uploader::object_lock`. */
export function objectLock() {
  return z
    .strictObject({
      mode: z
        .enum(['governance', 'compliance'])
        .optional()
        .describe(
          'compliance: nobody can shorten it; governance: who has the right to bypass can.'
        ),
      retention: retention()
        .refine((ms) => ms >= retentionMs.min, 'retention must be at least 1m')
        .refine((ms) => ms <= retentionMs.max, 'retention must be at most 36500d, 100 years')
        .optional()
        .describe('From the PUT on: whole days, 2557d for seven years, or a duration.'),
      legal_hold: z.boolean().default(false).describe('Locks until somebody takes the hold away.')
    })
    .superRefine(({ mode, retention, legal_hold }, context) => {
      const add = (message: string) => context.addIssue({ code: 'custom', message })
      if (mode !== undefined && retention === undefined) add('mode needs retention: for how long')
      if (mode === undefined && retention !== undefined)
        add('retention needs mode: governance or compliance')
      if (mode === undefined && retention === undefined && !legal_hold)
        add('locks nothing: give mode and retention, or legal_hold')
    })
}

/** S3 counts a bucket's own retention in days; the durations of all other keys end at hours. A year is no fixed time. */
function retention() {
  return z.preprocess((value) => {
    const days = typeof value === 'string' ? /^(\d+)d$/.exec(value)?.[1] : undefined
    return days === undefined ? value : `${24 * Number(days)}h`
  }, duration())
}
