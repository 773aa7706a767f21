import type { z } from 'zod'
import type { Component } from './config.ts'
import { type DedupConfig, dedupKey, dedupOf } from './dedup.ts'
import { duration } from './fields.ts'

/** What a receiver takes beside its own keys; one that states a key itself has its own meaning of it. */
export const intakeKeys = {
  dedup: dedupKey,
  expect_every: duration()
    .refine((ms) => ms >= 1000, "'expect_every' must be at least 1s")
    .optional()
    .describe(
      'How often something arrives at least: a receiver that is given nothing for so long is reported, in the log and by `auditcol doctor`; unset: nothing is expected.'
    )
}

/** The keys of a receiver that are the engine's. */
export type Intake = Pick<Component, 'dedup' | 'expectEvery'>

/** The part of a receiver's checked options that is the engine's, and what is left for the receiver itself. */
export function takeIntake(
  id: string,
  checked: Record<string, unknown>,
  own: ReadonlySet<string>
): { intake: Intake; options: Record<string, unknown> } {
  const options = { ...checked }
  const take = <Key extends keyof typeof intakeKeys>(key: Key) => {
    if (own.has(key)) return undefined
    const value = options[key] as z.output<(typeof intakeKeys)[Key]>
    delete options[key]
    return value
  }
  const dedup: DedupConfig | undefined = dedupOf(id, take('dedup'))
  const expectEvery = take('expect_every')
  const intake = { ...(dedup && { dedup }), ...(expectEvery !== undefined && { expectEvery }) }
  return { intake, options }
}
