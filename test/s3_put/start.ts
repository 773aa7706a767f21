import { createHash } from 'node:crypto'
import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { Agent } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { S3Client } from '@aws-sdk/client-s3'
import { Hash } from '@smithy/core/serde'
import { SignatureV4 } from '@smithy/signature-v4'
import { onTestFinished } from 'vitest'
import s3Put, { config } from '../../receivers/s3_put.ts'
import type { Batch } from '../../src/component.ts'
import { decodeLogs } from '../../src/logs/decode.ts'
import { type Run, runReceiver } from '../contract/run_receiver.ts'

export const credentials = { accessKeyId: 'AKIDLITELLM', secretAccessKey: 'not-a-real-secret' }

export const accessKey = {
  access_key_id: credentials.accessKeyId,
  secret_access_key: credentials.secretAccessKey
}

export interface Started extends Run {
  /** `host:port`. */
  readonly address: string
}

/** A receiver that listens until `atEnd`, and takes over everything unless `each` says otherwise. */
export async function startS3Put(
  keys: Record<string, unknown> = {},
  each: (batch: Batch) => void = (batch) => batch.settle(),
  atEnd: (end: () => void) => void = onTestFinished
): Promise<Started> {
  const access_keys = keys.auth === 'none' ? [] : [accessKey]
  const options = config.parse({ endpoint: '127.0.0.1:0', access_keys, ...keys })
  const run = runReceiver((context) => s3Put(options, context), each)
  atEnd(() => run.subscription.unsubscribe())
  return { ...run, address: await run.endpoint }
}

/** The records of all batches so far. */
export function recordsOf({ batches }: Run) {
  return batches.flatMap(({ logs }) => decodeLogs(logs))
}

export function sdkClient(
  address: string,
  more: { sessionToken?: string } = {},
  tls?: { ca: Buffer }
): S3Client {
  const client = new S3Client({
    endpoint: `${tls ? 'https' : 'http'}://${address}`,
    ...(tls && { requestHandler: { httpsAgent: new Agent(tls) } }),
    region: 'eu-central-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { ...credentials, ...more }
  })
  onTestFinished(() => client.destroy())
  return client
}

export interface Request {
  readonly method: string
  readonly path: string
  readonly query?: Record<string, string>
  readonly headers: Record<string, string>
  readonly body: string | Buffer
}

export interface Answered {
  readonly status: number
  readonly code: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** The headers LiteLLM sends with an audit event, and signs. */
export function litellmPut(body: string, path = eventPath): Request {
  return {
    method: 'PUT',
    path,
    body,
    headers: {
      'content-type': 'application/json',
      'content-md5': createHash('md5').update(body).digest('base64'),
      'x-amz-content-sha256': createHash('sha256').update(body).digest('hex'),
      'content-language': 'en',
      'content-disposition': 'inline; filename="audit-7c1.json"',
      'cache-control': 'private, immutable, max-age=31536000, s-maxage=0'
    }
  }
}

export const eventPath =
  '/logs/proxy/audit_logs/2026-11-23/08-15-00_7c1f6f0e-1111-4222-8333-444455556666.json'

/** Signed with AWS's own signer, all headers of it. */
export async function signed(
  { body, ...request }: Request,
  address: string,
  { key = credentials as Key, date = new Date() } = {}
): Promise<Request> {
  const headers = { host: address, ...request.headers }
  const options = { signingDate: date, signableHeaders: new Set(Object.keys(headers)) }
  const result = await signerOf(key).sign({ ...whole, ...request, headers }, options)
  return { ...request, headers: result.headers, body }
}

/** Signed in its query by AWS's own signer, good for a minute; `headers` go into the query too. */
export async function presigned(
  { body, ...request }: Request,
  address: string,
  { key = credentials as Key, date = new Date() } = {}
): Promise<Request> {
  const headers = { host: address, ...request.headers, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
  const options = { signingDate: date, expiresIn: 60 }
  const result = await signerOf(key).presign({ ...whole, ...request, headers }, options)
  const query = result.query as Record<string, string>
  return { ...request, headers: { host: address }, query, body }
}

export interface Key {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

function signerOf(key: Key): SignatureV4 {
  return new SignatureV4({
    service: 's3',
    region: 'us-east-1',
    credentials: key,
    sha256: Hash.bind(null, 'sha256'),
    uriEscapePath: false,
    applyChecksum: false
  })
}

const whole = { protocol: 'http:', hostname: '' }

/** Sends a request as it stands. */
export function send(address: string, request: Request): Promise<Answered> {
  return answerOf(begin(address, request, request.body))
}

/** Sends it, and closes the connection when `when` resolves, without reading an answer. */
export async function sendAndLeave(
  address: string,
  request: Request,
  when: () => Promise<unknown>
): Promise<void> {
  const outgoing = begin(address, request, request.body)
  outgoing.on('error', () => {})
  await when()
  outgoing.destroy()
}

function begin(address: string, request: Request, body: string | Buffer): ClientRequest {
  const [host, port] = address.split(':')
  const { method, headers, query } = request
  const search = query === undefined ? '' : `?${new URLSearchParams(query)}`
  const path = request.path + search
  const outgoing = httpRequest({ host, port, method, path, headers, agent: false })
  outgoing.setHeader('content-length', Buffer.byteLength(body))
  outgoing.end(body)
  return outgoing
}

function answerOf(outgoing: ClientRequest): Promise<Answered> {
  return new Promise((resolve, reject) => {
    outgoing.once('error', reject)
    outgoing.once('response', (response) => {
      buffer(response).then((bytes) => {
        const body = bytes.toString()
        const code = /<Code>(\w+)<\/Code>/.exec(body)?.[1]
        resolve({ status: response.statusCode!, headers: response.headers, body, code })
      }, reject)
    })
  })
}
