import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
  type OutgoingHttpHeaders
} from 'node:http2'
import { connect as connectSocket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { TlsSource } from '../tls/client.ts'
import { authorityOf, type GrpcTarget } from './grpc_target.ts'
import { openTunnel, proxyFor } from './tunnel.ts'

/** Milliseconds; `time` 0: no pings. */
export interface KeepaliveOptions {
  readonly time: number
  readonly timeout: number
  readonly permit_without_stream: boolean
}

export interface ConnectionOptions {
  readonly target: GrpcTarget
  readonly tls: TlsSource
  readonly keepalive: KeepaliveOptions
}

/** One HTTP/2 connection that all calls share, made anew when it has ended. */
export interface GrpcConnection {
  /** Begins a call; it fails with the connection. */
  request(headers: OutgoingHttpHeaders, signal: AbortSignal): Promise<ClientHttp2Stream>
  /** No further call goes over this call's connection: it does not answer. */
  leave(call: ClientHttp2Stream): void
  close(): void
}

export function createConnection(options: ConnectionOptions): GrpcConnection {
  const { tls } = options
  let opening: Promise<ClientHttp2Session> | undefined
  let current: ClientHttp2Session | undefined
  let made = tls.current()
  let calls = 0

  const leave = (session: ClientHttp2Session | undefined) => {
    if (current === session) opening = current = undefined
    session?.close()
  }

  const open = async (signal: AbortSignal): Promise<ClientHttp2Session> => {
    const session = await openSession(options, signal)
    current = session
    // Every call on it fails with this too, and tells the lane.
    session.on('error', () => {})
    session.once('goaway', () => leave(session))
    session.once('close', () => leave(session))
    keepAlive(session, options.keepalive, () => calls)
    return session
  }

  return {
    request: async (headers, signal) => {
      const now = tls.current()
      if (now !== made) leave(current)
      made = now
      opening ??= open(signal).catch((error) => {
        opening = undefined
        throw error
      })
      const call = (await opening).request(headers)
      calls++
      call.once('close', () => calls--)
      return call
    },
    leave: (call) => leave(call.session as ClientHttp2Session | undefined),
    close: () => current?.destroy()
  }
}

async function openSession(
  { target, tls }: ConnectionOptions,
  signal: AbortSignal
): Promise<ClientHttp2Session> {
  const authority = authorityOf(target)
  const url = `${target.secure ? 'https' : 'http'}://${authority}`
  const tunnel = await throughProxy(target, signal)
  const options = target.secure ? tls.current() : {}
  if (tunnel === undefined && !('path' in target)) return connectHttp2(url, options)
  const socket = tunnel ?? connectSocket((target as { path: string }).path)
  const createConnection = () =>
    target.secure
      ? connectTls({ servername: hostOf(target), ...options, socket, ALPNProtocols: ['h2'] })
      : socket
  return connectHttp2(url, { createConnection })
}

async function throughProxy(target: GrpcTarget, signal: AbortSignal): Promise<Duplex | undefined> {
  if ('path' in target) return undefined
  const proxy = proxyFor(target.host, target.port)
  return proxy && (await openTunnel(proxy, authorityOf(target), signal))
}

function hostOf(target: GrpcTarget): string {
  return 'path' in target ? 'localhost' : target.host
}

/** Pings a connection that may have died without a word. */
function keepAlive(
  session: ClientHttp2Session,
  options: KeepaliveOptions,
  calls: () => number
): void {
  if (options.time === 0) return
  const pinging = setInterval(() => {
    if (!options.permit_without_stream && calls() === 0) return
    const fail = () => session.destroy(new Error('the connection does not answer pings'))
    const late = setTimeout(fail, options.timeout)
    session.ping(() => clearTimeout(late))
  }, options.time).unref()
  session.once('close', () => clearInterval(pinging))
}
