import { type Batch, type LaneContext, PermanentError } from '../component.ts'
import { put, type Upload } from './put.ts'
import type { Route } from './route.ts'
import { type SealOptions, seal } from './seal.ts'
import type { Store } from './store.ts'
import { unlessAborted } from './unless_aborted.ts'

export interface UploadOptions extends SealOptions {
  readonly route: (batch: Batch) => Route[]
  /** The bucket's store; resolves when numbers of that archive may be taken (A7). */
  readonly open: (bucket: string) => Promise<Store>
}

/** What of one batch is not stored yet, by archive. */
type Pending = Map<Store, Upload[]>

/**
 * Seals each batch once and stores its objects. A repeat of the batch goes on after what is stored,
 * with the same keys and bytes: a key made anew would store the records twice. The sealed objects
 * live as long as the batch does.
 */
export function uploadBatches(options: UploadOptions, context: LaneContext) {
  const { log, lane } = context
  const sealed = new WeakMap<Batch, Promise<Pending>>()

  return async (batch: Batch, signal: AbortSignal): Promise<void> => {
    const pending = await unlessAborted(sealOnce(batch), signal)
    const outcomes = await Promise.allSettled(
      [...pending].map(([store, uploads]) => storeAll(store, uploads, signal))
    )
    const errors = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    // A permanent one only when nothing else is left to repeat: it ends the batch.
    const error = errors.find((one) => !(one instanceof PermanentError)) ?? errors[0]
    if (error !== undefined) throw error
    sealed.delete(batch)
  }

  /** One archive's objects one after the other: its numbers arrive in order. */
  async function storeAll(store: Store, uploads: Upload[], signal: AbortSignal) {
    for (let next = uploads[0]; next !== undefined; next = uploads[0]) {
      signal.throwIfAborted()
      await put(store, next, { signal, log })
      uploads.shift()
      const { key, records, body } = next.object
      lane.count?.('objects', 1)
      lane.count?.('bytes', body.length)
      log.debug('object stored', { store: store.name, key, records, bytes: body.length })
    }
  }

  function sealOnce(batch: Batch): Promise<Pending> {
    const before = sealed.get(batch)
    if (before !== undefined) return before
    const sealing = sealAll(batch)
    sealed.set(batch, sealing)
    // Nothing was sent yet, so the next attempt may seal anew.
    sealing.catch(() => sealed.delete(batch))
    return sealing
  }

  async function sealAll(batch: Batch): Promise<Pending> {
    const pending: Pending = new Map()
    for (const { bucket, prefix, logs } of options.route(batch)) {
      const store = await options.open(bucket)
      const number = () => lane.number(store.name)
      const object = await seal(logs, options, { prefix, number })
      if (object === undefined) continue
      const uploads = pending.get(store) ?? []
      uploads.push({ object, attempted: false })
      pending.set(store, uploads)
    }
    return pending
  }
}
