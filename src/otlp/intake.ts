import type { Subscriber } from 'rxjs'
import type { Batch, ReceiverContext } from '../component.ts'
import { checkLogs, InvalidLogs } from '../logs/check.ts'
import { logsFromJson } from '../logs/from_json.ts'
import type { Logs } from '../logs/logs.ts'
import { type Sender, senderOf } from '../sender.ts'
import type { Log } from '../telemetry/log.ts'
import { type Answer, accepted, answerTo, codes, invalid } from './answers.ts'
import type { Share } from './held_bytes.ts'

export type Encoding = 'protobuf' | 'json'

/**
 * Turns a body into a batch and hands it on; `answer` runs once, when the batch is settled, or at
 * once when the body holds no records or is no valid OTLP. The share keeps the bytes until then,
 * also when the sender has gone: they are in memory as long as the batch is.
 */
export type Intake = (
  body: Uint8Array,
  encoding: Encoding,
  share: Share,
  sender: Sender,
  answer: (answer: Answer) => void
) => void

export function createIntake(out: Subscriber<Batch>, { id, log }: ReceiverContext): Intake {
  return (body, encoding, share, sender, answer) => {
    const logs = readLogs(body, encoding, log)
    if ('code' in logs || logs.records === 0) {
      share.end()
      answer('code' in logs ? logs : accepted)
      return
    }
    // Bytes of JSON are garbage from here on.
    share.become(logs.bytes)
    const arrived = Date.now()
    let settled = false
    out.next({
      logs,
      meta: { receiver: id, arrived, ...senderOf(sender) },
      settle(error) {
        if (settled) return
        settled = true
        share.end()
        answer(answerTo(error))
      }
    })
  }
}

function readLogs(body: Uint8Array, encoding: Encoding, log: Log): Logs | Answer {
  try {
    return encoding === 'json' ? logsFromJson(body) : checkLogs(body)
  } catch (error) {
    if (error instanceof InvalidLogs) return invalid(error.message)
    // A fault of ours in one body must not stop intake for everybody else.
    log.error('reading a request', { encoding, bytes: body.length, error: String(error) })
    return { code: codes.internal, http: 500, message: `reading the request: ${String(error)}` }
  }
}
