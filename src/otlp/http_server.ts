import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { Log } from '../telemetry/log.ts'
import { openServerTls } from '../tls/server.ts'
import { createCors } from './cors.ts'
import { type Listening, listen } from './endpoint.ts'
import type { HttpOptions } from './http_config.ts'
import { createRequestHandler, type RequestOptions } from './http_request.ts'
import type { connectionKeys } from './server_keys.ts'

/** A listener of the receiver. */
export interface Listener {
  readonly protocol: 'HTTP' | 'HTTPS' | 'gRPC' | 'gRPC+TLS'
  readonly listening: Listening
  /** Takes nothing new; resolves when all that is in flight is settled and answered. */
  drain(): Promise<void>
  /** Drops everything at once. */
  close(): void
}

/** Without a limit of the user's own a silent sender is cut off after these, Node's defaults. */
const requestTimeoutMs = 300_000
const headersTimeoutMs = 60_000

/** Listens for OTLP over HTTP. */
export function startHttpServer(machinery: RequestOptions): Promise<Listener> {
  const { options } = machinery
  const cors = options.cors && createCors(options.cors)
  const always = Object.entries(options.response_headers)
  const handle = createRequestHandler(machinery)
  return listenHttp({ ...machinery, handle: take })

  function take(request: IncomingMessage, response: ServerResponse, settled: () => void): void {
    for (const [name, value] of always) response.setHeader(name, value)
    if (cors?.preflight(request, response)) {
      response.once('close', settled)
      return
    }
    cors?.allow(request, response)
    handle(request, response, settled)
  }
}

export interface HttpListenerOptions {
  readonly options: ListenerOptions
  readonly stopping: AbortSignal
  readonly log: Log
  /** Answers a request; `settled` runs once, when what it brought is no longer under way. */
  handle(request: IncomingMessage, response: ServerResponse, settled: () => void): void
}

type ListenerOptions = Pick<
  HttpOptions,
  'endpoint' | 'transport' | 'tls' | keyof typeof connectionKeys
> & {
  /** Further connections are closed at once; unset: as many as there are descriptors. */
  readonly max_connections?: number
}

/** Listens for HTTP/1.1, of whatever protocol. */
export async function listenHttp(machinery: HttpListenerOptions): Promise<Listener> {
  const { options, stopping, log, handle } = machinery
  const { write_timeout, keep_alives_enabled } = options
  let inFlight = 0
  let drained = () => {}

  const server = serverOf(options, log, take)
  if (options.max_connections !== undefined) server.maxConnections = options.max_connections
  // With a listener here a sender that asks before it uploads hears a refusal first.
  server.on('checkContinue', take)
  const listening = await listen(server, options, log)
  return { protocol: options.tls ? 'HTTPS' : 'HTTP', listening, drain, close }

  function take(request: IncomingMessage, response: ServerResponse): void {
    inFlight++
    if (!keep_alives_enabled || stopping.aborted) response.shouldKeepAlive = false
    if (write_timeout > 0) limitAnswer(request, response, write_timeout)
    handle(request, response, settled)
  }

  function settled() {
    inFlight--
    if (inFlight === 0) drained()
  }

  async function drain() {
    server.close()
    if (inFlight > 0) {
      await new Promise<void>((resolve) => {
        drained = resolve
      })
    }
    server.closeAllConnections()
  }

  function close() {
    server.close()
    server.closeAllConnections()
  }
}

function serverOf(options: ListenerOptions, log: Log, take: RequestListener): Server {
  if (options.tls === undefined) return createServer(timeouts(options), take)
  const tls = openServerTls(options.tls, log)
  const server = createSecureServer({ ...timeouts(options), ...tls.options }, take)
  tls.follow(server)
  return server
}

function timeouts(options: ListenerOptions) {
  const { read_timeout, read_header_timeout, idle_timeout } = options
  const headersTimeout = read_header_timeout || read_timeout || headersTimeoutMs
  const requestTimeout = read_timeout || Math.max(requestTimeoutMs, headersTimeout)
  return {
    requestTimeout,
    headersTimeout: Math.min(headersTimeout, requestTimeout),
    keepAliveTimeout: idle_timeout || read_timeout,
    connectionsCheckingInterval: Math.min(30_000, Math.max(100, headersTimeout / 4)),
    // A sender that vanished is noticed, and its socket closed, as in Go.
    keepAlive: true,
    keepAliveInitialDelay: 15_000,
    noDelay: true
  }
}

/** As in Go, the connection goes with the answer that came too late; what was accepted stays accepted. */
function limitAnswer(request: IncomingMessage, response: ServerResponse, ms: number) {
  const timer = setTimeout(() => request.socket.destroy(), ms)
  response.once('close', () => clearTimeout(timer))
}
