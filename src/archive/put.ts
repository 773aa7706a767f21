import { PermanentError } from '../component.ts'
import type { SpooledObject } from '../journal/archive_frames.ts'
import { FencedError } from './fenced.ts'
import { sha256Of } from './sha256.ts'
import { KeyBlocked, NoReadRight, NotStored, type Store, type StoredObject } from './store.ts'

/** Final bytes on their way, and whether an earlier PUT of them may have arrived unseen. */
export interface Upload {
  readonly key: string
  readonly object: StoredObject
  /** Its key has no number in it: somebody else's object there is no sign of a second writer (A6). */
  readonly unnumbered?: boolean
  attempted: boolean
}

/**
 * One attempt to store an object; resolves when the store has it (A5). A key that is taken is
 * compared, and so is what the store has taken with an answer that names other bytes: the same bytes
 * are ours and a success, others a FencedError, which no repeat will mend. 'unverified': it was sent,
 * the key is taken, and reading is denied. 'taken': a key without a number has another object, and ours
 * needs another key; 'blocked': a key of either kind cannot be where it is, and needs another folder.
 */
export async function put(
  store: Store,
  upload: Upload,
  signal: AbortSignal
): Promise<'stored' | 'unverified' | 'taken' | 'blocked'> {
  const outcome = await create(store, upload, signal)
  if (outcome === 'blocked') return 'blocked'
  const attempted = upload.attempted || outcome !== 'exists'
  // What fails from here on goes again, and meets its own object.
  upload.attempted = attempted
  const found = outcome === 'created' ? 'same' : await look(store, upload, attempted)
  if (found === 'same') {
    await store.confirm(upload.key)
    return 'stored'
  }
  const place = `${store.name}/${upload.key}`
  if (upload.unnumbered && (found === 'unread' || found === 'unseen')) {
    throw new Error(
      `storing ${place}: the key is taken, reading is denied, and without a number in it that may be anybody's`
    )
  }
  if (found === 'unread') return 'unverified'
  if (found === 'gone') throw new Error(`storing ${place}: the key was taken and is free again`)
  if (upload.unnumbered) return 'taken'
  throw new FencedError(
    `storing ${place}: ${found === 'unseen' ? 'an object that we never sent' : `another object of ${found} bytes`} is there. ` +
      'A number is given once, so either a copy of the journal writes here too or somebody changed ' +
      'the archive: stop the copy, or look at the object and move it away',
    upload.key
  )
}

/** Whether the store has an object whose bytes cannot be sent again; false also where it lets nobody look. */
export async function isThere(
  store: Store,
  { key, size, sha256 }: Pick<SpooledObject, 'key' | 'size' | 'sha256'>
): Promise<boolean> {
  try {
    const head = await store.head(key)
    if (head?.size !== size) return false
    const found = head.sha256 ?? (await readSha256(store, key))
    return found !== undefined && Buffer.from(found).toString('hex') === sha256
  } catch (cause) {
    if (cause instanceof NoReadRight) return false
    throw cause
  }
}

async function create(store: Store, upload: Upload, signal: AbortSignal) {
  try {
    return await store.create(upload.key, upload.object, signal)
  } catch (cause) {
    if (cause instanceof KeyBlocked) return 'blocked'
    // What cuts it off says nothing of it, and may be another object's PermanentError.
    const known = cause instanceof NotStored || cause instanceof PermanentError
    if (!known || signal.aborted) upload.attempted = true
    throw cause
  }
}

async function look(store: Store, { key, object }: Upload, attempted: boolean) {
  try {
    const head = await store.head(key)
    if (head === undefined) return 'gone'
    if (head.size !== object.body.length) return head.size
    const sha256 = head.sha256 ?? (await readSha256(store, key))
    if (sha256 === undefined) return 'gone'
    return Buffer.compare(sha256, object.sha256) === 0 ? 'same' : head.size
  } catch (cause) {
    if (cause instanceof NoReadRight) return attempted ? 'unread' : 'unseen'
    throw cause
  }
}

async function readSha256(store: Store, key: string): Promise<Uint8Array | undefined> {
  const body = await store.read(key)
  return body && (await sha256Of(body))
}
