import type { IncomingMessage, ServerResponse } from 'node:http'
import { isAnswer } from '../otlp/decompress.ts'
import type { HeldBytes } from '../otlp/held_bytes.ts'
import { admitBody, readBody } from '../otlp/http_body.ts'
import { leaveBody, onceClosed } from '../otlp/http_request.ts'
import type { Log } from '../telemetry/log.ts'
import { answer, bodyRefusal, refusalOf, refuse } from './answers.ts'
import { putsObject, replyTo } from './calls.ts'
import { withHoisted } from './hoisted.ts'
import type { Intake } from './intake.ts'
import { payloadOf, signingOf } from './payload.ts'
import { Refusal } from './refusal.ts'
import { createRefused } from './refused.ts'
import type { Repeats } from './repeats.ts'
import type { Authenticate } from './sender.ts'
import { targetOf } from './target.ts'

export interface RequestOptions {
  readonly domain: string | undefined
  /** Largest body as sent. */
  readonly limit: number
  readonly held: HeldBytes
  /** Undefined: nobody has to prove who he is. */
  readonly authenticate: Authenticate | undefined
  readonly repeats: Repeats
  readonly intake: Intake
  readonly stopping: AbortSignal
  readonly log: Log
}

/**
 * Answers S3 requests. `settled` runs once for each, when it has its answer or its connection is gone,
 * and what it brought is no longer under way.
 */
export function createRequestHandler(options: RequestOptions) {
  const { domain, limit, held, authenticate, repeats, intake, stopping, log } = options
  const refused = createRefused(log)

  return (request: IncomingMessage, response: ServerResponse, settled: () => void): void => {
    const share = held.share()
    let open = true
    let underWay = false
    let bodyLeft = true
    onceClosed(request, response, () => {
      open = false
      if (underWay) return
      share.end()
      settled()
    })
    take().catch(finish)

    async function take(): Promise<void> {
      const target = targetOf(request.url!, request.headers.host ?? '', domain)
      const sender = await authenticate?.(request, target, Date.now())
      const headers = withHoisted(request.headers, target.query)
      if (!open) return
      if (stopping.aborted) throw new Refusal('SlowDown', 'auditcol is stopping, send it again', 1)
      if (!putsObject(request.method, headers, target)) {
        leaveBody(request, response)
        bodyLeft = false
        const reply = replyTo(request, target, repeats.find)
        answer(response, 200, reply.headers, reply.xml)
        return
      }
      signingOf(headers, sender)
      const refusal = admitBody(request, { limit, held }, share)
      if (refusal !== undefined) throw bodyRefusal(refusal)
      const body = await bodyOf()
      const { bytes, sha256, md5 } = await payloadOf(body, headers, sender)
      const { bucket, key } = target
      if (headers['if-none-match'] === '*') {
        // S3's condition: nothing is there, and nothing comes there meanwhile; from here to the intake nobody else has his turn.
        for (let wait = repeats.idle(bucket, key); wait; wait = repeats.idle(bucket, key))
          await wait
        if (repeats.find(bucket, key)) throw new Refusal('PreconditionFailed', alreadyThere)
      }
      if (!open) return
      const etag = `"${md5}"`
      underWay = true
      intake(
        {
          bucket,
          key,
          bytes,
          sha256,
          etag,
          headers,
          accessKeyId: sender?.accessKeyId,
          remoteAddress: request.socket.remoteAddress
        },
        share,
        (error) => {
          underWay = false
          share.end()
          if (!open) return settled()
          if (error === undefined) answered(() => answer(response, 200, { ETag: etag }))
          else finish(refusalOf(error))
        }
      )
    }

    function bodyOf(): Promise<Uint8Array> {
      bodyLeft = false
      if (request.headers.expect !== undefined) response.writeContinue()
      return new Promise((resolve, reject) => {
        readBody(request, undefined, { limit, held, share }, (body) => {
          if (isAnswer(body)) reject(bodyRefusal(body))
          else resolve(body)
        })
      })
    }

    function finish(error: unknown): void {
      if (!open) return
      if (bodyLeft) leaveBody(request, response)
      const refusal = known(error)
      refused(refusal, request.socket.remoteAddress)
      answered(() => refuse(response, refusal, request.url!))
    }

    function answered(send: () => void): void {
      share.end()
      if (stopping.aborted) response.shouldKeepAlive = false
      send()
    }
  }

  /** A fault of ours in one request must not stop intake for everybody else. */
  function known(error: unknown): Refusal {
    if (error instanceof Refusal) return error
    log.error('taking an object', { error: String(error) })
    return new Refusal('InternalError', `taking the object: ${String(error)}`)
  }
}

const alreadyThere = 'something was put under this key already'
