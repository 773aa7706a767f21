import { PermanentError } from '../component.ts'
import type { Log } from '../telemetry/log.ts'
import { fieldsOf, textOf } from './message_fields.ts'

/** What the other side says of an export that it calls a success. */
export interface PartialSuccess {
  readonly rejected: number
  readonly message: string
}

/** ExportLogsServiceResponse: partial_success = 1 { rejected_log_records = 1, error_message = 2 }. */
export function partialSuccessIn(response: Uint8Array): PartialSuccess {
  let rejected = 0
  let message = ''
  for (const outer of fieldsOf(response)) {
    if (outer.number !== 1 || typeof outer.value === 'number') continue
    for (const { number, value } of fieldsOf(outer.value)) {
      if (number === 1 && typeof value === 'number') rejected = value
      if (number === 2) message = textOf(value)
    }
  }
  return { rejected, message }
}

/** The same in JSON; proto3 writes int64 as a string. */
export function partialSuccessInJson(text: string): PartialSuccess {
  const { partialSuccess } = Object(JSON.parse(text)) as { partialSuccess?: unknown }
  const { rejectedLogRecords, errorMessage } = Object(partialSuccess) as Record<string, unknown>
  const rejected = Number(rejectedLogRecords ?? 0)
  if (!Number.isFinite(rejected)) throw new Error('rejectedLogRecords is no number')
  return { rejected, message: typeof errorMessage === 'string' ? errorMessage : '' }
}

const longestMessage = 500

/** A rejection is an error with its count (L5): OTLP does not say which records it concerns. */
export function checkPartial(
  { rejected, message }: PartialSuccess,
  records: number,
  log: Log
): void {
  const said = message.slice(0, longestMessage)
  if (rejected > 0) {
    const unnamed = Math.min(rejected, records)
    throw new PermanentError(
      `the other side rejected ${rejected} of ${records} records${said === '' ? '' : `: ${said}`}`,
      { unnamed, rest: 'delivered' }
    )
  }
  if (said !== '') log.warn('the other side took all records and warns', { message: said })
}
