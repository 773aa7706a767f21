import type { Logs } from '../logs/logs.ts'
import { decodeEnvelope, decodeRecords, type Envelope } from './envelope.ts'
import { frameType } from './frame.ts'
import type { Segment } from './segment.ts'
import { framesOf } from './segment_frames.ts'

/** What is derived from records frames, and outlives the segments that they lie in. */
export interface FrameIndex {
  /** Called first, with the journal's directory in hand. */
  open(directory: string): Promise<void>
  /** A frame that the journal had at its start. */
  learn(frame: { lsn: number; envelope: Envelope; logs: Logs }): void
  /** Frames from this lsn on do not read in a segment that every lane has passed. */
  unread(path: string, lsn: number): void
  /** Resolves when what frames up to this lsn have told is durable elsewhere: their segment goes (J8). */
  keep(lsn: number): Promise<void>
}

/** Tells the index of every records frame that the segments hold, in order. */
export async function learnFrames(segments: readonly Segment[], index: FrameIndex): Promise<void> {
  for (const segment of segments) {
    let reached = segment.firstLsn - 1
    for await (const { frame } of framesOf(segment, segment.end)) {
      if (frame.lsn > segment.lastLsn) break
      reached = frame.lsn
      if (frame.type !== frameType.records) continue
      const envelope = decodeEnvelope(frame.payload)
      if (envelope === undefined) continue
      index.learn({ lsn: frame.lsn, envelope, logs: decodeRecords(frame.payload, envelope) })
    }
    if (reached < segment.lastLsn) index.unread(segment.path, reached + 1)
  }
}
