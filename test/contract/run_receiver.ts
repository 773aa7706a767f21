import { once } from 'node:events'
import type { Subscription } from 'rxjs'
import type { Batch, Receiver, ReceiverContext } from '../../src/component.ts'
import { createLog } from '../../src/telemetry/log.ts'

/** What a receiver's test watches of one run of it. */
export interface Run {
  readonly subscription: Subscription
  /** Aborts `context.stopping`. */
  stop(): void
  /** The first address announced, `host:port`. */
  readonly endpoint: Promise<string>
  /** Ends when the receiver completes; rejects with its error. */
  readonly ended: Promise<void>
  /** The next batch nobody has asked for yet. */
  next(): Promise<Batch>
  readonly batches: readonly Batch[]
}

export interface RunOptions {
  /** The mark of an earlier run. */
  readonly resume?: string | undefined
  /** Its lines from `info` on. */
  readonly said?: string[]
}

/** Subscribes to a receiver as the engine would; `each` sees every batch as it comes. */
export function runReceiver(
  make: (context: ReceiverContext) => Receiver,
  each?: (batch: Batch) => void,
  { resume, said = [] }: RunOptions = {}
): Run {
  const stopping = new AbortController()
  const address = Promise.withResolvers<string>()
  const ended = Promise.withResolvers<void>()
  const batches: Batch[] = []
  const arrival = new EventTarget()
  let taken = 0
  ended.promise.catch(address.reject)
  address.promise.catch(() => {})
  const context: ReceiverContext = {
    id: 'under_test',
    log: createLog({ level: 'info', encoding: 'console', write: (line) => said.push(line) }),
    stopping: stopping.signal,
    ...(resume !== undefined && { resume }),
    ready: (text) => address.resolve(text.replace(/^\S+ /, '').replace(/(:\d+)\/.*/, '$1'))
  }
  const subscription = make(context).subscribe({
    next(batch) {
      batches.push(batch)
      arrival.dispatchEvent(new Event('batch'))
      each?.(batch)
    },
    error: ended.reject,
    complete: ended.resolve
  })
  return {
    subscription,
    stop: () => stopping.abort(),
    endpoint: address.promise,
    ended: ended.promise,
    batches,
    async next() {
      while (batches.length <= taken) await once(arrival, 'batch')
      return batches[taken++]!
    }
  }
}
