import { auditLogs } from './audit_logs.ts'

/** One OTLP request whose records get numbers of their own each time it is sent. */
export interface Template {
  readonly bytes: Buffer
  readonly records: number
  /** Where the 12 digits of each record's number stand. */
  readonly numbers: readonly number[]
}

export function auditRequests(count: number, records: number): Template[] {
  return Array.from({ length: count }, (_, index) => {
    const bytes = Buffer.concat(auditLogs(records, index + 1).chunks)
    return { bytes, records, numbers: placesOf(mark, bytes).map((at) => at + mark.length) }
  })
}

/** A copy with the numbers from `first` on. */
export function numbered({ bytes, numbers }: Template, first: number): Buffer {
  const copy = Buffer.from(bytes)
  for (const [index, at] of numbers.entries()) {
    copy.write(String(first + index).padStart(12, '0'), at, 'latin1')
  }
  return copy
}

/** What stands before the number in the id of an audit record. */
const mark = Buffer.from('aud-0badcafe-')

function placesOf(mark: Buffer, bytes: Buffer): number[] {
  const places: number[] = []
  for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) places.push(at)
  return places
}
