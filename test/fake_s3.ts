import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** What may go wrong with one PUT; `stored` in a name means that the object is kept all the same. */
export type Fault =
  | 'slow down'
  | 'error'
  | 'error stored'
  | 'reset'
  | 'reset stored'
  | 'hang'
  | 'hang stored'
  | 'conflict'
  | 'denied'
  | 'no bucket'
  | 'no etag'
  | 'bad digest'
  | 'wrong etag'
  | 'wrong checksum'
  | 'other bytes'
  | 'signature'
  | 'too large'

export interface FakeRequest {
  readonly method: string
  readonly bucket: string
  readonly key: string
  /** Of the sender: the same for what came over one connection. */
  readonly port: number | undefined
  readonly headers: IncomingMessage['headers']
}

/** Ways in which real stores differ from what S3 promises, or from each other. */
export interface Ways {
  /** If-None-Match is not heeded. */
  overwrites: boolean
  /** Bytes are not compared with their SHA-256. */
  takesWrongChecksums: boolean
  /** PUTs with x-amz-checksum headers get SignatureDoesNotMatch. */
  chokesOnChecksums: boolean
  /** Objects lie in folders: none below another object, none in the place of a folder. */
  folders: boolean
  /** The secret is another one: every request but HEAD gets SignatureDoesNotMatch. */
  knowsNobody: boolean
  versioning: boolean
  objectLock: boolean
  /** The bucket's policy denies a PUT that is locked for less, in milliseconds. */
  leastRetention: number
  /** Rights that are missing. */
  denied: Set<'put' | 'delete' | 'read' | 'list' | 'bucket'>
}

interface Kept {
  body: Buffer
  sha256: string | undefined
  lock?: Record<string, string>
}

/** A small S3 server on loopback: path style, one process, what the store relies on and its faults. */
export async function startFakeS3() {
  const buckets = new Map<string, Map<string, Kept>>([['logs', new Map()]])
  const faults: Fault[] = []
  let misbehave: () => Fault | undefined = () => undefined
  /** Every content that was ever kept under a key, by its hash. */
  const history = new Map<string, Set<string>>()
  const requests: FakeRequest[] = []
  const ways: Ways = {
    overwrites: false,
    takesWrongChecksums: false,
    chokesOnChecksums: false,
    folders: false,
    knowsNobody: false,
    versioning: false,
    objectLock: false,
    leastRetention: 0,
    denied: new Set()
  }
  /** What probes ask; they meet no faults, which are for what comes after them. */
  const probes: FakeRequest[] = []
  let checksums = true
  let encryption = ''
  let forgetsLocks = false
  let hidesLocks = false
  let ahead = 0
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      send(response, 500, 'InternalError', String(error))
    })
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))

  async function answer(request: IncomingMessage, response: ServerResponse) {
    const url = new URL(request.url ?? '/', 'http://fake')
    const [, bucket = '', ...levels] = url.pathname.split('/').map(decodeURIComponent)
    const key = levels.join('/')
    const method = request.method ?? ''
    const isProbe = key.includes('/probe/') || (key === '' && url.search !== '')
    ;(isProbe ? probes : requests).push({
      method,
      bucket,
      key,
      port: request.socket.remotePort,
      headers: request.headers
    })
    const body = await bytesOf(request)
    response.setHeader('date', new Date(Date.now() + ahead).toUTCString())
    if (Math.abs(signedAt(request) - Date.now() - ahead) > 15 * 60_000)
      return send(response, 403, 'RequestTimeTooSkewed')
    const objects = buckets.get(bucket)
    if (objects === undefined) return send(response, 404, 'NoSuchBucket')
    if (key === '' && method === 'HEAD') return void response.writeHead(200).end()
    if (method === 'PUT') return await put({ request, response, objects, key, body, isProbe })
    if (method === 'DELETE') return remove(key, objects, response)
    if (key === '' && !url.searchParams.has('list-type')) return describe(url.search, response)
    if (ways.denied.has(key === '' ? 'list' : 'read')) return send(response, 403, 'AccessDenied')
    if (key === '') return list(url.searchParams, objects, response)
    const kept = objects.get(key)
    if (kept === undefined) return send(response, 404, 'NoSuchKey')
    const checksum = checksums && kept.sha256 ? { 'x-amz-checksum-sha256': kept.sha256 } : {}
    if (url.searchParams.has('retention') || url.searchParams.has('legal-hold'))
      return sendLock(url.searchParams.has('retention'), kept.lock, response)
    const locks = hidesLocks ? {} : kept.lock
    response.writeHead(200, {
      'content-length': kept.body.length,
      etag: '"e"',
      ...checksum,
      ...locks
    })
    response.end(method === 'HEAD' ? undefined : kept.body)
  }

  async function put(call: {
    request: IncomingMessage
    response: ServerResponse
    objects: Map<string, Kept>
    key: string
    body: Buffer
    isProbe: boolean
  }) {
    const { request, response, objects, key, body, isProbe } = call
    const fault = isProbe ? undefined : (faults.shift() ?? misbehave())
    if (ways.denied.has('put')) return send(response, 403, 'AccessDenied')
    if (retentionOf(request) < ways.leastRetention) return send(response, 403, 'AccessDenied')
    const choked = ways.chokesOnChecksums && request.headers['x-amz-checksum-sha256']
    if (ways.knowsNobody || choked) return send(response, 403, 'SignatureDoesNotMatch')
    const problem = damage(request, body)
    if (problem !== undefined && !ways.takesWrongChecksums) return send(response, 400, problem)
    if (fault !== undefined && !fault.includes('stored')) {
      const done = await fail(fault, request, response)
      if (done) return
    }
    if (request.headers['if-none-match'] === '*' && objects.has(key) && !ways.overwrites) {
      return send(response, 412, 'PreconditionFailed')
    }
    if (ways.folders && isBelowObject(key, objects))
      return send(response, 409, 'ObjectParentIsFile')
    if (ways.folders && isFolder(key, objects))
      return send(response, 409, 'ExistingObjectIsDirectory')
    const locks = lockOf(request)
    if (
      locks &&
      !request.headers['content-md5'] &&
      !request.headers['x-amz-sdk-checksum-algorithm']
    )
      return send(response, 400, 'InvalidRequest')
    const sha256 = request.headers['x-amz-checksum-sha256']
    const kept = history.get(key) ?? new Set()
    history.set(key, kept.add(createHash('sha256').update(body).digest('hex')))
    const stored = fault === 'other bytes' ? Buffer.from('other') : body
    objects.set(key, {
      body: stored,
      sha256: stored === body && typeof sha256 === 'string' ? sha256 : undefined,
      ...(locks && !forgetsLocks && { lock: locks })
    })
    if (fault === 'hang stored') return void (await hang(request))
    if (fault === 'reset stored') return void request.socket.destroy()
    if (fault === 'error stored') return send(response, 500, 'InternalError')
    const md5 = createHash('md5').update(body).digest('hex')
    const wrong = fault === 'wrong etag' || fault === 'other bytes'
    const etag = wrong ? '"0123456789abcdef0123456789abcdef"' : `"${md5}"`
    const checksum =
      fault === 'wrong checksum' ? { 'x-amz-checksum-sha256': 'A'.repeat(43).concat('=') } : {}
    const sse = encryption === '' ? {} : { 'x-amz-server-side-encryption': encryption }
    response.writeHead(200, fault === 'no etag' ? {} : { etag, ...checksum, ...sse }).end()
  }

  function remove(key: string, objects: Map<string, Kept>, response: ServerResponse) {
    if (ways.denied.has('delete')) return send(response, 403, 'AccessDenied')
    objects.delete(key)
    history.delete(key)
    response.writeHead(204).end()
  }

  /** What a bucket says of itself. */
  function describe(search: string, response: ServerResponse) {
    if (ways.denied.has('bucket')) return send(response, 403, 'AccessDenied')
    if (search.includes('object-lock') && !ways.objectLock)
      return send(response, 404, 'ObjectLockConfigurationNotFoundError')
    response.writeHead(200, { 'content-type': 'application/xml' })
    response.end(
      search.includes('object-lock')
        ? '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled></ObjectLockConfiguration>'
        : `<VersioningConfiguration>${ways.versioning ? '<Status>Enabled</Status>' : ''}</VersioningConfiguration>`
    )
  }

  function damage({ headers }: IncomingMessage, body: Buffer): string | undefined {
    const digest = (name: string, encoding: 'base64' | 'hex') =>
      createHash(name).update(body).digest(encoding)
    const sha256 = headers['x-amz-checksum-sha256']
    if (sha256 !== undefined && sha256 !== digest('sha256', 'base64')) return 'BadDigest'
    const md5 = headers['content-md5']
    if (md5 !== undefined && md5 !== digest('md5', 'base64')) return 'BadDigest'
    const signed = headers['x-amz-content-sha256']
    return signed === digest('sha256', 'hex') ? undefined : 'XAmzContentSHA256Mismatch'
  }

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    probes,
    ways,
    buckets,
    /** Faults of the next PUTs, in order. */
    fail: (...next: Fault[]) => void faults.push(...next),
    /** Of the PUTs from now on each may fail, as this says. */
    misbehave(choose: () => Fault | undefined) {
      misbehave = choose
    },
    /** Keys under which different bytes were kept at different times. */
    rewritten: () => [...history].filter(([, kept]) => kept.size > 1).map(([key]) => key),
    /** The next PUTs go well again. */
    heal() {
      faults.length = 0
    },
    denyReads() {
      ways.denied.add('read').add('list')
    },
    /** HEAD no longer tells the SHA-256, as some S3-compatible stores. */
    hideChecksums() {
      checksums = false
    },
    /** Objects are encrypted as this says: `aws:kms`. */
    encrypt(with_: string) {
      encryption = with_
    },
    /** Takes the headers of Object Lock and keeps nothing of them. */
    forgetLocks() {
      forgetsLocks = true
    },
    /** HEAD does not tell the lock, as without s3:GetObjectRetention. */
    hideLocks() {
      hidesLocks = true
    },
    /** The server's clock is so many milliseconds ahead. */
    setClock(milliseconds: number) {
      ahead = milliseconds
    },
    lock: (key: string, bucket = 'logs') => buckets.get(bucket)?.get(key)?.lock,
    keys: (bucket = 'logs') => [...(buckets.get(bucket)?.keys() ?? [])],
    object: (key: string, bucket = 'logs') => buckets.get(bucket)?.get(key)?.body,
    async stop() {
      server.closeAllConnections()
      server.close()
      await new Promise((resolve) => server.once('close', resolve))
    }
  }
}

export type FakeS3 = Awaited<ReturnType<typeof startFakeS3>>

async function fail(fault: Fault, request: IncomingMessage, response: ServerResponse) {
  switch (fault) {
    case 'slow down':
      send(response, 503, 'SlowDown')
      return true
    case 'error':
      send(response, 500, 'InternalError')
      return true
    case 'reset':
      request.socket.destroy()
      return true
    case 'hang':
      await hang(request)
      return true
    case 'conflict':
      send(response, 409, 'ConditionalRequestConflict')
      return true
    case 'denied':
      send(response, 403, 'AccessDenied')
      return true
    case 'no bucket':
      send(response, 404, 'NoSuchBucket')
      return true
    case 'bad digest':
      send(response, 400, 'BadDigest')
      return true
    case 'signature':
      send(response, 403, 'SignatureDoesNotMatch')
      return true
    case 'too large':
      send(response, 400, 'EntityTooLarge')
      return true
    default:
      return false
  }
}

/** Milliseconds from now; for ever where nothing is said. */
function retentionOf({ headers }: IncomingMessage): number {
  const until = headers['x-amz-object-lock-retain-until-date']
  return until === undefined ? Number.POSITIVE_INFINITY : Date.parse(String(until)) - Date.now()
}

async function hang(request: IncomingMessage) {
  await Promise.race([wait(60_000, undefined, { ref: false }), closed(request)])
}

/** `x-amz-date: 20261123T235501Z`. */
function signedAt({ headers }: IncomingMessage): number {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(headers['x-amz-date'])) ?? []
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
}

function lockOf({ headers }: IncomingMessage): Record<string, string> | undefined {
  const names = Object.keys(headers).filter((name) => name.startsWith('x-amz-object-lock-'))
  if (names.length === 0) return undefined
  return Object.fromEntries(names.map((name) => [name, String(headers[name])]))
}

function sendLock(
  retention: boolean,
  lock: Record<string, string> | undefined,
  response: ServerResponse
) {
  if (lock === undefined) return send(response, 404, 'NoSuchObjectLockConfiguration')
  const of = (name: string) => lock[`x-amz-object-lock-${name}`] ?? ''
  response.writeHead(200, { 'content-type': 'application/xml' })
  response.end(
    retention
      ? `<Retention><Mode>${of('mode')}</Mode><RetainUntilDate>${of('retain-until-date')}</RetainUntilDate></Retention>`
      : `<LegalHold><Status>${of('legal-hold')}</Status></LegalHold>`
  )
}

function closed(request: IncomingMessage) {
  return new Promise((resolve) => request.socket.once('close', resolve))
}

async function bytesOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Two keys a page, so that paging is seen. */
function list(query: URLSearchParams, objects: Map<string, Kept>, response: ServerResponse) {
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const found = [...objects.keys()]
    .filter((key) => key.startsWith(query.get('prefix') ?? '') && compare(key, after) > 0)
    .sort(compare)
  const page = found.slice(0, 2)
  const more = found.length > 2
  const contents = page.map((key) => `<Contents><Key>${encode(key)}</Key></Contents>`).join('')
  const next = more ? `<NextContinuationToken>${xml(page[1]!)}</NextContinuationToken>` : ''
  response.writeHead(200, { 'content-type': 'application/xml' })
  response.end(
    `<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>${more}</IsTruncated>${contents}${next}</ListBucketResult>`
  )
}

function encode(key: string): string {
  return encodeURIComponent(key).replaceAll('%20', '+')
}

function xml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function send(response: ServerResponse, status: number, code: string, message = code) {
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<Error><Code>${code}</Code><Message>${message}</Message></Error>`)
}

function isBelowObject(key: string, objects: ReadonlyMap<string, unknown>): boolean {
  const levels = key.split('/')
  return levels.some((_, depth) => depth > 0 && objects.has(levels.slice(0, depth).join('/')))
}

function isFolder(key: string, objects: ReadonlyMap<string, unknown>): boolean {
  return [...objects.keys()].some((other) => other.startsWith(`${key}/`))
}
