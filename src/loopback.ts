import { BlockList, isIP } from 'node:net'

const addresses = new BlockList()
addresses.addSubnet('127.0.0.0', 8, 'ipv4')
addresses.addAddress('::1', 'ipv6')

/**
 * Whether a host is this machine and nobody else can reach it: `localhost`, or an address that is one as
 * it stands. `127.evil.example` is a name, and where a name leads its owner decides.
 */
export function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host.toLowerCase() === 'localhost'
  return addresses.check(host, family === 6 ? 'ipv6' : 'ipv4')
}
