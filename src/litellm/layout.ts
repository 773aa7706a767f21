import { posix } from 'node:path'
import { fitted, numberPlace, pathInKey, valueInKey } from '../archive/key_text.ts'
import type { Layout, Placement, Times } from '../archive/layout.ts'
import type { Marshaler } from '../archive/marshal.ts'
import { recordTime } from '../archive/record_time.ts'
import { readField } from '../logs/message.ts'
import { recordFields } from '../logs/message_fields.ts'
import { objectAsPut, wholeBodies } from '../logs/whole_bodies.ts'
import type { View } from '../ottl/values.ts'
import { batchContent, contentOf } from './content.ts'
import { countOf, textOf } from './view.ts'

export interface LitellmLayoutOptions {
  /** As configured; a key that begins with it does not get it a second time. */
  readonly prefix: string
  /** Events of a folder in one object, as with LiteLLM's `s3_batch_file_upload`. */
  readonly inBatches: boolean
  /** Room for a key behind the prefix, and for one of its levels. */
  readonly keyBytes: number
  readonly levelBytes: number
}

const wholeObject: Marshaler = {
  ...{ extension: 'json', contentType: 'application/json', storesEmpty: true },
  marshal: objectAsPut
}
const batchFile: Marshaler = {
  ...{ extension: 'jsonl', contentType: 'application/x-ndjson', storesEmpty: true },
  marshal: wholeBodies
}

/**
 * The layout of LiteLLM's own S3 log. What came through `s3_put` gets the key that LiteLLM chose, which
 * is right for audit events, request logs and its files alike; other records get what LiteLLM would have
 * chosen from their time and id.
 */
export function litellmLayout(options: LitellmLayoutOptions): () => Layout {
  return () => {
    const objectOf = createObjects()
    const alone = (view: View, times: Times): Placement => ({
      key: keyOf(view, times, options),
      object: objectOf(view),
      marshaler: wholeObject,
      content: contentOf
    })
    const batched = (folder: string, { sealing }: Times): Placement => {
      const file = `batch_${clock(sealing)}_${numberPlace}.jsonl`
      return { key: posix.join(folder, file), marshaler: batchFile, content: batchContent }
    }
    return {
      place: (view, times) =>
        options.inBatches && isEvent(view)
          ? batched(posix.dirname(keyOf(view, times, options)), times)
          : alone(view, times),
      rest: (folder, _, times) => batched(folder, times)
    }
  }
}

/** What may be bytes, or is more than one line, could not be told between the lines of others. */
function isEvent(view: View): boolean {
  if (readField(view.record, recordFields.eventName) === 's3.put') return false
  const body = readField(view.record, recordFields.body)
  return typeof body !== 'string' || !body.includes('\n')
}

function keyOf(view: View, times: Times, options: LitellmLayoutOptions): string {
  const chosen = textOf(view, 'aws.s3.key')
  if (chosen === undefined) return ownKey(view, times, options)
  const { prefix, keyBytes, levelBytes } = options
  const key = pathInKey(chosen)
  const isThere = prefix !== '' && key.startsWith(`${prefix}/`)
  const below = isThere ? key.slice(prefix.length + 1) : key
  return below === '' ? ownKey(view, times, options) : fitted(below, keyBytes, levelBytes)
}

/** What LiteLLM would have made of the event, had it queued it at the event's own time. */
function ownKey(view: View, times: Times, { keyBytes, levelBytes }: LitellmLayoutOptions): string {
  const at = recordTime(view, times)
  const folder = `audit_logs/${new Date(at).toISOString().slice(0, 10)}/`
  const room = Math.min(levelBytes, keyBytes - folder.length) - '00-00-00_.json'.length
  const id = textOf(view, 'audit.record.id')
  const name = id === undefined ? numberPlace : valueInKey(id, room)
  return `${folder}${clock(at)}_${name}.json`
}

function clock(at: number): string {
  return new Date(at).toISOString().slice(11, 19).replaceAll(':', '-')
}

/**
 * Which records are of one object: the lines of a file that was put once. The same file put again in the
 * same batch begins anew, and any other record is an object of its own.
 */
function createObjects(): (view: View) => string {
  const files = new Map<string, { line: number; object: string }>()
  let objects = 0
  return (view) => {
    const line = countOf(view, 's3_put.line')
    const id = textOf(view, 's3_put.record_id')
    if (line === undefined || id === undefined) return `${objects++}`
    const name = id.replace(/-\d+$/, '')
    const known = files.get(name)
    const object = known && known.line < line ? known.object : `${objects++}`
    files.set(name, { line, object })
    return object
  }
}
