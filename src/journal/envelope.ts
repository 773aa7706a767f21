import type { Meta } from '../component.ts'
import type { Logs } from '../logs/logs.ts'
import { senderOf } from '../sender.ts'

/**
 * Payload of a records frame (J2): u32 length of the envelope, the envelope as JSON, then the OTLP
 * bytes. `lanes` are the lanes the request was accepted for, fixed when it was appended: they alone
 * will read the frame, whatever the configuration says later.
 */
export interface Envelope {
  readonly receiver: string
  readonly arrived: number
  readonly records: number
  readonly lanes: readonly number[]
  readonly client?: Meta['client']
  readonly address?: string
  readonly identity?: Meta['identity']
  readonly resume?: string
  /** Dead letters that these records come from, and where they enter again (L5, L6). */
  readonly replay?: Replay
}

export interface Replay {
  readonly letters: readonly string[]
  /** 'exporter': the processors have had them already. */
  readonly at: 'processors' | 'exporter'
  /** The processor that they enter at; those before it have had them. */
  readonly by?: string
}

export function encodeRecords(logs: Logs, meta: Meta, lanes: readonly number[]): Uint8Array[] {
  const envelope: Envelope = {
    receiver: meta.receiver,
    arrived: meta.arrived,
    records: logs.records,
    lanes,
    ...senderOf(meta),
    ...(meta.resume !== undefined && { resume: meta.resume }),
    ...(meta.replay && { replay: meta.replay })
  }
  const text = JSON.stringify(envelope)
  const length = Buffer.byteLength(text)
  const head = Buffer.allocUnsafe(4 + length)
  head.writeUInt32LE(length, 0)
  head.write(text, 4)
  return [head, ...logs.chunks]
}

/** Undefined when there is none that reads: nobody knows for which lanes the frame was accepted. */
export function decodeEnvelope(payload: Buffer): Envelope | undefined {
  try {
    const envelope = JSON.parse(payload.toString('utf8', 4, 4 + payload.readUInt32LE(0)))
    return isEnvelope(envelope) ? envelope : undefined
  } catch {
    return undefined
  }
}

function isEnvelope({ receiver, arrived, records, lanes }: Envelope): boolean {
  return (
    typeof receiver === 'string' &&
    Number.isSafeInteger(arrived) &&
    Number.isSafeInteger(records) &&
    records >= 0 &&
    lanes.every(Number.isSafeInteger)
  )
}

export function decodeRecords(payload: Buffer, envelope: Envelope): Logs {
  const bytes = payload.subarray(4 + payload.readUInt32LE(0))
  return { chunks: [bytes], bytes: bytes.length, records: envelope.records }
}
