import type { Meta } from '../component.ts'
import type { Logs } from '../logs/logs.ts'
import { senderOf } from '../sender.ts'
import { decodeEnvelope, decodeRecords } from './envelope.ts'

/** What a frame of records on the disk gives to lanes. */
export interface StoredRecords {
  /** Undefined when nobody knows: then it is for all that were there. */
  readonly lanes: readonly number[] | undefined
  readonly logs: Logs
  readonly meta: Meta
  /** Why these bytes are no records. */
  readonly unreadable?: string
}

/**
 * A frame whose checksum holds and whose envelope does not read was written so. It stands for one
 * record, all its bytes, whose arrival is now: it must end somewhere, and no lane may wait for it for ever.
 */
export function storedRecords(payload: Buffer): StoredRecords {
  const envelope = decodeEnvelope(payload)
  if (envelope === undefined) {
    return {
      lanes: undefined,
      logs: { chunks: [payload], bytes: payload.length, records: 1 },
      meta: { receiver: 'unknown', arrived: Date.now() },
      unreadable:
        'the frame does not read: nothing tells who sent it and for which lanes, its bytes are all there is'
    }
  }
  const { receiver, arrived, lanes, replay } = envelope
  const meta = { receiver, arrived, ...senderOf(envelope), ...(replay && { replay }) }
  return { lanes, logs: decodeRecords(payload, envelope), meta }
}
