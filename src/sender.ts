import type { Meta } from './component.ts'

/** What is known of who sent records: the parts of a batch's meta that say so. */
export interface Sender {
  readonly client?: Meta['client'] | undefined
  readonly address?: string | undefined
  readonly identity?: Meta['identity'] | undefined
}

/** The other end's address as Go writes it: an IPv4 one also where an IPv6 socket took it, and no zone. */
export function addressOf(socket: { readonly remoteAddress?: string | undefined } | undefined) {
  return socket?.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, '').replace(/%.*$/, '')
}

/** What is not known is not there. */
export function senderOf({ client, address, identity }: Sender): Pick<Meta, keyof Sender> {
  return {
    ...(client && { client }),
    ...(address !== undefined && { address }),
    ...(identity && { identity })
  }
}

/** What is true of all of them: one sender's word must not stand for another's records. */
export function commonSender(senders: readonly Sender[]): Pick<Meta, keyof Sender> {
  const [first = {}, ...others] = senders
  return senderOf({
    client: alike(senders.map(({ client }) => client)),
    address: others.every(({ address }) => address === first.address) ? first.address : undefined,
    identity: alike(senders.map(({ identity }) => identity))
  })
}

function alike<T>(all: readonly (Readonly<Record<string, T>> | undefined)[]) {
  const [first = {}, ...others] = all
  const same = Object.entries(first).filter(([name, value]) => {
    const text = JSON.stringify(value)
    return others.every((other) => other !== undefined && JSON.stringify(other[name]) === text)
  })
  return same.length > 0 ? Object.fromEntries(same) : undefined
}
