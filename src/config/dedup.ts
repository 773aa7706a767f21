import { z } from 'zod'
import { type IdPath, parseIdPath } from '../dedup/id_path.ts'
import type { Component } from './config.ts'
import { type Place, showPlace } from './errors.ts'
import { duration } from './fields.ts'
import type { Report } from './report.ts'

/** The key that every receiver takes. */
export const dedupKey = z
  .strictObject({
    id: z
      .string()
      .max(1024)
      .transform((text, context): IdPath => {
        const path = parseIdPath(text)
        if (path !== undefined) return path
        context.addIssue({ code: 'custom', message: noPath(text) })
        return z.NEVER
      })
      .describe(
        'Where a record has its id: an attribute (`audit.record.id`, `attributes["audit.record.id"]`), or a value in its body (`body.id`, `body["a"].b`).'
      ),
    window: duration()
      .refine((ms) => ms > 0, "'window' must be positive")
      .prefault('24h')
      .describe('How long an id is known.'),
    max_entries: z
      .number()
      .int()
      .min(1)
      .max(50_000_000)
      .default(1_000_000)
      .describe('Ids known at once, 64 to 80 bytes of memory each; past it the oldest go.'),
    scope: z
      .string()
      .min(1, "'scope' must not be empty")
      .max(256)
      .optional()
      .describe('Receivers with the same scope share their ids; unset: the id of the receiver.'),
    compare: z
      .enum(['content', 'id'])
      .default('content')
      .describe(
        'What makes a record known: its id and its content, or `id`: a known id is enough, whatever the content.'
      )
  })
  .optional()
  .describe('Leaves out records that are stored already; unset: every record is stored.')

/** As checked, `window` in milliseconds. */
export interface DedupConfig {
  readonly id: IdPath
  readonly window: number
  readonly max_entries: number
  readonly scope: string
  readonly compare: 'content' | 'id'
}

/** As the receiver with this id has it. */
export function dedupOf(id: string, written: z.output<typeof dedupKey>): DedupConfig | undefined {
  return written && { ...written, scope: written.scope ?? id }
}

/** Receivers of one scope share its window and size; and what is known must survive a restart. */
export function checkDedup(
  receivers: ReadonlyMap<string, Component>,
  placeOf: (receiver: string, key?: string) => Place,
  withoutJournal: boolean,
  report: Report
): void {
  const scopes = new Map<string, { receiver: string; dedup: DedupConfig }>()
  for (const { id: receiver, dedup } of receivers.values()) {
    if (dedup === undefined) continue
    const path = `receivers::${receiver}::dedup`
    if (withoutJournal) report.problem(placeOf(receiver), path, needsJournal)
    const first = scopes.get(dedup.scope)
    if (first === undefined) scopes.set(dedup.scope, { receiver, dedup })
    else {
      for (const key of ['window', 'max_entries'] as const) {
        if (first.dedup[key] === dedup[key]) continue
        const other = showPlace(placeOf(first.receiver, key))
        const message = `'${key}' differs from that of receivers::${first.receiver} (${other}), which shares the scope "${dedup.scope}"`
        report.problem(placeOf(receiver, key), path, message)
      }
    }
  }
}

const needsJournal =
  'needs the journal, and `service.journal: false` takes it away: after a crash nothing would be known of what is stored'

function noPath(text: string): string {
  return (
    `'id' must be the name of an attribute, attributes["name"], body.name or body["name"].name, ` +
    `got ${JSON.stringify(text)}`
  )
}
