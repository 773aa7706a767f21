import type { Counts, IntentFrame } from './archive_frames.ts'

/** What is told of frames that left no object. */
export interface Passed {
  /** Records in them. */
  readonly in: number
  /** Of these, kept as dead letters. */
  readonly dead: number
  /** Of these, routed to other pipelines. */
  readonly routed?: number
}

export const none: Counts = { in: 0, dropped: 0, dead: 0, elsewhere: 0, out: 0 }

/** What is left over was dropped as meant. */
export function passedCounts({ in: all, dead, routed = 0 }: Passed): Counts {
  return { ...none, in: all, dead, dropped: all - dead - routed, ...routedCount(routed) }
}

/** What an intent says of its records, from where the archive stands that has these objects of it. */
export function sealedCounts(intent: IntentFrame, own: IntentFrame['objects']): Counts {
  const { in: all, dead, routed = 0 } = intent
  const sealed = recordsOf(intent.objects)
  const out = recordsOf(own)
  const dropped = all - dead - routed - sealed
  return { in: all, dropped, ...routedCount(routed), dead, elsewhere: sealed - out, out }
}

function recordsOf(objects: IntentFrame['objects']): number {
  return objects.reduce((sum, { records }) => sum + records, 0)
}

export function plus(a: Counts, b: Counts): Counts {
  return {
    in: a.in + b.in,
    dropped: a.dropped + b.dropped,
    ...routedCount((a.routed ?? 0) + (b.routed ?? 0)),
    dead: a.dead + b.dead,
    elsewhere: a.elsewhere + b.elsewhere,
    out: a.out + b.out
  }
}

export function minus(a: Counts, b: Counts): Counts {
  return plus(a, {
    in: -b.in,
    dropped: -b.dropped,
    ...routedCount(-(b.routed ?? 0)),
    dead: -b.dead,
    elsewhere: -b.elsewhere,
    out: -b.out
  })
}

/** Lanes without connectors have leaves without it, as before there were any. */
function routedCount(routed: number): { routed?: number } {
  return routed === 0 ? {} : { routed }
}
