import type { Logs } from './logs.ts'
import { enter, newReader, type Reader, readEnd } from './wire.ts'

/**
 * Bytes that the logs would have with their resource and scope written out again for each record:
 * a request of 140 kB can mean 2 GB so.
 */
export function repeatedSize({ chunks }: Logs): number {
  let size = 0
  for (const chunk of chunks) {
    const reader = newReader(chunk)
    while (reader.at < chunk.length) {
      if (enter(reader, 1)) size += ofResourceLogs(reader, readEnd(reader))
    }
  }
  return size
}

function ofResourceLogs(reader: Reader, end: number): number {
  let shared = end - reader.at
  let records = 0
  let size = 0
  while (reader.at < end) {
    const start = reader.at
    if (!enter(reader, 2)) continue
    const scope = ofScopeLogs(reader, readEnd(reader))
    shared -= reader.at - start
    records += scope.records
    size += scope.size
  }
  return size + records * shared
}

function ofScopeLogs(reader: Reader, end: number): { records: number; size: number } {
  let shared = end - reader.at
  let records = 0
  let size = 0
  while (reader.at < end) {
    const start = reader.at
    if (!enter(reader, 2)) continue
    reader.at = readEnd(reader)
    shared -= reader.at - start
    size += reader.at - start
    records++
  }
  return { records, size: size + records * shared }
}
