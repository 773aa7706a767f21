import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { isAuditEvent, mapAuditEvent } from '../litellm/audit_event.ts'
import { timeFromKey, timeFromMs } from '../litellm/event_time.ts'
import { isDocument, type Mapped } from '../litellm/mapped.ts'
import { isRequestLog, mapRequestLog } from '../litellm/request_log.ts'
import { encodeLogs } from '../logs/encode.ts'
import type { Logs } from '../logs/logs.ts'
import { addressOf } from '../sender.ts'
import { type Part, partsOf } from './documents.ts'

/** An object that was put, to be made into records. */
export interface Put {
  readonly bucket: string
  readonly key: string
  readonly bytes: Uint8Array
  /** Hex, of the bytes. */
  readonly sha256: string
  readonly headers: IncomingHttpHeaders
  /** Undefined: nobody had to prove who he is. */
  readonly accessKeyId: string | undefined
  readonly remoteAddress: string | undefined
  /** Milliseconds since the epoch. */
  readonly arrived: number
  readonly overwrites: boolean
}

export interface RecordOptions {
  readonly open_values: boolean
  /** Bytes that the attributes of all lines of one file may take together. */
  readonly linesCost: number
}

/** What each record costs beside its body and what its object gives it. */
const recordCost = 1024

/** The records of an object, with the text of each as its body. */
export function recordsOf(put: Put, options: RecordOptions): Logs {
  const shared = objectAttributes(put)
  const cost = recordCost + JSON.stringify(shared).length
  const { parts, lines } = partsOf(put.bytes, Math.floor(options.linesCost / cost))
  const arrived = timeFromMs(put.arrived)
  const common = {
    resource: resourceOf(put),
    instrumentationScope: { name: '' },
    hrTimeObserved: arrived,
    droppedAttributesCount: 0
  }
  const id = idOf(put)
  const records = parts.map((part) => {
    const { eventName, time, attributes } = mapped(part, options.open_values)
    return {
      ...common,
      hrTime: time ?? timeFromKey(put.key) ?? arrived,
      eventName,
      body: part.body,
      attributes: {
        ...attributes,
        ...shared,
        's3_put.record_id': part.line === undefined ? id : `${id}-${part.line}`,
        ...(lines !== undefined && { 's3_put.line': part.line, 's3_put.lines': lines })
      }
    }
  })
  return encodeLogs(records as unknown as ReadableLogRecord[])
}

function mapped({ json }: Part, openValues: boolean): Mapped {
  if (isDocument(json)) {
    if (isAuditEvent(json)) return mapAuditEvent(json, openValues)
    if (isRequestLog(json)) return mapRequestLog(json)
  }
  return { eventName: 's3.put', time: undefined, attributes: {} }
}

/** What the sender cannot write itself: the resource is made here. */
function resourceOf({ bucket, accessKeyId }: Put) {
  return {
    attributes: {
      'aws.s3.bucket': bucket,
      ...(accessKeyId !== undefined && { 'auditcol.identity.access_key_id': accessKeyId })
    }
  }
}

function objectAttributes(put: Put): Record<string, unknown> {
  const { key, headers, remoteAddress, overwrites } = put
  const attributes: Record<string, unknown> = { 'aws.s3.key': key }
  for (const [header, name] of kept) {
    const value = headers[header]
    if (typeof value === 'string' && value !== '') attributes[name] = value
  }
  const encoding = contentEncoding(headers['content-encoding'])
  if (encoding !== '') attributes['s3.content_encoding'] = encoding
  for (const header in headers) {
    if (!header.startsWith(metadata)) continue
    attributes[`s3.metadata.${header.slice(metadata.length)}`] = headers[header]
  }
  const source = sourceOf(remoteAddress)
  if (source !== undefined) {
    attributes['audit.source.id'] = source
    attributes['audit.source.type'] = `ipv${isIP(source)}`
  }
  if (overwrites) attributes['s3_put.overwrite'] = true
  return attributes
}

/** What S3 would give back with the object. */
const kept = [
  ['content-type', 's3.content_type'],
  ['content-disposition', 's3.content_disposition'],
  ['content-language', 's3.content_language'],
  ['cache-control', 's3.cache_control'],
  ['expires', 's3.expires'],
  ['x-amz-tagging', 's3.tagging']
] as const

const metadata = 'x-amz-meta-'

/** `aws-chunked` belonged to the way here. */
function contentEncoding(header = ''): string {
  const encodings = header.split(',').map((name) => name.trim())
  return encodings.filter((name) => name !== '' && name !== 'aws-chunked').join(',')
}

/** A socket that listens for both families names an IPv4 sender `::ffff:10.0.0.1`. */
function sourceOf(address = ''): string | undefined {
  const plain = addressOf({ remoteAddress: address }) ?? ''
  return isIP(plain) === 0 ? undefined : plain
}

/** The same for the same bytes under the same key from the same sender, in every process. */
function idOf({ bucket, key, sha256, accessKeyId = '' }: Put): string {
  const text = JSON.stringify([accessKeyId, bucket, key, sha256])
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
