import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { BlockList, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { isLoopback } from '../loopback.ts'

/**
 * The proxy that HTTPS_PROXY names for this place, as gRPC asks it with and without TLS; undefined when
 * there is none, NO_PROXY excepts the place, or it is this machine.
 */
export function proxyFor(
  host: string,
  port: number,
  env: Readonly<Record<string, string | undefined>> = process.env
): URL | undefined {
  const named = env.https_proxy || env.HTTPS_PROXY || ''
  const except = env.no_proxy || env.NO_PROXY || ''
  if (named === '' || isLoopback(host) || isExcepted(host, port, except)) return undefined
  const text = named.includes('://') ? named : `http://${named}`
  if (!URL.canParse(text)) throw new Error('HTTPS_PROXY is no URL')
  return new URL(text)
}

/** Names with all below them, `*`, addresses and CIDR blocks, each with or without a port. */
function isExcepted(host: string, port: number, list: string): boolean {
  return list
    .split(/[\s,]+/)
    .filter((item) => item !== '')
    .some((item) => {
      const [, name, only] = /^(.*?)(?::(\d+))?$/.exec(isIP(item) ? `${item}` : item) ?? []
      if (only !== undefined && isIP(item) !== 6 && Number(only) !== port) return false
      const what = isIP(item) === 6 ? item : name!
      return what === '*' || isBelow(host, what) || isInBlock(host, what)
    })
}

function isBelow(host: string, name: string): boolean {
  const base = name.replace(/^\*?\./, '').toLowerCase()
  return host.toLowerCase() === base || host.toLowerCase().endsWith(`.${base}`)
}

function isInBlock(host: string, block: string): boolean {
  const [network = '', bits] = block.split('/')
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
  if (bits === undefined || !isIP(network) || !isIP(host)) return false
  const list = new BlockList()
  list.addSubnet(network, Number(bits), family)
  return list.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')
}

/** A connection to the place through the proxy (CONNECT). */
export async function openTunnel(proxy: URL, place: string, signal: AbortSignal): Promise<Duplex> {
  const { username, password } = proxy
  const credentials = Buffer.from(
    `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  ).toString('base64')
  const send = proxy.protocol === 'https:' ? secureRequest : request
  const asking = send({
    method: 'CONNECT',
    host: proxy.hostname,
    port: proxy.port || (proxy.protocol === 'https:' ? 443 : 80),
    path: place,
    headers: {
      host: place,
      ...(username !== '' && { 'proxy-authorization': `Basic ${credentials}` })
    },
    signal
  })
  asking.end()
  // An answer that is no tunnel would wait for somebody to read it.
  const [response, socket] = (await Promise.race([
    once(asking, 'connect'),
    once(asking, 'response')
  ])) as [IncomingMessage, Duplex | undefined]
  if (response.statusCode === 200 && socket) return socket
  asking.destroy()
  throw new Error(`the proxy ${proxy.host} answered ${response.statusCode} to CONNECT ${place}`)
}
