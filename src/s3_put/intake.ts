import type { Subscriber } from 'rxjs'
import { type Batch, PermanentError, type ReceiverContext } from '../component.ts'
import type { Logs } from '../logs/logs.ts'
import type { Share } from '../otlp/held_bytes.ts'
import { addressOf, senderOf } from '../sender.ts'
import type { Log } from '../telemetry/log.ts'
import { type Put, type RecordOptions, recordsOf } from './records.ts'
import type { Repeats } from './repeats.ts'

export interface Arrived extends Omit<Put, 'arrived' | 'overwrites'> {
  readonly etag: string
}

/**
 * Hands an object on as a batch; `heard` runs once, with what became of it. The share keeps its bytes
 * until then, also when the sender has gone: they are in memory as long as the batch is.
 */
export type Intake = (object: Arrived, share: Share, heard: (error?: Error) => void) => void

export interface IntakeOptions extends RecordOptions {
  readonly repeats: Repeats
}

export function createIntake(
  out: Subscriber<Batch>,
  { id, log }: ReceiverContext,
  options: IntakeOptions
): Intake {
  const overwritten = createOverwritten(log)

  return (object, share, heard) => {
    const { bucket, key, bytes, sha256, etag, accessKeyId } = object
    const arrival = { sender: accessKeyId ?? '', bucket, key, sha256, etag, bytes: bytes.length }
    const first = options.repeats.arrive(arrival, heard)
    // Of a repetition the bytes are not kept: those of the first one are.
    if (first === undefined) return share.become(0)
    const arrived = Date.now()
    const address = addressOf(object)
    const identity = accessKeyId === undefined ? undefined : { access_key_id: accessKeyId }
    let settled = false
    const settle = (error?: Error) => {
      if (settled) return
      settled = true
      share.end()
      first.settle(error)
      heard(error)
    }
    const logs = read({ ...object, arrived, overwrites: first.overwrites })
    if (logs instanceof Error) return settle(logs)
    share.become(logs.bytes)
    if (first.overwrites) overwritten(key)
    out.next({ logs, meta: { receiver: id, arrived, ...senderOf({ address, identity }) }, settle })
  }

  /** A fault of ours in one object must not stop intake for everybody else, nor keep its repetitions waiting. */
  function read(put: Put): Logs | Error {
    try {
      return recordsOf(put, options)
    } catch (error) {
      log.error('reading an object', { key: put.key, error: String(error) })
      return new PermanentError(`reading the object: ${String(error)}`)
    }
  }
}

const repeatMs = 60_000

/** Says that a key came again with other bytes, when it begins and then once a minute. */
function createOverwritten(log: Log): (key: string) => void {
  let total = 0
  let said = Number.NEGATIVE_INFINITY
  return (key) => {
    total++
    if (performance.now() - said < repeatMs) return
    said = performance.now()
    log.warn('a key was put again with other bytes: both are kept', { key, so_far: total })
  }
}
