import { join, resolve } from 'node:path'
import { z } from 'zod'
import { byteSize } from './fields.ts'

/** `service.journal`: where what was acknowledged lies until it is delivered, or `false`. */
export const journalSchema = z.union([
  z.literal(false),
  z.strictObject({
    directory: z
      .string()
      .min(1, 'journal directory must not be empty')
      .optional()
      .describe('Directory of the journal, from the working directory; unset: ./journal.'),
    max_size: byteSize()
      .refine((bytes) => bytes > 0, 'max_size must be positive')
      .prefault('8GiB')
      .describe('When it holds so much that is not delivered, receivers refuse.'),
    min_free: byteSize()
      .prefault('256MiB')
      .describe('When its disk has less free space than this, receivers refuse.'),
    max_dead_letters: byteSize()
      .refine((bytes) => bytes > 0, 'max_dead_letters must be positive')
      .prefault('1GiB')
      .describe('When dead letters have so many bytes, the lane with the next one waits.')
  })
])

export interface JournalConfig {
  readonly directory: string
  readonly max_size: number
  readonly min_free: number
  readonly max_dead_letters: number
}

/** The journal's place in the directory of a file_storage extension. */
export function journalWithin(directory: string): string {
  return join(directory, 'auditcol')
}

/** Two spellings of one directory are one directory. */
export function sameDirectory(a: string, b: string): boolean {
  return resolve(a) === resolve(b)
}
