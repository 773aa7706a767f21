import { constants, type ServerHttp2Session } from 'node:http2'
import { longestTimeout } from '../deadline.ts'
import type { KeepaliveOptions } from './grpc_config.ts'

/** What a call tells the connection it came on. */
export interface Watch {
  opened(): void
  closed(): void
}

/** A client may ping too early so many times between two answers, as in grpc-go. */
const pingStrikesMax = 2
/** Without calls, a client that must not ping may do so this often. */
const idlePingMs = 2 * 60 * 60 * 1000

/** Looks after one connection: its pings, its age, its idleness; with gRPC's meanings of the keys. */
export function watchSession(session: ServerHttp2Session, options: KeepaliveOptions): Watch {
  const { max_connection_idle, max_connection_age, max_connection_age_grace, time, timeout } =
    options.server_parameters
  const { min_time, permit_without_stream } = options.enforcement_policy
  const timers = new Set<NodeJS.Timeout>()
  let calls = 0
  let strikes = 0
  let lastPing = Number.NEGATIVE_INFINITY
  let idle = after(max_connection_idle, leave)
  // A tenth more or less, so that connections opened together do not all come back together.
  after(max_connection_age * (0.9 + Math.random() * 0.2), () => {
    leave()
    after(max_connection_age_grace, () => session.destroy())
  })
  watchSilence()
  session.on('ping', pinged)
  session.once('close', () => {
    for (const timer of timers) clearTimeout(timer)
    timers.clear()
  })
  return { opened, closed }

  function opened() {
    calls++
    stop(idle)
  }

  function closed() {
    calls--
    strikes = 0
    lastPing = Number.NEGATIVE_INFINITY
    if (calls === 0) idle = after(max_connection_idle, leave)
  }

  /** GOAWAY; open calls go on, and the connection ends behind the last. */
  function leave() {
    if (!session.closed) session.close()
  }

  function pinged() {
    const now = performance.now()
    const pause = calls === 0 && !permit_without_stream ? idlePingMs : min_time
    if (now - lastPing < pause) strikes++
    lastPing = now
    if (strikes <= pingStrikesMax) return
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too_many_pings'))
    session.close()
    // A turn later, so that the reason gets out.
    setImmediate(() => session.destroy())
  }

  /** Pings after `time` in which nothing came, and gives up `timeout` later. */
  function watchSilence() {
    if (time > longestTimeout) return
    let seen = session.socket.bytesRead
    const wait = () =>
      after(time, () => {
        if (session.destroyed) return
        const now = session.socket.bytesRead
        if (now !== seen) {
          seen = now
          wait()
          return
        }
        const lost = after(timeout, () => session.destroy())
        session.ping((error) => {
          stop(lost)
          if (error) return
          seen = session.socket.bytesRead
          wait()
        })
      })
    wait()
  }

  function after(ms: number, act: () => void): NodeJS.Timeout | undefined {
    if (!(ms <= longestTimeout)) return undefined
    const timer = setTimeout(() => {
      timers.delete(timer)
      act()
    }, ms).unref()
    timers.add(timer)
    return timer
  }

  function stop(timer: NodeJS.Timeout | undefined) {
    if (timer === undefined) return
    clearTimeout(timer)
    timers.delete(timer)
  }
}
