import { connect } from 'node:net'

/**
 * Writes bytes to a socket of their own, half-closes it, and resolves with the status of each answer when
 * the other side has closed; rejects when it has not after ten seconds.
 */
export function exchange(address: string, bytes: Buffer): Promise<number[]> {
  const [host, port] = address.split(':')
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host!)
    let text = ''
    socket.setTimeout(10_000, () => {
      socket.destroy()
      reject(new Error(`no end of the answer to ${bytes.toString('latin1').slice(0, 2000)}`))
    })
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part
    })
    // A reset is a way to be cut off.
    socket.on('error', () => {})
    socket.on('close', () => {
      const statuses = text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)
      resolve([...statuses].map(([, status]) => Number(status)).filter((status) => status >= 200))
    })
    socket.end(bytes)
  })
}
