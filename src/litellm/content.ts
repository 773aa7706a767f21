import { posix } from 'node:path'
import type { ContentHeaders } from '../journal/archive_frames.ts'
import type { View } from '../ottl/values.ts'
import { textOf } from './view.ts'

/** The headers that LiteLLM has put with the object, or those that it would have. */
export function contentOf(view: View): (key: string) => ContentHeaders {
  if (textOf(view, 'aws.s3.key') === undefined) {
    const id = textOf(view, 'audit.record.id')
    return (key) => litellms(id === undefined ? posix.basename(key) : `audit-${id}.json`)
  }
  const header = (name: string) => headerIn(textOf(view, name))
  const content = {
    // What S3 says of an object whose sender has not said anything.
    type: header('s3.content_type') ?? 'binary/octet-stream',
    language: header('s3.content_language'),
    disposition: header('s3.content_disposition'),
    cacheControl: header('s3.cache_control'),
    encoding: header('s3.content_encoding')
  }
  const given = Object.entries(content).filter(([, value]) => value !== undefined)
  return () => Object.fromEntries(given)
}

export function batchContent(): (key: string) => ContentHeaders {
  return (key) => ({ ...litellms(posix.basename(key)), type: 'application/x-ndjson' })
}

function litellms(file: string): ContentHeaders {
  return {
    type: 'application/json',
    language: 'en',
    disposition: `inline; filename="${file.replace(/["\\]|[^\x20-\x7e]/g, '_').slice(0, 300)}"`,
    cacheControl: 'private, immutable, max-age=31536000, s-maxage=0'
  }
}

/** S3 has 2 KB for all of them. Attributes may come from anybody, and a header that breaks would be refused for good. */
function headerIn(text: string | undefined): string | undefined {
  return text !== undefined && /^[\x21-\x7e]([\x20-\x7e]{0,398}[\x21-\x7e])?$/.test(text)
    ? text
    : undefined
}
