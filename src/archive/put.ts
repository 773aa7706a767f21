import { PermanentError } from '../component.ts'
import type { Log } from '../telemetry/log.ts'
import type { SealedObject } from './seal.ts'
import { sha256Of } from './sha256.ts'
import { NoReadRight, NotStored, type Store } from './store.ts'

/** A sealed object on its way, and whether an earlier PUT of it may have arrived unseen. */
export interface Upload {
  readonly object: SealedObject
  attempted: boolean
}

/**
 * One attempt to store an object; resolves when the store has it (A5). A key that is taken is
 * compared: the same bytes are our own earlier attempt and a success, others are a copied journal
 * or tampering, which no repeat will mend.
 */
export async function put(
  store: Store,
  upload: Upload,
  { signal, log }: { signal: AbortSignal; log: Log }
): Promise<void> {
  const { object } = upload
  const outcome = await create(store, upload, signal)
  if (outcome === 'created') return
  const attempted = upload.attempted || outcome === 'unsure'
  const found = await look(store, object, attempted)
  if (found === 'same') return
  const place = `${store.name}/${object.key}`
  if (found === 'unread') {
    log.warn('object stored, not verified: an earlier attempt took the key and reading is denied', {
      key: object.key,
      store: store.name
    })
    return
  }
  if (found === 'gone') throw new Error(`storing ${place}: the key was taken and is free again`)
  throw new PermanentError(
    `storing ${place}: another object of ${found} bytes is there. ` +
      'A number is given once, so either a copy of the journal writes here too or somebody changed ' +
      'the archive: stop the copy, or look at the object and move it away'
  )
}

async function create(store: Store, upload: Upload, signal: AbortSignal) {
  try {
    return await store.create(upload.object.key, upload.object, signal)
  } catch (cause) {
    const known = cause instanceof NotStored || cause instanceof PermanentError
    if (!known) upload.attempted = true
    throw cause
  }
}

async function look(store: Store, object: SealedObject, attempted: boolean) {
  try {
    const head = await store.head(object.key)
    if (head === undefined) return 'gone'
    if (head.size !== object.body.length) return head.size
    const sha256 = head.sha256 ?? (await readSha256(store, object.key))
    if (sha256 === undefined) return 'gone'
    return Buffer.compare(sha256, object.sha256) === 0 ? 'same' : head.size
  } catch (cause) {
    if (cause instanceof NoReadRight && attempted) return 'unread'
    throw cause
  }
}

async function readSha256(store: Store, key: string): Promise<Uint8Array | undefined> {
  const body = await store.read(key)
  return body && (await sha256Of(body))
}
