import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream
} from 'node:http2'
import type { Meta } from '../component.ts'
import { addressOf } from '../sender.ts'
import { type Answer, codes, exhausted, invalid, stopping } from './answers.ts'
import { type Compression, decompress, isAnswer } from './decompress.ts'
import { readMessage } from './grpc_message.ts'
import type { HeldBytes } from './held_bytes.ts'
import type { Intake } from './intake.ts'
import { statusBytes } from './status.ts'

export interface CallOptions {
  /** Largest message, as sent and after decompression. */
  readonly limit: number
  readonly includeMetadata: boolean
  readonly held: HeldBytes
  readonly intake: Intake
  readonly stopping: AbortSignal
}

const services = '/opentelemetry.proto.collector.'
const exportLogs = `${services}logs.v1.LogsService/Export`

/**
 * Answers gRPC calls, of which there is one: a unary Export of logs. `settled` runs once for each,
 * when it has its answer or is gone, and what it brought is no longer under way.
 */
export function createCallHandler(options: CallOptions) {
  const { limit, held, intake } = options

  return (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, settled: () => void): void => {
    const share = held.share()
    let open = true
    let underWay = false
    stream.on('error', () => {})
    stream.once('close', () => {
      open = false
      if (underWay) return
      share.end()
      settled()
    })
    if (headers['content-type']?.startsWith('application/grpc') !== true) {
      respondOnly(stream, { ':status': 415 })
      return
    }
    const compression = headers['grpc-encoding']
    const refusal = refusalOf(headers, compression)
    if (refusal !== undefined) {
      finish(refusal)
      return
    }
    readMessage(stream, { limit, held, share }, (message, compressed) => {
      if (!open) return
      if (isAnswer(message)) finish(message)
      else if (!compressed) accept(message)
      else if (!isCompression(compression)) finish(invalid('compressed without grpc-encoding'))
      else decompress(message, compression, { limit, held, share }, accept)
    })

    function accept(message: Uint8Array | Answer) {
      if (!open) return
      if (isAnswer(message)) return finish(message)
      underWay = true
      const sender = { client: clientOf(headers), address: addressOf(stream.session?.socket) }
      intake(message, 'protobuf', share, sender, (answer) => {
        underWay = false
        if (open) finish(answer)
        else settled()
      })
    }

    function finish(answer: Answer) {
      share.end()
      if (stream.destroyed || stream.closed) return
      if (answer.code === codes.ok) replyOk(stream)
      else replyError(stream, answer)
    }
  }

  function refusalOf(headers: IncomingHttpHeaders, compression: unknown): Answer | undefined {
    const path = headers[':path'] ?? ''
    if (path !== exportLogs || headers[':method'] !== 'POST') return unimplemented(path)
    if (compression !== undefined && compression !== 'identity' && !isCompression(compression)) {
      const message = `unsupported grpc-encoding: ${String(compression).slice(0, 100)}, supported: [${acceptEncoding}]`
      return { code: codes.unimplemented, http: 200, message }
    }
    if (options.stopping.aborted) return stopping
    return held.bytes() > held.max ? exhausted(held.max) : undefined
  }

  function clientOf(headers: IncomingHttpHeaders): Meta['client'] {
    if (!options.includeMetadata) return undefined
    const client: Record<string, readonly string[]> = {}
    for (const name of Object.keys(headers)) {
      const value = headers[name]
      if (value === undefined || name.startsWith(':')) continue
      client[name] = Array.isArray(value) ? value : [value]
    }
    return client
  }
}

function unimplemented(path: string): Answer {
  const signal = path.startsWith(services) && path.slice(services.length).split('.', 1)[0]
  const message =
    signal && signal !== 'logs'
      ? `${signal.slice(0, 50)} is not supported: auditcol takes logs only, on ${exportLogs}`
      : `unknown method ${path.slice(0, 200)}: auditcol takes logs only, on ${exportLogs}`
  return { code: codes.unimplemented, http: 404, message }
}

const acceptEncoding = 'identity,gzip,zstd,deflate'

function isCompression(name: unknown): name is Compression {
  return name === 'gzip' || name === 'zstd' || name === 'deflate'
}

const okHeaders = { ':status': 200, 'content-type': 'application/grpc' }
/** An ExportLogsServiceResponse without fields is no bytes: flag 0, length 0. */
const okMessage = Buffer.alloc(5)

function replyOk(stream: ServerHttp2Stream) {
  stream.respond(okHeaders, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(okMessage)
}

function replyError(stream: ServerHttp2Stream, answer: Answer) {
  respondOnly(stream, {
    ...okHeaders,
    'grpc-accept-encoding': acceptEncoding,
    'grpc-status': String(answer.code),
    'grpc-message': encodeURI(answer.message),
    'grpc-status-details-bin': statusBytes(answer).toString('base64')
  })
}

/**
 * One block of headers. What the sender has not sent yet it need not send: RST_STREAM with NO_ERROR,
 * a turn later, since it would overtake the headers.
 */
function respondOnly(stream: ServerHttp2Stream, headers: OutgoingHttpHeaders) {
  stream.once('finish', () => setImmediate(() => stream.close(constants.NGHTTP2_NO_ERROR)))
  stream.respond(headers, { endStream: true })
  stream.resume()
}
