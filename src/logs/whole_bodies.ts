import { asText } from './any_text.ts'
import { editLogs, newLogsView } from './edit.ts'
import type { Logs } from './logs.ts'
import { readAttribute, readField } from './message.ts'
import { recordFields } from './message_fields.ts'

/**
 * The bodies as their senders wrote them, a line feed between them and none at the end, as LiteLLM
 * writes its files: text as it is, bytes as bytes, anything else as the Collector's `AsString()`.
 */
export function* wholeBodies(logs: Logs): Generator<Uint8Array, void> {
  let first = true
  for (const { body } of bodiesIn(logs)) {
    if (!first) yield lineFeeds(1)
    first = false
    yield body
  }
}

/**
 * The object that the records were made of: one body, or a file whose lines stand where records say
 * they stood (`s3_put.line` of `s3_put.lines`), the empty ones included.
 */
export function* objectAsPut(logs: Logs): Generator<Uint8Array, void> {
  let at = 1
  let end = 1
  let room = emptyLinesMax
  const feedsTo = (line: number, least: number) => {
    const feeds = Math.max(least, Math.min(line - at, room))
    room -= feeds
    at = line
    return lineFeeds(feeds)
  }
  for (const [index, { body, line, lines }] of bodiesIn(logs).entries()) {
    yield feedsTo(line ?? at + Math.sign(index), Math.sign(index))
    yield body
    end = lines ?? at
  }
  yield feedsTo(Math.max(at, end), 0)
}

/** What a record says of its line may be anybody's invention, and is written out as line feeds. */
const emptyLinesMax = 2 ** 20

interface Body {
  readonly body: Uint8Array
  readonly line: number | undefined
  readonly lines: number | undefined
}

function bodiesIn(logs: Logs): Body[] {
  const found: Body[] = []
  const view = newLogsView()
  const count = (key: string, bytes: Buffer) => {
    const value = readAttribute(view.record, recordFields.attributes, key, bytes)
    return typeof value === 'bigint' && value > 0n ? Number(value) : undefined
  }
  const record = () => {
    const value = readField(view.record, recordFields.body)
    found.push({
      body: value instanceof Uint8Array ? value : Buffer.from(asText(value)),
      line: count('s3_put.line', lineKey),
      lines: count('s3_put.lines', linesKey)
    })
    return true
  }
  editLogs(logs, view, { record })
  return found
}

const lineKey = Buffer.from('s3_put.line')
const linesKey = Buffer.from('s3_put.lines')

function lineFeeds(count: number): Uint8Array {
  return Buffer.alloc(Math.max(0, count), '\n')
}
