/**
 * The bytes a receiver holds: everything announced, read or decompressed and not yet settled. This
 * count is the receiver's half of back-pressure, so it is taken before the memory is, and a request
 * that finds no room is refused instead of waiting.
 */
export interface HeldBytes {
  readonly max: number
  /** Held now. */
  bytes(): number
  /** One request's part of it. */
  share(): Share
}

export interface Share {
  /** False, and nothing taken, when the receiver would hold more than its limit. */
  take(bytes: number): boolean
  give(bytes: number): void
  /** What it had has become this much, room or not. */
  become(bytes: number): void
  /** Gives back all that is left; once for good, whatever is called afterwards. */
  end(): void
}

export function createHeldBytes(max: number): HeldBytes {
  let held = 0
  return { max, bytes: () => held, share }

  function share(): Share {
    let mine = 0
    let ended = false
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
        held += bytes - mine
        mine = bytes
      },
      end() {
        ended = true
        held -= mine
        mine = 0
      }
    }
  }
}
