import { PermanentError } from '../component.ts'
import { splitByResource } from '../logs/by_resource.ts'
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
 * Splits logs by the bucket and prefix that each resource asks for. One bucket that cannot be used
 * refuses the logs before anything is stored, so that nothing is left half done.
 */
export function routeLogs(logs: Logs, options: RouteOptions): Route[] {
  const { bucket, bucketAttribute, prefixAttribute } = options
  const keys = [bucketAttribute, prefixAttribute].filter((key) => key !== '')
  if (keys.length === 0) return [{ bucket, prefix: undefined, logs }]
  return splitByResource(logs, keys).map(({ values, logs }) => {
    const value = (key: string) => (key === '' ? undefined : values[keys.indexOf(key)] || undefined)
    const own = value(bucketAttribute)
    const problem = own === undefined ? bucket === '' && 'no bucket' : bucketProblem(own, options)
    if (problem) {
      const from = `resource attribute ${bucketAttribute}`
      const named = own === undefined ? from : `${from} = ${JSON.stringify(own.slice(0, 100))}`
      throw new PermanentError(`choosing the bucket by ${named}: ${problem}`)
    }
    return { bucket: own ?? bucket, prefix: value(prefixAttribute), logs }
  })
}

function bucketProblem(name: string, { bucket, allowed }: RouteOptions): string | undefined {
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
