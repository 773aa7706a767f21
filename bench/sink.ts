import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'

export interface Sink {
  readonly port: number
  /** Objects stored so far. */
  objects(): number
  /** Bytes of all objects as they were before compression. */
  contentBytes(): number
  close(): void
}

/** As much of S3 as an uploader of immutable objects sees: PUT is create-only, other reads find nothing. */
export async function startSink(): Promise<Sink> {
  const stored = new Map<string, Buffer>()
  const server = createServer((request, response) => {
    answer(stored, request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const data = () => [...stored].filter(([key]) => !key.includes('/.auditcol/'))
  return {
    port: (server.address() as AddressInfo).port,
    objects: () => data().length,
    contentBytes: () => data().reduce((sum, [, body]) => sum + inflated(body).length, 0),
    close() {
      server.close()
      server.closeAllConnections()
    }
  }
}

async function answer(
  stored: Map<string, Buffer>,
  request: IncomingMessage,
  response: ServerResponse
): Promise<void> {
  const key = new URL(request.url!, 'http://sink').pathname
  const body = Buffer.concat(await request.toArray())
  if (request.method === 'PUT') {
    if (stored.has(key)) return refuse(response, 412, 'PreconditionFailed')
    stored.set(key, unchunked(request, body))
    response.writeHead(200, { ETag: `"${stored.size}"`, 'Content-Length': 0 }).end()
  } else if (request.method === 'DELETE') {
    stored.delete(key)
    response.writeHead(204).end()
  } else if (request.url!.includes('list-type=2')) {
    const xml =
      '<?xml version="1.0"?><ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>'
    response.writeHead(200, { 'Content-Type': 'application/xml' }).end(xml)
  } else if (key.split('/').length <= 2) {
    response.writeHead(200, { 'Content-Length': 0 }).end()
  } else {
    const found = stored.get(key)
    if (found === undefined) return refuse(response, 404, 'NoSuchKey')
    response.writeHead(200, { 'Content-Length': found.length })
    response.end(request.method === 'HEAD' ? undefined : found)
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'Content-Type': 'application/xml' })
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code></Error>`)
}

/** The AWS SDK may send a body in chunks with a checksum behind them. */
function unchunked(request: IncomingMessage, body: Buffer): Buffer {
  if (!request.headers['content-encoding']?.includes('aws-chunked')) return body
  const chunks: Buffer[] = []
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at)
    const length = Number.parseInt(body.toString('latin1', at, end), 16)
    if (!(length > 0)) return Buffer.concat(chunks)
    chunks.push(body.subarray(end + 2, end + 2 + length))
    at = end + 4 + length
  }
}

function inflated(body: Buffer): Buffer {
  if (body.length >= 4 && body.readUInt32LE() === 0xfd2fb528) return zstdDecompressSync(body)
  return body.length >= 2 && body.readUInt16BE() === 0x1f8b ? gunzipSync(body) : body
}
