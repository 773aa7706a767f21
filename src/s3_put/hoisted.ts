import type { IncomingHttpHeaders } from 'node:http'
import type { Query } from './target.ts'

/** What the signature of a presigned request consists of, which is no header of the object. */
const ofSignature = new Set([
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-signedheaders',
  'x-amz-signature',
  'x-amz-security-token'
])

/**
 * Whoever presigns a request writes into its query what others send as headers, such as
 * `x-amz-checksum-crc32`, `x-amz-meta-team` or `x-amz-copy-source`. It means the same there.
 */
export function withHoisted(headers: IncomingHttpHeaders, query: Query): IncomingHttpHeaders {
  if (query['X-Amz-Signature'] === undefined) return headers
  const hoisted: IncomingHttpHeaders = {}
  for (const [name, value] of Object.entries(query)) {
    const header = name.toLowerCase()
    if (header.startsWith('x-amz-') && !ofSignature.has(header))
      hoisted[header] = [value].flat().join()
  }
  return { ...hoisted, ...headers }
}
