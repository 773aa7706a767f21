import { createHash } from 'node:crypto'

/** An ExportLogsServiceRequest with so many records, each with this text as its body. */
export function otlpRequest(records: number, text = 'hello'): Buffer {
  const body = field(1, Buffer.from(text))
  const record = field(2, field(5, body))
  return field(1, field(2, Buffer.concat(Array.from({ length: records }, () => record))))
}

/** The same in OTLP/JSON. */
export function otlpJson(records: number, text = 'hello'): string {
  const logRecords = Array.from({ length: records }, () => ({ body: { stringValue: text } }))
  return JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords }] }] })
}

function field(number: number, bytes: Buffer): Buffer {
  const length: number[] = []
  let rest = bytes.length
  for (; rest > 127; rest >>>= 7) length.push((rest & 127) | 128)
  length.push(rest)
  return Buffer.concat([Buffer.of((number << 3) | 2, ...length), bytes])
}

/** Text that hardly compresses, the same each time. */
export function randomText(length: number): string {
  const noise = createHash('shake256', { outputLength: length }).update('audit').digest('base64')
  return noise.slice(0, length)
}
