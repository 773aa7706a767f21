import type { ArchiveState, Intent, OpenObject } from '../journal/archive_frames.ts'
import { openObjects } from '../journal/archives.ts'
import type { Book } from '../journal/book.ts'
import type { Log } from '../telemetry/log.ts'
import type { Attempts } from './attempts.ts'
import { takenBy } from './commit.ts'
import { withNumber } from './key.ts'
import type { Stored } from './leaf.ts'
import { isThere, put, type Upload } from './put.ts'
import type { Slots } from './slots.ts'
import { type Spool, SpoolDamaged } from './spool.ts'
import type { Store } from './store.ts'

export interface UploadsOptions {
  readonly state: ArchiveState
  readonly book: Book
  readonly spool: Spool
  readonly storeAt: (place: unknown) => Store
  readonly slots: Slots
  readonly attempts: Attempts
  readonly log: Log
  count(name: string, n: number): void
  /** An upload has ended, or a slot is free: there may be more to do. */
  ended(): void
}

/** The objects of an archive on their way into its store (A5). */
export interface Uploads {
  /** Stored, not committed yet. */
  readonly stored: Map<number, Stored>
  readonly running: number
  /** Bodies just sealed, which need not be read again if a slot is free for them. */
  keep(bodies: ReadonlyMap<number, Uint8Array>): void
  /** Starts what is open, in number order, while there are slots. */
  start(): void
  /** Lets go of the bodies it kept; they are in the spool. */
  forget(): void
}

/**
 * After a restart every open object counts as attempted: its last PUT may have arrived when nobody
 * was there to hear it. So does one whose PUTs a stop of the archive has cut off, when a void lets it go on.
 */
export function createUploads(options: UploadsOptions): Uploads {
  const { state, book, spool, slots, attempts, log } = options
  const attemptedBelow = state.next
  const stored = storedBefore(state)
  const running = new Set<number>()
  const bodies = new Map<number, Uint8Array>()
  /** Cut off by a stop of the archive, and perhaps there. */
  const cutOff = new Set<number>()

  const upload = async (intent: Intent, sealed: OpenObject) => {
    const { number } = sealed
    let object = sealed
    let sending = sendingOf(sealed, number < attemptedBelow || cutOff.delete(number))
    let hasSlot = true
    running.add(number)
    await attempts.repeat(
      async () => {
        if (!hasSlot) await slots.wait(attempts.signal)
        if (!hasSlot && attempts.signal.aborted) throw attempts.signal.reason
        try {
          for (;;) {
            const how = await attempt(intent, object, sending)
            if (how === 'stored') return
            object = await rekeyed(object, how)
            sending = sendingOf(object, false)
          }
        } finally {
          slots.release()
          hasSlot = false
        }
      },
      () => isVoided(number)
    )
    running.delete(number)
    if (sending.attempted && !stored.has(number)) cutOff.add(number)
    options.ended()
  }

  /** 'taken' and 'blocked': the key, or the way to it, is somebody else's. */
  const attempt = async (intent: Intent, object: OpenObject, sending: Upload) => {
    const { number, key, size, records } = object
    const store = options.storeAt(intent.place)
    const how = await putSpooled(store, intent, object, sending)
    if (how === 'taken' || how === 'blocked') return how
    const unverified = how === 'unverified'
    if (unverified) log.warn(notVerified, { key, store: store.name })
    stored.set(number, { unverified })
    options.count('objects', 1)
    options.count('bytes', size)
    log.debug('object stored', { store: store.name, key, records, bytes: size })
    return 'stored'
  }

  const putSpooled = async (
    store: Store,
    { spool: file }: Intent,
    object: OpenObject,
    sending: Upload
  ) => {
    const { number } = object
    let whole = sending
    try {
      const body = bodies.get(number) ?? (await spool.read(file, object))
      bodies.delete(number)
      whole = { ...sending, object: { ...sending.object, body } }
      return await put(store, whole, attempts.signal)
    } catch (error) {
      // What an earlier attempt has brought there needs no spool file any more.
      const isSent = error instanceof SpoolDamaged && sending.attempted
      if (!isSent || !(await isThere(store, object))) throw error
      await store.confirm(object.key)
      return 'stored'
    } finally {
      sending.attempted = whole.attempted
    }
  }

  /** A client that chooses keys must not be able to halt the trail (A6). */
  const rekeyed = async (object: OpenObject, how: 'taken' | 'blocked') => {
    const { number, key: taken, unnumbered = false } = object
    // The root ends in `<writer id>/<lane id>/`.
    const laneId = state.root.split('/').at(-2)!
    const free = how === 'taken' ? taken : flat(taken, state.root)
    if (!unnumbered && free === taken)
      throw new Error(
        `storing ${state.name}/${taken}: something that is no folder stands where the prefix is: move it away`
      )
    const key = withNumber(free, laneId, number)
    await book.write({ do: 'rekeyed', archive: state.name, number, key })
    options.count('rekeyed', 1)
    log.debug('the key is taken: the object goes under one with its number', { taken, key })
    return openObjects(state).find(({ object }) => object.number === number)!.object
  }

  const isVoided = (number: number) =>
    openObjects(state).some(({ object }) => object.number === number && object.voided)

  return {
    stored,
    get running() {
      return running.size
    },
    keep: (fresh) => {
      for (const [number, body] of fresh) if (bodies.size < slots.free) bodies.set(number, body)
    },
    start: () => {
      for (const { intent, object } of openObjects(state)) {
        const { number } = object
        if (object.voided || stored.has(number) || running.has(number)) continue
        if (!slots.take(options.ended)) break
        void upload(intent, object)
      }
    },
    forget: () => bodies.clear()
  }
}

/**
 * A commit written down before a restart says what is stored (A8). Another PUT of that would look for
 * its bytes in a spool file that goes as soon as the commit is stored.
 */
function storedBefore(state: ArchiveState): Map<number, Stored> {
  const taken = state.pending ? takenBy(state, state.pending) : []
  // The commit's text is final: what its leaves say of this is not asked again.
  return new Map(taken.map(({ object }) => [object.number, { unverified: false }]))
}

const notVerified =
  'object stored, not verified: the key is taken, by an attempt of ours or with a doubtful answer, and reading is denied'

/** Without its folders, right below the configured prefix: there nothing can be in the way. */
function flat(key: string, root: string): string {
  const prefix = root.slice(0, root.lastIndexOf('.auditcol/'))
  const below = key.startsWith(prefix) ? key.slice(prefix.length) : key
  return prefix + below.replaceAll('/', '_')
}

function sendingOf(object: OpenObject, attempted: boolean): Upload {
  const { key, unnumbered = false } = object
  return { key, object: headersOf(object), unnumbered, attempted }
}

function headersOf({ sha256, contentType, contentEncoding, content }: OpenObject) {
  return {
    body: new Uint8Array(),
    sha256: new Uint8Array(Buffer.from(sha256, 'hex')),
    contentType,
    ...(contentEncoding && { contentEncoding }),
    ...(content && { content })
  }
}
