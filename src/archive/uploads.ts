import { type Batch, type LaneContext, PermanentError } from '../component.ts'
import type { Logs } from '../logs/logs.ts'
import { partsOf } from './parts.ts'
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

/** What of one batch is not stored yet, of one archive. */
interface Pending {
  readonly store: Store
  /** What is not sealed yet, after `part`, which is being sealed. */
  readonly parts: Iterator<Part, undefined>
  part: Part | undefined
  /** Sealed and not stored. */
  next: Promise<Upload | undefined> | undefined
}

interface Part {
  readonly prefix: string | undefined
  readonly logs: Logs
}

/**
 * Seals what a batch becomes, object by object, and stores it. A repeat of the batch goes on after
 * what is stored, with the same keys and bytes: a key made anew would store the records twice. Of
 * each archive one sealed object is in memory, until the store has it.
 */
export function uploadBatches(options: UploadOptions, context: LaneContext) {
  const { log, lane } = context
  const started = new WeakMap<Batch, Promise<Pending[]>>()

  return async (batch: Batch, signal: AbortSignal): Promise<void> => {
    const pending = await unlessAborted(startOnce(batch), signal)
    const outcomes = await Promise.allSettled(pending.map((one) => storeAll(one, signal)))
    const errors = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    // A permanent one only when nothing else is left to repeat: it ends the batch.
    const error = errors.find((one) => !(one instanceof PermanentError)) ?? errors[0]
    if (error !== undefined) throw error
    started.delete(batch)
  }

  /** One archive's objects one after the other: its numbers arrive in order. */
  async function storeAll(pending: Pending, signal: AbortSignal) {
    const { store } = pending
    for (;;) {
      const upload = await unlessAborted(sealNext(pending), signal)
      if (upload === undefined) return
      await put(store, upload, { signal, log })
      pending.next = undefined
      const { key, records, body } = upload.object
      lane.count?.('objects', 1)
      lane.count?.('bytes', body.length)
      log.debug('object stored', { store: store.name, key, records, bytes: body.length })
    }
  }

  /** An attempt that ends meanwhile leaves the sealing to the next one. */
  function sealNext(pending: Pending): Promise<Upload | undefined> {
    const sealing = pending.next ?? sealFirst(pending)
    pending.next = sealing
    // Nothing was sent yet, so the next attempt may seal anew.
    sealing.catch(() => {
      pending.next = undefined
    })
    return sealing
  }

  async function sealFirst(pending: Pending): Promise<Upload | undefined> {
    const { store, parts } = pending
    const number = () => lane.number(store.name)
    for (;;) {
      pending.part ??= parts.next().value
      if (pending.part === undefined) return undefined
      const { prefix, logs } = pending.part
      const object = await seal(logs, options, { prefix, number })
      pending.part = undefined
      if (object !== undefined) return { object, attempted: false }
    }
  }

  function startOnce(batch: Batch): Promise<Pending[]> {
    const before = started.get(batch)
    if (before !== undefined) return before
    const starting = start(batch)
    started.set(batch, starting)
    // Nothing was sealed yet, so the next attempt may begin anew.
    starting.catch(() => started.delete(batch))
    return starting
  }

  /** What cannot be stored at all is refused here, before anything of the batch is sent. */
  async function start(batch: Batch): Promise<Pending[]> {
    const archives = new Map<Store, Listed[]>()
    for (const { bucket, prefix, logs } of options.route(batch)) {
      const store = await options.open(bucket)
      const listed = { prefix, list: partsOf(logs, options.marshaler) }
      const others = archives.get(store)
      if (others) others.push(listed)
      else archives.set(store, [listed])
    }
    return [...archives].map(([store, lists]) => {
      return { store, parts: inTurn(lists), part: undefined, next: undefined }
    })
  }
}

interface Listed {
  readonly prefix: string | undefined
  readonly list: Iterable<Logs>
}

function* inTurn(lists: readonly Listed[]): Generator<Part, undefined> {
  for (const { prefix, list } of lists) for (const logs of list) yield { prefix, logs }
}
