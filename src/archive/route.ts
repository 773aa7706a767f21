import { PermanentError } from '../component.ts'
import { resourcesOf, splitByResource } from '../logs/by_resource.ts'
import type { Logs } from '../logs/logs.ts'

export interface RouteOptions {
  /** Where records go whose resource names no bucket; empty when each has to. */
  readonly bucket: string
  /** Resource attributes that name the bucket and the prefix; empty for none. */
  readonly bucketAttribute: string
  readonly prefixAttribute: string
  /** Names, or beginnings of names with a `*`; undefined lets every valid name pass. */
  readonly allowed: readonly string[] | undefined
}

export interface Route {
  readonly bucket: string
  /** As the sender wrote it; undefined for the configured one. */
  readonly prefix: string | undefined
  readonly logs: Logs
}

/**
 * Splits logs by the bucket and prefix that each resource asks for. A bucket that cannot be used
 * refuses its records before anything is stored, so that the others can be sent again without them.
 */
export function routeLogs(logs: Logs, options: RouteOptions): Route[] {
  const { bucketAttribute, prefixAttribute } = options
  const keys = [bucketAttribute, prefixAttribute].filter((key) => key !== '')
  if (keys.length === 0) return [{ bucket: options.bucket, prefix: undefined, logs }]
  const asked = splitByResource(logs, keys).map(({ values, logs }) => ({
    bucket: attribute(bucketAttribute, keys, values) ?? options.bucket,
    prefix: attribute(prefixAttribute, keys, values),
    logs
  }))
  const refused = new Set<string>()
  for (const { bucket } of asked) if (bucketProblem(bucket, options)) refused.add(bucket)
  if (refused.size > 0) throw refusal(logs, options, refused)
  return asked
}

/** An attribute that is there and empty counts as absent, as in the Collector. */
function attribute(
  key: string,
  keys: readonly string[],
  values: readonly (string | undefined)[]
): string | undefined {
  return key === '' ? undefined : values[keys.indexOf(key)] || undefined
}

function refusal(logs: Logs, options: RouteOptions, refused: Set<string>): PermanentError {
  const key = options.bucketAttribute
  const named = [...refused].slice(0, 3).map((bucket) => {
    const value = bucket === '' ? 'is absent' : `= ${JSON.stringify(bucket.slice(0, 100))}`
    return `${value} (${bucketProblem(bucket, options)})`
  })
  const more = refused.size > named.length ? `, and ${refused.size - named.length} more` : ''
  const message = `choosing the bucket: resource attribute ${key} ${named.join(', ')}${more}`
  return new PermanentError(message, { records: recordsFor(logs, options, refused), rest: 'again' })
}

/** Indices of the records whose resource asks for one of these buckets. */
export function recordsFor(
  logs: Logs,
  { bucket, bucketAttribute }: RouteOptions,
  buckets: ReadonlySet<string>
): number[] {
  const records: number[] = []
  let index = 0
  for (const { values, records: count } of resourcesOf(logs, [bucketAttribute])) {
    const asked = buckets.has(values[0] || bucket)
    for (const end = index + count; index < end; index++) if (asked) records.push(index)
  }
  return records
}

function bucketProblem(name: string, { bucket, allowed }: RouteOptions): string | undefined {
  if (name === '') return 'and s3uploader::s3_bucket is empty'
  if (name === bucket) return undefined
  if (!isBucketName(name)) return 'not a bucket name'
  const passes =
    allowed === undefined ||
    allowed.some((pattern) =>
      pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
    )
  return passes ? undefined : 'not among resource_attrs_to_s3::allowed_buckets'
}

/** S3's rules for general purpose buckets. */
function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name)
  )
}
