/**
 * Records in OTLP form: bytes until somebody looks inside. Each chunk is a checked
 * ExportLogsServiceRequest; OTLP requests concatenate, so the chunks one after another are one too,
 * and joining logs copies nothing. Chunks are never written to.
 */
export interface Logs {
  readonly chunks: readonly Uint8Array[]
  /** Sum of the chunks' lengths. */
  readonly bytes: number
  /** Log records in all chunks. */
  readonly records: number
}

export const noLogs: Logs = { chunks: [], bytes: 0, records: 0 }

export function joinLogs(parts: readonly Logs[]): Logs {
  if (parts.length === 1) return parts[0]!
  return {
    chunks: parts.flatMap((part) => part.chunks),
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    records: parts.reduce((sum, part) => sum + part.records, 0)
  }
}
