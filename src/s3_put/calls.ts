import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { declaration, text } from './answers.ts'
import { Refusal } from './refusal.ts'
import type { Kept } from './repeats.ts'
import type { Target } from './target.ts'

/** Names in a query that change what a PUT of an object means. */
const plainQuery = /^(x-id|X-Amz-.+|x-amz-.+)$/

/** Whether this puts an object; throws a Refusal where it would do something with one that is not done here. */
export function putsObject(
  method: string | undefined,
  headers: IncomingHttpHeaders,
  target: Target
): boolean {
  if (method !== 'PUT' || target.key === '') return false
  const other = Object.keys(target.query).find((name) => !plainQuery.test(name))
  if (other !== undefined) throw notDone(`PUT of an object with ?${other}`)
  const header = ['x-amz-copy-source', 'if-match', 'x-amz-write-offset-bytes', 'range'].find(
    (name) => headers[name] !== undefined
  )
  if (header !== undefined) throw notDone(`PUT of an object with ${header}`)
  const condition = headers['if-none-match']
  if (condition === undefined || condition === '*') return true
  throw notDone('If-None-Match with anything but *')
}

/** What is said with 200. */
export interface Reply {
  readonly headers?: OutgoingHttpHeaders
  readonly xml?: string
}

/**
 * The calls that clients make around a PUT. There is a bucket of every name, and nothing is ever given
 * back: a list is empty, and of what was put lately there is the head alone.
 */
export function replyTo(
  { method = '' }: IncomingMessage,
  target: Target,
  find: (bucket: string, key: string) => Kept | undefined
): Reply {
  if (target.key !== '') return ofObject(method, find(target.bucket, target.key))
  if (target.bucket !== '') return ofBucket(method, target)
  if (method === 'GET' || method === 'HEAD') return { xml: buckets }
  throw notDone(`${method} of the service`)
}

function ofObject(method: string, kept: Kept | undefined): Reply {
  if (method !== 'GET' && method !== 'HEAD') throw notDone(`${method} of an object`)
  if (kept === undefined) throw new Refusal('NoSuchKey', 'nothing was put under this key lately')
  if (method === 'GET') throw notDone('GET of an object')
  const headers = {
    ETag: kept.etag,
    'Content-Length': kept.bytes,
    'Last-Modified': new Date(kept.at).toUTCString()
  }
  return { headers }
}

function ofBucket(method: string, target: Target): Reply {
  const query = Object.keys(target.query)
  const subject = query.find((name) => documents.has(name))
  if (method === 'HEAD') return { headers: { 'x-amz-bucket-region': region } }
  if (method === 'GET' && subject !== undefined) return { xml: documents.get(subject)! }
  if (method === 'GET' && query.every((name) => ofListing.test(name))) {
    return { xml: emptyList(target) }
  }
  // Clients that make sure of their bucket create it; of one's own, S3 in this region says 200 as well.
  if (method === 'PUT' && query.every((name) => plainQuery.test(name))) {
    return { headers: { Location: `/${encodeURIComponent(target.bucket)}` } }
  }
  throw notDone(`${method} of a bucket${query.map((name) => `, ${name}`).join('')}`)
}

function notDone(what: string): Refusal {
  return new Refusal(
    'NotImplemented',
    `this receiver takes objects by PUT: ${what} is not done here`
  )
}

const region = 'us-east-1'
const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'

const buckets = `${declaration}<ListAllMyBucketsResult ${namespace}><Buckets></Buckets></ListAllMyBucketsResult>`

const documents = new Map([
  ['location', `${declaration}<LocationConstraint ${namespace}></LocationConstraint>`],
  ['versioning', `${declaration}<VersioningConfiguration ${namespace}></VersioningConfiguration>`],
  [
    'uploads',
    `${declaration}<ListMultipartUploadsResult ${namespace}><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`
  ]
])

const ofListing =
  /^(list-type|prefix|delimiter|max-keys|start-after|continuation-token|marker|encoding-type|fetch-owner|x-id|[xX]-[aA]mz-.+)$/

function emptyList({ bucket, query }: Target): string {
  const prefix = typeof query.prefix === 'string' ? query.prefix : ''
  const count = query['list-type'] === '2' ? '<KeyCount>0</KeyCount>' : '<Marker></Marker>'
  return `${declaration}<ListBucketResult ${namespace}><Name>${text(bucket)}</Name><Prefix>${text(prefix)}</Prefix>${count}<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>`
}
