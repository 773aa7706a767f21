/**
 * The bytes a receiver holds: everything announced, read or decompressed and not yet settled, and
 * what each request costs beside. This count is the receiver's half of back-pressure, so it is taken
 * before the memory is, and a request that finds no room is refused instead of waiting.
 */
export interface HeldBytes {
  readonly max: number
  /** Held now. */
  bytes(): number
  /** One request's part of it, which begins with `requestCost`. */
  share(): Share
}

export interface Share {
  /** False, and nothing taken, when the receiver would hold more than its limit. */
  take(bytes: number): boolean
  give(bytes: number): void
  /** Beside the request itself it has this much now, room or not. */
  become(bytes: number): void
  /** Gives back all that is left; once for good, whatever is called afterwards. */
  end(): void
}

/**
 * What a request under way costs beside its bytes: its objects and closures, a part of its
 * connection (measured: 6 KiB one of many pipelined, 10 KiB a gRPC call).
 */
export const requestCost = 8 * 1024

export function createHeldBytes(max: number): HeldBytes {
  let held = 0
  return { max, bytes: () => held, share }

  function share(): Share {
    let mine = requestCost
    let ended = false
    held += mine
    return {
      take(bytes) {
        if (ended || held + bytes > max) return false
        held += bytes
        mine += bytes
        return true
      },
      give(bytes) {
        const back = Math.min(bytes, mine)
        held -= back
        mine -= back
      },
      become(bytes) {
        if (ended) return
        held += requestCost + bytes - mine
        mine = requestCost + bytes
      },
      end() {
        ended = true
        held -= mine
        mine = 0
      }
    }
  }
}

/** The bytes, or a copy where they would keep alive a socket's buffer more than twice their size. */
export function compact(bytes: Uint8Array): Uint8Array {
  return bytes.length * 2 >= bytes.buffer.byteLength ? bytes : new Uint8Array(bytes)
}
