import { createHash, randomUUID } from 'node:crypto'
import { closeSync, fdatasync, openSync, unlinkSync, writev } from 'node:fs'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { constants, crc32, zstdCompress } from 'node:zlib'

/*
 * The floor: what a Node program cannot do without when it answers after fsync and stores objects.
 * Read from the socket, one checksum, one write and fdatasync for all that wait, one compression,
 * one hash, one upload. No check of what arrives, no recovery, no retry: it is only a measure.
 *   node floor_program.ts DIRECTORY SINK_PORT
 */
const [directory, sinkPort] = process.argv.slice(2)

const write = promisify(writev)
const sync = promisify(fdatasync)
const compress = promisify(zstdCompress)

/** As the configuration that auditcol is measured with: 8,192 records of 690 bytes, or 200 ms. */
const objectBytes = 8192 * 690
const objectAge = 200
const segmentBytes = 64 * 2 ** 20

const server = createServer(receive)
server.listen(0, '127.0.0.1', () => {
  console.log(`listening ${(server.address() as AddressInfo).port}`)
})
process.once('SIGTERM', () => {
  server.close()
  server.closeAllConnections()
  removeSegment()
})

function receive(message: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = []
  message.on('data', (chunk: Buffer) => chunks.push(chunk))
  message.on('end', () => append(Buffer.concat(chunks), response))
}

interface Waiting {
  readonly frame: readonly Buffer[]
  readonly body: Buffer
  readonly response: ServerResponse
}

let waiting: Waiting[] = []
let writing = false
let segment = openSegment()

function append(body: Buffer, response: ServerResponse): void {
  const head = Buffer.allocUnsafe(8)
  head.writeUInt32LE(body.length, 0)
  head.writeUInt32LE(crc32(body), 4)
  waiting.push({ frame: [head, body], body, response })
  if (!writing) void writeGroups()
}

async function writeGroups(): Promise<void> {
  writing = true
  while (waiting.length > 0) {
    const group = waiting
    waiting = []
    const buffers = group.flatMap(({ frame }) => frame)
    await write(segment.fd, buffers)
    await sync(segment.fd)
    segment.size += buffers.reduce((sum, { length }) => sum + length, 0)
    if (segment.size > segmentBytes) {
      removeSegment()
      segment = openSegment()
    }
    for (const { body, response } of group) {
      response.writeHead(200, { 'Content-Type': 'application/x-protobuf', 'Content-Length': 0 })
      response.end()
      collect(body)
    }
  }
  writing = false
}

function openSegment() {
  const path = `${directory}/${randomUUID()}`
  return { path, fd: openSync(path, 'wx', 0o600), size: 0 }
}

function removeSegment(): void {
  closeSync(segment.fd)
  unlinkSync(segment.path)
}

let object: Buffer[] = []
let bytes = 0
let timer: NodeJS.Timeout | undefined
const agent = new Agent({ keepAlive: true, maxSockets: 4 })

function collect(body: Buffer): void {
  object.push(body)
  bytes += body.length
  if (bytes >= objectBytes) void store()
  else timer ??= setTimeout(store, objectAge)
}

async function store(): Promise<void> {
  clearTimeout(timer)
  timer = undefined
  const content = Buffer.concat(object)
  object = []
  bytes = 0
  put(await compress(content, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }))
}

function put(body: Buffer): void {
  const headers = {
    'Content-Length': body.length,
    'If-None-Match': '*',
    'x-amz-checksum-sha256': createHash('sha256').update(body).digest('base64')
  }
  const path = `/audit/floor/${randomUUID()}.binpb.zst`
  request({ port: Number(sinkPort), host: '127.0.0.1', method: 'PUT', path, headers, agent })
    .on('response', (response) => response.resume())
    .end(body)
}
