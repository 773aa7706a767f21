import { posix } from 'node:path'

/** Where everything that is not data lies: below the configured prefix, never below one made from data (A1). */
export function archiveRoot({
  s3_base_prefix,
  s3_prefix
}: {
  readonly s3_base_prefix: string
  readonly s3_prefix: string
}): string {
  // A prefix may be a pattern of dates: what stands before it never changes.
  const fixed = s3_prefix.includes('%') ? s3_prefix.slice(0, s3_prefix.indexOf('%')) : s3_prefix
  const levels = fixed === s3_prefix ? fixed : fixed.slice(0, fixed.lastIndexOf('/') + 1)
  return `${posix.join(s3_base_prefix, levels, '.auditcol')}/`
}
