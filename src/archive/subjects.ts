import { openDirectoryProbe } from './directory_probe.ts'
import type { CheckName } from './findings.ts'
import type { Subject } from './probes.ts'
import { archiveRoot } from './root.ts'
import type { S3Options } from './s3_options.ts'
import { s3Probe } from './s3_probe.ts'

/** The way to a store, and where in it an exporter writes. */
export interface Uploader extends S3Options {
  readonly s3_base_prefix: string
  readonly s3_prefix: string
}

/** The stores of an exporter as a probe sees them. */
export interface Subjects {
  /** Where probes write. */
  readonly folder: string
  /** Of a bucket, or of a directory that is named `file:./archive`. */
  of(bucket: string): Subject
}

/** What the archive leans on: a store without it is worth a warning. A directory has no way on which bytes could change. */
const leanedOn: readonly CheckName[] = ['create_only', 'checksums', 'read', 'clock']
const leanedOnHere: readonly CheckName[] = ['create_only', 'read']

/** `writer` and `id` name who probes, in keys and in names of temp files. */
export function createSubjects(
  uploader: Uploader,
  { writer, id }: { readonly writer: string; readonly id: string }
): Subjects {
  const root = archiveRoot(uploader)
  const limits = { timeout: 10_000, maxSockets: 16, sessionName: `auditcol-${id}` }
  return {
    folder: `${root}${writer}/probe/`,
    of: (bucket) => {
      if (bucket.startsWith('file:')) {
        const directory = directoryOf(bucket)
        const name = `file:${directory}`
        return {
          ...{ name, identity: `${name}/${root}`, expected: leanedOnHere },
          open: () => openDirectoryProbe({ directory, writer: `probe-${id}` })
        }
      }
      const name = `s3://${bucket}`
      const at = uploader.endpoint === '' ? '' : ` at ${uploader.endpoint}`
      return {
        ...{ name, identity: `${name}/${root}${at}`, expected: leanedOn },
        open: async () => s3Probe(uploader, limits, bucket),
        plain: () => s3Probe({ ...uploader, checksum: 'when_required' }, limits, bucket)
      }
    }
  }
}

/** `file:./archive` and `file:///archive` as a path. */
export function directoryOf(bucket: string): string {
  return bucket.slice('file:'.length).replace(/^\/\//, '')
}
