import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'
import type { Exporter } from '../../src/component.ts'
import { type Batch, PermanentError, RefusedError } from '../../src/component.ts'
import { checkLogs } from '../../src/logs/check.ts'
import type { Logs } from '../../src/logs/logs.ts'
import type { ExporterUnderTest } from '../contract/exporter.ts'
import { otlpRequest } from '../otlp/request.ts'

export const logs: Logs = checkLogs(otlpRequest(3))
export const never = new AbortController().signal

/** Some records that the backend takes for good or refuses for good. */
export const impossible: Logs = checkLogs(otlpRequest(2, 'never'))

/** The other side: our own receiver, whose batches are settled as the backend's state is. */
export function createFarSide() {
  let state: 'well' | 'down' | 'hanging' = 'well'
  const taken: Buffer[] = []
  let hanging: Batch[] = []
  return {
    taken,
    each: (batch: Batch) => {
      const bytes = Buffer.concat(batch.logs.chunks)
      if (state === 'hanging') hanging.push(batch)
      else if (state === 'down') batch.settle(new RefusedError('away', { reason: 'unavailable' }))
      else if (bytes.includes('never')) batch.settle(new PermanentError('not these'))
      else {
        taken.push(bytes)
        batch.settle()
      }
    },
    become: (next: typeof state) => {
      state = next
      for (const batch of hanging) batch.settle(new RefusedError('away', { reason: 'unavailable' }))
      hanging = []
    }
  }
}

/** An exporter that sends to such a far side, for the contract suite. */
export function under(
  exporter: Exporter,
  far: ReturnType<typeof createFarSide>,
  stop: () => void
): ExporterUnderTest {
  let seen = 0
  return {
    exporter,
    logs,
    impossible,
    arrived: async () => {
      const fresh = far.taken.length > seen
      seen = far.taken.length
      return fresh
    },
    breakDown: () => far.become('down'),
    hang: () => far.become('hanging'),
    heal: () => far.become('well'),
    stop: async () => stop()
  }
}

/** Where a server of the test listens now. */
export async function listening(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}
