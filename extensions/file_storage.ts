import { mkdir, stat } from 'node:fs/promises'
import { z } from 'zod'
import { duration } from '../src/config/fields.ts'
import { journalWithin } from '../src/config/journal.ts'

const compaction = z.strictObject({
  on_start: met(z.boolean()),
  on_rebound: met(z.boolean()),
  directory: met(z.string()),
  max_transaction_size: met(z.number().int().nonnegative()),
  cleanup_on_start: met(z.boolean()),
  rebound_needed_threshold_mib: met(z.number().int().nonnegative()),
  rebound_trigger_threshold_mib: met(z.number().int().nonnegative()),
  check_interval: met(duration())
})

/** Gives the journal its directory, when an exporter's `sending_queue.storage` names it. */
export const config = z
  .strictObject({
    directory: z
      .string()
      .min(1, 'directory must not be empty')
      .default('/var/lib/otelcol/file_storage')
      .describe('The journal lies in `auditcol` within it.'),
    timeout: duration()
      .refine((ms) => ms >= 0, 'timeout must not be negative')
      .prefault('1s')
      .describe('Longest wait for the lock. Met: auditcol starts at once or says who has it.'),
    fsync: z
      .literal(true, {
        error: 'fsync: false would let a power cut take what was acknowledged: leave it out'
      })
      .default(true)
      .describe('Only true: a sender is answered after the fsync.'),
    create_directory: z
      .boolean()
      .default(false)
      .describe('Makes the directory when it is missing; otherwise it must be there.'),
    directory_permissions: z
      .string()
      .default('0750')
      .describe('Octal mode of a directory made so; the journal within has 0700.'),
    compaction: compaction
      .prefault({})
      .describe('Met: a segment of the journal is deleted as soon as all of it is delivered.'),
    recreate: z
      .literal(false, {
        error:
          'recreate: true would begin an empty storage where the old one is damaged, and lose what it holds: use auditcol repair'
      })
      .default(false)
      .describe('Only false: damage stops the start.')
  })
  .superRefine(({ create_directory, directory_permissions }, context) => {
    if (!create_directory) return
    const message = permissionsProblem(directory_permissions)
    if (message === undefined) return
    context.addIssue({ code: 'custom', path: ['directory_permissions'], message })
  })

/** Makes sure of the directory and says where in it the journal lies. */
export default async function fileStorage({
  directory,
  create_directory,
  directory_permissions
}: z.infer<typeof config>): Promise<{ directory: string }> {
  if (create_directory)
    await mkdir(directory, { recursive: true, mode: Number.parseInt(directory_permissions, 8) })
  const found = await stat(directory).catch((cause: Error) => {
    throw new Error(
      `directory must exist: ${directory}. You can enable the create_directory option to automatically create it`,
      { cause }
    )
  })
  if (!found.isDirectory()) throw new Error(`${directory} is not a directory`)
  return { directory: journalWithin(directory) }
}

/** A key of the Collector's database file whose purpose the journal serves by itself. */
function met<T extends z.ZodType>(schema: T) {
  return schema.optional().describe('Met: the journal needs no compaction.')
}

function permissionsProblem(permissions: string): string | undefined {
  if (!/^[0-7]+$/.test(permissions))
    return 'directory_permissions value must be a valid octal representation'
  return Number.parseInt(permissions, 8) > 0o777
    ? 'directory_permissions contain invalid bits for file access'
    : undefined
}
