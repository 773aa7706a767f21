import { promises as dns, type LookupOneOptions } from 'node:dns'
import type { AddressInfo, ListenOptions, Server } from 'node:net'
import type { Log } from '../telemetry/log.ts'

export type Transport = 'tcp' | 'tcp4' | 'tcp6' | 'unix'

export interface Endpoint {
  /** Empty: all interfaces. */
  readonly host: string
  readonly port: number
}

/** `localhost:4318`, `:4318`, `[::1]:4318`, `0.0.0.0:0`; undefined when it is none of these. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, bracketed, plain, digits] =
    text.match(/^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:/\s[\]]*)):(\d{1,5})$/) ?? []
  const port = Number(digits)
  if (digits === undefined || port > 65535) return undefined
  return { host: bracketed ?? plain ?? '', port }
}

export interface Listening {
  /** As `127.0.0.1:4318`, with the real port, or `unix:/path`. */
  readonly address: string
  /** Reachable from other machines on every interface. */
  readonly everywhere: boolean
}

/** Listens, or rejects with one line that names the endpoint and what is wrong with it. */
export async function listen(
  server: Server,
  { endpoint, transport }: { endpoint: string; transport: Transport },
  log: Log
): Promise<Listening> {
  try {
    const options = await listenOptions(endpoint, transport)
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (cause) {
    // The reason says all of it: with its cause it would be told twice.
    throw new Error(`listening on ${endpoint}: ${reason(cause as NodeJS.ErrnoException)}`)
  }
  // Such as no file descriptor for one more connection: the others go on.
  server.on('error', (error) => log.warn('accepting a connection', { error: String(error) }))
  return listening(server)
}

/** As Go does, `localhost` is its IPv4 address unless the transport says otherwise. */
async function listenOptions(endpoint: string, transport: Transport): Promise<ListenOptions> {
  if (transport === 'unix') return { path: endpoint }
  const { host, port } = parseEndpoint(endpoint)!
  if (host === '' && transport === 'tcp') return { port }
  if (host === '') {
    return transport === 'tcp4' ? { port, host: '0.0.0.0' } : { port, host: '::', ipv6Only: true }
  }
  const options: LookupOneOptions =
    transport === 'tcp' ? { order: 'ipv4first' } : { family: transport === 'tcp4' ? 4 : 6 }
  const { address } = await dns.lookup(host, options)
  return { port, host: address }
}

function listening(server: Server): Listening {
  const address = server.address() as AddressInfo | string
  if (typeof address === 'string') return { address: `unix:${address}`, everywhere: false }
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return {
    address: `${host}:${address.port}`,
    everywhere: address.address === '0.0.0.0' || address.address === '::'
  }
}

const reasons: Record<string, string> = {
  EADDRINUSE: 'address already in use: stop what listens there, or choose another endpoint',
  EADDRNOTAVAIL: 'this machine has no such address: choose another endpoint',
  EACCES: 'permission denied: choose a port above 1023 or a path you may write to',
  ENOTFOUND: 'no such host: choose another endpoint',
  ENOENT: 'no such directory: create it, or choose another endpoint'
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  return reasons[code ?? ''] ?? message
}
