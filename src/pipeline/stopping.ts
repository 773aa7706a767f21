import { RefusedError } from '../component.ts'

/** The answer to who comes, or waits, when the pipeline stops. */
export function stopping(): RefusedError {
  return new RefusedError('stopping', { reason: 'unavailable', retryAfter: 5 })
}
