import { bodyLines } from '../logs/bodies.ts'
import { jsonLines } from '../logs/json_lines.ts'
import type { Logs } from '../logs/logs.ts'
import { repeatedSize } from '../logs/repeated_size.ts'
import { jsonFromLogs } from '../logs/to_json.ts'

/** How the records of one object are written down. */
export interface Marshaler {
  readonly extension: string
  readonly contentType: string
  /** The object's bytes in pieces, in order; none when there is nothing to store. */
  marshal(logs: Logs): Iterable<Uint8Array>
  /** About how many bytes that will be, where it is not some small multiple of `logs.bytes`. */
  size?(logs: Logs): number
  /** No bytes are an object as well: it was put so. */
  readonly storesEmpty?: boolean
}

/** The Collector's names and extensions; `json_lines` is ours: one record a line, for Athena and jq. */
export const marshalers = {
  otlp_json: { extension: 'json', contentType: 'application/json', marshal: jsonFromLogs },
  otlp_proto: {
    extension: 'binpb',
    contentType: 'application/x-protobuf',
    marshal: (logs) => logs.chunks
  },
  body: { extension: 'txt', contentType: 'text/plain; charset=utf-8', marshal: bodyLines },
  json_lines: {
    extension: 'jsonl',
    contentType: 'application/x-ndjson',
    marshal: jsonLines,
    size: repeatedSize
  }
} as const satisfies Record<string, Marshaler>
