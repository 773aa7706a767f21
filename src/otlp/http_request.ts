import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Meta } from '../component.ts'
import { addressOf } from '../sender.ts'
import type { Log } from '../telemetry/log.ts'
import { type Answer, codes, stopping } from './answers.ts'
import { type Compression, isAnswer } from './decompress.ts'
import type { HeldBytes } from './held_bytes.ts'
import { admitBody, dropBody, readBody } from './http_body.ts'
import type { HttpOptions } from './http_config.ts'
import { reply, replyText } from './http_reply.ts'
import type { Encoding, Intake } from './intake.ts'

export interface RequestOptions {
  readonly options: HttpOptions
  readonly held: HeldBytes
  readonly intake: Intake
  readonly stopping: AbortSignal
  readonly log: Log
}

/**
 * Answers OTLP requests. `settled` runs once for each, when it has its answer or its connection is
 * gone, and what it brought is no longer under way.
 */
export function createRequestHandler(machinery: RequestOptions) {
  const { options, held, intake } = machinery
  const { logs_url_path, include_metadata, max_request_body_size: limit } = options
  const compressions = new Set(options.compression_algorithms)
  const acceptEncoding = options.compression_algorithms.map((name) => name || 'identity').join(', ')

  return (request: IncomingMessage, response: ServerResponse, settled: () => void): void => {
    const encoding = encodingOf(request.headers['content-type'])
    const compression = compressionOf(request.headers['content-encoding'])
    const refusal = refusalOf(request, encoding, compression)
    if (refusal !== undefined) {
      onceClosed(request, response, settled)
      leaveBody(request, response)
      refusal(response)
      return
    }
    takeLogs(request, response, encoding!, compression as Compression | undefined, settled)
  }

  /** What is wrong with the head of a request, in the order in which the Collector looks. */
  function refusalOf(request: IncomingMessage, encoding?: Encoding, compression?: string) {
    const path = pathOf(request.url!)
    if (path !== logs_url_path) return notFound(path, encoding)
    if (request.method !== 'POST') return notAllowed
    if (encoding === undefined) return unsupportedType
    if (!compressions.has(compression ?? '')) return unsupportedEncoding(encoding, compression)
    if (machinery.stopping.aborted) return status(encoding, stopping)
    return undefined
  }

  function takeLogs(
    request: IncomingMessage,
    response: ServerResponse,
    encoding: Encoding,
    compression: Compression | undefined,
    settled: () => void
  ): void {
    const share = held.share()
    let open = true
    let underWay = false
    onceClosed(request, response, () => {
      open = false
      if (underWay) return
      share.end()
      settled()
    })
    const refusal = admitBody(request, { limit, held }, share)
    if (refusal !== undefined) {
      leaveBody(request, response)
      finish(refusal)
      return
    }
    if (request.headers.expect !== undefined) response.writeContinue()
    readBody(request, compression, { limit, held, share }, (body) => {
      if (!open) return
      if (isAnswer(body)) return finish(body)
      const client = include_metadata ? (request.headersDistinct as Meta['client']) : undefined
      underWay = true
      intake(body, encoding, share, { client, address: addressOf(request.socket) }, (answer) => {
        underWay = false
        if (open) finish(answer)
        else settled()
      })
    })

    function finish(answer: Answer) {
      share.end()
      if (machinery.stopping.aborted) response.shouldKeepAlive = false
      reply(response, encoding, answer)
    }
  }

  function notFound(path: string, encoding?: Encoding) {
    const signal =
      path === options.traces_url_path
        ? 'traces are not supported'
        : path === options.metrics_url_path
          ? 'metrics are not supported'
          : `there is nothing at ${path.slice(0, 200)}`
    const message = `404 page not found: ${signal}, logs go to ${logs_url_path}`
    return encoding === undefined
      ? (response: ServerResponse) => replyText(response, 404, message)
      : status(encoding, { code: codes.unimplemented, http: 404, message })
  }

  function unsupportedEncoding(encoding: Encoding, compression = 'identity') {
    const message = `unsupported Content-Encoding: ${compression.slice(0, 100)}, supported: [${acceptEncoding}]`
    return (response: ServerResponse) => {
      response.setHeader('Accept-Encoding', acceptEncoding)
      reply(response, encoding, { code: codes.invalidArgument, http: 415, message })
    }
  }
}

/**
 * Runs `closed` once, when the answer is out or the connection has ended. A pipelined request whose
 * turn has not come has no socket on its response, which in Node 24 hears nothing of the connection's
 * end (in Node 26 it does).
 */
export function onceClosed(
  request: IncomingMessage,
  response: ServerResponse,
  closed: () => void
): void {
  if (response.socket !== null) {
    response.once('close', closed)
    return
  }
  const { socket } = request
  socket.setMaxListeners(0)
  socket.once('close', end)
  response.once('close', end)

  function end() {
    socket.off('close', end)
    response.off('close', end)
    closed()
  }
}

/**
 * Answers without the body. Who asked before sending it may now leave it out, and nobody could tell
 * it from a next request: such a connection ends with the answer.
 */
export function leaveBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect === undefined) dropBody(request)
  else response.shouldKeepAlive = false
}

function status(encoding: Encoding, answer: Answer) {
  return (response: ServerResponse) => reply(response, encoding, answer)
}

function notAllowed(response: ServerResponse) {
  replyText(response, 405, '405 method not allowed, supported: [POST]', { Allow: 'POST' })
}

function unsupportedType(response: ServerResponse) {
  const types = 'application/json, application/x-protobuf'
  replyText(response, 415, `415 unsupported media type, supported: [${types}]`, { Accept: types })
}

/** Senders behind a proxy may ask for the whole URL (RFC 9112, 3.2.2). */
export function pathOf(url: string): string {
  const from = url.startsWith('http://') ? url.indexOf('/', 'http://'.length) : 0
  const query = url.indexOf('?')
  return url.slice(Math.max(0, from), query < 0 ? url.length : query)
}

/** Parameters such as `charset=utf-8` change nothing. */
function encodingOf(type = ''): Encoding | undefined {
  if (type === 'application/x-protobuf') return 'protobuf'
  if (type === 'application/json') return 'json'
  const essence = type.split(';', 1)[0]!.trim().toLowerCase()
  return essence === type ? undefined : encodingOf(essence)
}

function compressionOf(encoding?: string): string | undefined {
  const name = encoding?.toLowerCase() || 'identity'
  return name === 'identity' ? undefined : name
}
