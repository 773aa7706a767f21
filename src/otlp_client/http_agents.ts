import { type Agent, Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { isLoopback } from '../loopback.ts'
import type { TlsSource } from '../tls/client.ts'

export interface AgentOptions {
  readonly secure: boolean
  readonly tls: TlsSource
  /** Empty: HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment, as Go reads them. */
  readonly proxyUrl: string
  readonly host: string
  readonly keepAlive: boolean
  /** Connections at once; 0: no limit. */
  readonly maxConnections: number
  readonly maxIdle: number
  readonly idleTimeout: number
}

/** Keeps connections for the next request. */
export interface Agents {
  /** The agent of the next request: a new one when certificates have changed. */
  current(): Agent
  close(): void
}

export function createAgents(options: AgentOptions): Agents {
  const { tls, secure } = options
  const common = {
    keepAlive: options.keepAlive,
    maxSockets: options.maxConnections || Number.POSITIVE_INFINITY,
    maxFreeSockets: options.maxIdle,
    // A free socket is closed after this; one under way has its attempt's timeout instead.
    ...(options.idleTimeout > 0 && { timeout: options.idleTimeout }),
    proxyEnv: proxyOf(options)
  }
  let made = tls.current()
  const make = () => (secure ? new HttpsAgent({ ...common, ...made }) : new HttpAgent(common))
  let agent: Agent = make()

  return {
    current: () => {
      const now = tls.current()
      if (now !== made) {
        made = now
        // What is under way on the old one ends there, and its free connections time out.
        agent = make()
      }
      return agent
    },
    close: () => agent.destroy()
  }
}

/** Like Go, what is on this machine is never asked of a proxy of the environment. */
function proxyOf({ proxyUrl, host }: AgentOptions): Record<string, string | undefined> {
  if (proxyUrl !== '') return { HTTP_PROXY: proxyUrl, HTTPS_PROXY: proxyUrl }
  // A URL has brackets around an IPv6 address.
  return isLoopback(host.replace(/^\[(.*)\]$/, '$1')) ? {} : process.env
}
