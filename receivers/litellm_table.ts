import { Observable } from 'rxjs'
import { z } from 'zod'
import type { Receiver, ReceiverContext } from '../src/component.ts'
import { byteSize, duration } from '../src/config/fields.ts'
import { addressOf, createConnect } from '../src/litellm_table/connection.ts'
import { isSocket, placeKeys, placeOf, placeProblems } from '../src/litellm_table/place.ts'
import { takenMax } from '../src/litellm_table/progress.ts'
import { readTable } from '../src/litellm_table/reading.ts'
import { recordsOf } from '../src/litellm_table/records.ts'
import { clientTls, openClientTls } from '../src/tls/client.ts'

const MiB = 1024 * 1024

const time = (least: number) =>
  duration().refine(
    (ms) => ms >= least && Number.isInteger(ms),
    least > 0
      ? 'must be whole milliseconds, at least 1'
      : 'must be whole milliseconds, not negative'
  )

/** Reads LiteLLM's audit log from its database: what LiteLLM has written down and never sent is filled in. */
export const config = z
  .strictObject({
    ...placeKeys,
    tls: clientTls
      .safeExtend({
        insecure: z.boolean().default(false).describe('Without TLS, as over a unix socket always.')
      })
      .prefault({})
      .describe('TLS to the server.'),
    schema: z.string().min(1).default('public').describe('Schema that the table is in.'),
    table: z.string().min(1).default('LiteLLM_AuditLog').describe('The table, or a view of it.'),
    start_at: z
      .enum(['beginning', 'end'])
      .default('beginning')
      .describe('Where to begin where there is no mark of an earlier run.'),
    poll_interval: time(1).prefault('1m').describe('Looks into the table so often.'),
    min_age: time(0)
      .prefault('10m')
      .describe(
        'Takes a row when it is so old, and none for so long after the start and after a refusal: until then LiteLLM may send it itself. `0s` where it sends nothing.'
      ),
    overlap: time(0)
      .prefault('10m')
      .describe(
        'For so long rows may appear behind others that were read: the longest insert and the difference of the clocks.'
      ),
    batch_size: z
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(1000)
      .describe('Rows in a query and a batch.'),
    max_row_size: byteSize()
      .refine((bytes) => bytes > 0, 'must be positive')
      .default(16 * MiB)
      .describe(
        'Bytes that the rows of a query may have together; at a row that has more alone the receiver waits and says so.'
      ),
    connect_timeout: time(1).prefault('10s').describe('Longest wait for a connection.'),
    statement_timeout: time(1).prefault('30s').describe('Longest run of a query.'),
    open_values: z
      .boolean()
      .default(false)
      .describe(
        'Give `before_value` and `updated_values` as maps (`litellm.before_value`), beside the body.'
      )
  })
  .superRefine(placeProblems)

export type Options = z.infer<typeof config>

/** Bytes this receiver may hold: a page as pg reads it, as rows, as events and as records; and the mark. */
export function memory({ max_row_size, batch_size }: Options): number {
  return 20 * max_row_size + 4096 * batch_size + 1024 * takenMax
}

export { noRows as silence } from '../src/litellm/silence.ts'

export default function litellmTable(options: Options, context: ReceiverContext): Receiver {
  return new Observable((out) => {
    const { stopping, log } = context
    const { table, open_values } = options
    const left = new AbortController()
    const place = placeOf(options)
    const withoutTls = options.tls.insecure || isSocket(place)
    readTable({
      options,
      context,
      connect: createConnect({
        place,
        tls: withoutTls ? undefined : openClientTls(options.tls, log),
        connect_timeout: options.connect_timeout,
        statement_timeout: options.statement_timeout
      }),
      ready: () => context.ready(`PostgreSQL ${addressOf(place)}`),
      records: (rows, arrived) =>
        recordsOf(rows, arrived, { database: place.database, table, open_values }),
      emit: (batch) => out.next(batch),
      ending: AbortSignal.any([stopping, left.signal])
    }).then(
      () => out.complete(),
      (cause: Error) => out.error(cause)
    )
    return () => left.abort()
  })
}
