import { createHash } from 'node:crypto'

/*
 * LiteLLM sends a PUT whose connection was closed again within milliseconds, and one that was not
 * answered in time after half a minute: the same key with the same bytes. Such a repetition is no
 * second record; it hears what the first one hears. The memory is this process's own and limited: what
 * is repeated across a restart, or after more keys than it holds, is a second record with the same
 * `s3_put.record_id`, by which a processor can find it.
 */

/** What is known of a key that was put. */
export interface Kept {
  readonly etag: string
  readonly bytes: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

export interface Arrival {
  readonly sender: string
  readonly bucket: string
  readonly key: string
  /** Hex, of the bytes. */
  readonly sha256: string
  readonly etag: string
  readonly bytes: number
}

export interface First {
  /** The key was put before, with other bytes or by another sender. */
  readonly overwrites: boolean
  /** To be called when it is known what becomes of it. */
  settle(error: Error | undefined): void
}

export interface Repeats {
  /** The last that was put under a key within the window. */
  find(bucket: string, key: string): Kept | undefined
  /** Resolves when what is under way for a key has ended; undefined: nothing is. */
  idle(bucket: string, key: string): Promise<void> | undefined
  /** Undefined: a repetition; `heard` runs with what the first one heard, at once when that is known. */
  arrive(arrival: Arrival, heard: (error?: Error) => void): First | undefined
}

export interface RepeatsOptions {
  /** Milliseconds. */
  readonly window: number
  readonly max_keys: number
}

/** Bytes that a key which is remembered takes: two digests, two entries of maps (measured: 0.5 KB). */
export const keyCost = 512

/** `now` is monotonic: who sets the clock makes no repetition a second record. */
export function createRepeats(
  { window, max_keys }: RepeatsOptions,
  now = () => performance.now()
): Repeats {
  /** By what was put, oldest first. */
  const kept = new Map<string, { readonly place: string; readonly since: number }>()
  /** By key: what was put there last, and how many of `kept` are its. */
  const places = new Map<string, { readonly last: Kept; readonly count: number }>()
  /** By what is being put: who waits for its outcome. */
  const pending = new Map<string, ((error?: Error) => void)[]>()
  /** By key: how many of `pending` are its. */
  const busy = new Map<string, { count: number; readonly idle: PromiseWithResolvers<void> }>()

  return { find, idle, arrive }

  function find(bucket: string, key: string): Kept | undefined {
    forget()
    return places.get(digest(bucket, key))?.last
  }

  function idle(bucket: string, key: string): Promise<void> | undefined {
    return busy.get(digest(bucket, key))?.idle.promise
  }

  function arrive(arrival: Arrival, heard: (error?: Error) => void): First | undefined {
    forget()
    const place = digest(arrival.bucket, arrival.key)
    const what = digest(place, arrival.sender, arrival.sha256)
    const waiting = pending.get(what)
    if (waiting) {
      waiting.push(heard)
      return undefined
    }
    if (kept.has(what)) {
      heard()
      return undefined
    }
    const waiters: ((error?: Error) => void)[] = []
    pending.set(what, waiters)
    const overwrites = places.has(place) || busy.has(place)
    begin(place)
    return {
      overwrites,
      settle(error) {
        pending.delete(what)
        if (error === undefined) keep(what, place, arrival)
        end(place)
        for (const waiter of waiters) waiter(error)
      }
    }
  }

  function begin(place: string): void {
    const state = busy.get(place)
    if (state) state.count++
    else busy.set(place, { count: 1, idle: Promise.withResolvers() })
  }

  function end(place: string): void {
    const state = busy.get(place)!
    state.count--
    if (state.count > 0) return
    busy.delete(place)
    state.idle.resolve()
  }

  function keep(what: string, place: string, { etag, bytes }: Arrival): void {
    const last = { etag, bytes, at: Date.now() }
    kept.set(what, { place, since: now() })
    places.set(place, { last, count: (places.get(place)?.count ?? 0) + 1 })
    forget()
  }

  function forget(): void {
    const oldest = now() - window
    for (const [what, { place, since }] of kept) {
      if (kept.size <= max_keys && since > oldest) return
      kept.delete(what)
      const { last, count } = places.get(place)!
      if (count > 1) places.set(place, { last, count: count - 1 })
      else places.delete(place)
    }
  }
}

/** 16 bytes, one character each: a key may have a thousand. */
function digest(...parts: readonly string[]): string {
  const hash = createHash('sha256')
  // Lengths, so that no two lists of parts run together to the same text.
  for (const part of parts) hash.update(`${part.length}:`).update(part)
  return hash.digest().toString('latin1', 0, 16)
}
