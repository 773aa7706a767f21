/** setTimeout takes a longer delay for 1 ms. */
export const longestTimeout = 2 ** 31 - 1

/** Runs the work with a signal that aborts with the given one, or after so many milliseconds; 0: no limit. */
export async function withDeadline<T>(
  milliseconds: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  if (milliseconds === 0) return await work(signal)
  const ended = new AbortController()
  const late = () => ended.abort(new Error(`the attempt took longer than ${milliseconds} ms`))
  const timer = setTimeout(late, Math.min(milliseconds, longestTimeout))
  const stop = () => ended.abort(signal.reason)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop)
  try {
    return await work(ended.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
  }
}
