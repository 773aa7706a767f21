/** PUTs that may run at once, shared by the archives of a lane. */
export interface Slots {
  readonly size: number
  readonly free: number
  /** Takes one; when there is none, `again` is called once one is free. */
  take(again: () => void): boolean
  /** Resolves with one taken, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>
  release(): void
}

export function createSlots(size: number): Slots {
  let taken = 0
  const waiting = new Set<() => void>()

  const take = (again: () => void): boolean => {
    if (taken < size) {
      taken++
      return true
    }
    waiting.add(again)
    return false
  }

  return {
    size,
    get free() {
      return size - taken
    },
    take,
    wait: async (signal) => {
      for (;;) {
        const { promise, resolve } = Promise.withResolvers<void>()
        signal.addEventListener('abort', () => resolve())
        if (signal.aborted || take(resolve)) return
        await promise
        waiting.delete(resolve)
      }
    },
    release: () => {
      taken--
      const next = [...waiting]
      waiting.clear()
      for (const again of next) again()
    }
  }
}
