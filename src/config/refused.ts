import { z } from 'zod'

/** A key of the Collector that has no counterpart here: saying so at start beats ignoring it. */
export function refused(why: string) {
  return z.null({ error: why }).optional().describe(`Refused: ${why}.`)
}
