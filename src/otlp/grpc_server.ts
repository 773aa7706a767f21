import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream
} from 'node:http2'
import type { Socket } from 'node:net'
import type { Log } from '../telemetry/log.ts'
import { openServerTls } from '../tls/server.ts'
import { listen } from './endpoint.ts'
import { createCallHandler } from './grpc_call.ts'
import type { GrpcOptions } from './grpc_config.ts'
import { type Watch, watchSession } from './grpc_keepalive.ts'
import type { HeldBytes } from './held_bytes.ts'
import type { Listener } from './http_server.ts'
import type { Intake } from './intake.ts'

export interface GrpcServerOptions {
  readonly options: GrpcOptions
  readonly held: HeldBytes
  readonly intake: Intake
  readonly stopping: AbortSignal
  readonly log: Log
}

/** What one call may have under way before it is read, and one connection: whole requests, not 64 KiB pieces. */
const streamWindow = 1024 * 1024
const sessionWindow = 4 * 1024 * 1024

/**
 * Listens for OTLP over gRPC, on node:http2 rather than @grpc/grpc-js: that library reads and
 * decompresses a message before anybody else sees that it comes, so that the number of calls, not a
 * limit in bytes, would decide the memory; and one unary method with byte-for-byte messages needs
 * little of it. Its client is the one the tests speak to this with.
 */
export async function startGrpcServer(machinery: GrpcServerOptions): Promise<Listener> {
  const { options, stopping, log } = machinery
  const sessions = new Map<ServerHttp2Session, Watch>()
  const sockets = new Set<Socket>()
  const handle = createCallHandler({
    ...machinery,
    limit: options.max_recv_msg_size_mib * 1024 * 1024,
    includeMetadata: options.include_metadata
  })
  let inFlight = 0
  let drained = () => {}

  const server = serverOf(options, log)
  server.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('session', (session) => {
    if (stopping.aborted) return session.destroy()
    session.setLocalWindowSize(sessionWindow)
    // A sender that breaks the protocol loses its connection, and nothing else.
    session.on('error', () => {})
    sessions.set(session, watchSession(session, options.keepalive))
    session.once('close', () => sessions.delete(session))
  })
  server.on('sessionError', () => {})
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const watch = sessions.get(stream.session as ServerHttp2Session)
    inFlight++
    watch?.opened()
    stream.once('close', () => watch?.closed())
    handle(stream, headers, settled)
  })
  const listening = await listen(server, options, log)
  return { protocol: options.tls ? 'gRPC+TLS' : 'gRPC', listening, drain, close }

  function settled() {
    inFlight--
    if (inFlight === 0) drained()
  }

  async function drain() {
    server.close()
    for (const session of sessions.keys()) session.close()
    if (inFlight > 0) {
      await new Promise<void>((resolve) => {
        drained = resolve
      })
    }
    // Destroying a session with its last answer still in the buffer would take that answer back.
    await Promise.all(Array.from(sockets, allSent))
    close()
  }

  function close() {
    server.close()
    for (const session of sessions.keys()) session.destroy()
  }
}

function serverOf(options: GrpcOptions, log: Log): Http2Server | Http2SecureServer {
  const settings = {
    maxConcurrentStreams: options.max_concurrent_streams,
    initialWindowSize: streamWindow,
    enablePush: false
  }
  if (options.tls === undefined) return createServer({ settings })
  const tls = openServerTls(options.tls, log)
  const server = createSecureServer({ settings, ...tls.options })
  tls.follow(server)
  return server
}

function allSent(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.writableFinished || socket.destroyed) resolve()
    else socket.once('finish', resolve).once('close', () => resolve())
  })
}
