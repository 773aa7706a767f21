import { type Batch, RefusedError } from '../component.ts'
import { encodeRecords } from './envelope.ts'
import { frameHeaderBytes, frameType } from './frame.ts'
import type { JournalLane } from './lane.ts'
import type { Recent } from './recent.ts'
import type { Room } from './room.ts'
import type { Segment } from './segment.ts'
import { applyRecords, type JournalState } from './state.ts'
import type { Place, Writer } from './writer.ts'

/** A segment smaller than this is not ended for the space that it takes. */
const worthFreeingBytes = 2 ** 20

export interface IntakeOptions {
  readonly maxSize: number
  readonly room: Pick<Room, 'shortage' | 'taken'>
  readonly writer: Writer
  readonly segments: readonly Segment[]
  readonly state: JournalState
  readonly lanes: ReadonlyMap<string, JournalLane>
  readonly recent: Recent
}

/** The door: a batch goes to the writer when journal and disk have room for it, or back at once. */
export interface Intake {
  /** `stored` hears the frame's lsn just before the batch is settled with success. */
  append(batch: Batch, lanes: readonly JournalLane[], stored?: (lsn: number) => void): void
  /** Bytes on the disk and about to be there. */
  readonly bytes: number
}

export function openIntake(options: IntakeOptions): Intake {
  const { maxSize, room, writer, segments, state, lanes, recent } = options

  const bytesNow = () => segments.reduce((sum, { end }) => sum + end, 0) + writer.pendingBytes

  const shortage = (bytes: number): string | undefined => {
    if (bytesNow() + bytes <= maxSize || isEmpty()) return room.shortage(bytes)
    return `the journal has reached its max_size of ${maxSize} bytes`
  }

  /** Everything is delivered: what it holds is the rest of a segment, and more is taken, or nothing would ever be again. */
  const isEmpty = () =>
    writer.pendingBytes === 0 && [...lanes.values()].every(({ behind }) => behind.records === 0)

  /** What is delivered lies in the last segment until that is full; on a full disk it would never be, so it ends early. */
  const freeDelivered = () => {
    if (isEmpty() && segments.at(-1)!.end > worthFreeingBytes) writer.rotate()
  }

  return {
    append: (batch, chosen, stored) => {
      const { logs, meta } = batch
      const indices = chosen.map((lane) => lane.index)
      const payload = encodeRecords(logs, meta, indices)
      const bytes = frameHeaderBytes + payload[0]!.length + logs.bytes
      const short = shortage(bytes)
      if (short) {
        freeDelivered()
        return batch.settle(new RefusedError(short, { reason: 'unavailable', retryAfter: 5 }))
      }
      room.taken(bytes)
      const done = (error: Error | undefined, place: Place) => {
        if (!error) {
          applyRecords(state, meta, logs.records)
          for (const lane of chosen) lane.accepted(logs.records, bytes)
          recent.add({ place, bytes, lanes: indices, logs, meta })
          stored?.(place.lsn)
        }
        batch.settle(error)
      }
      writer.push({ type: frameType.records, payload, bytes, done })
    },
    get bytes() {
      return bytesNow()
    }
  }
}
