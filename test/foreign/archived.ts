import { join } from 'node:path'
import { objectsOf } from '../e2e/records.ts'

/** An attribute or a member of a map, as OTLP/JSON has it. */
interface Pair {
  readonly key: string
  readonly value: { readonly stringValue?: string }
}

/** A record as OTLP/JSON has it. */
export interface RecordJson {
  readonly body: object
  readonly attributes: readonly Pair[]
}

interface ResourceLogsJson {
  readonly resource: { readonly attributes: readonly Pair[] }
  readonly scopeLogs: readonly {
    readonly scope: object
    readonly logRecords: readonly RecordJson[]
  }[]
}

/** The pipeline of these tests: everything into ./archive, as OTLP/JSON that any JSON parser can check. */
export function toDirectory(ports = { grpc: 0, http: 0 }): string {
  return `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: 127.0.0.1:${ports.grpc} }
      http: { endpoint: 127.0.0.1:${ports.http} }
processors:
  batch: { timeout: 100ms }
exporters:
  awss3:
    s3uploader: { region: us-east-1, s3_bucket: 'file:./archive', s3_prefix: audit, compression: zstd }
service:
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [awss3] }
`
}

/** Resource and scope with their records, object after object, of an auditcol that worked in this directory. */
export function archivedLogs(dir: string): ResourceLogsJson[] {
  return objectsOf(join(dir, 'archive')).flatMap(
    ({ content }) => JSON.parse(`${content}`).resourceLogs
  )
}

/** Every record in the archive, in the order of the attribute `id`. */
export function archivedRecords(dir: string): RecordJson[] {
  return archivedLogs(dir)
    .flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
    .sort(byId)
}

export function byId(a: RecordJson, b: RecordJson): number {
  return idOf(a) < idOf(b) ? -1 : 1
}

export function idOf({ attributes }: RecordJson): string {
  return attributes.find(({ key }) => key === 'id')?.value.stringValue ?? ''
}
