import type { S3Limits, S3Options } from '../../src/archive/s3_options.ts'
import { s3Stores } from '../../src/archive/s3_store.ts'
import { credentials } from './versitygw.ts'

Object.assign(process.env, credentials)

export const s3Options: S3Options = {
  region: 'us-east-1',
  endpoint: '',
  role_arn: '',
  external_id: '',
  s3_force_path_style: true,
  disable_ssl: false,
  storage_class: 'STANDARD',
  retry_mode: 'nop',
  retry_max_attempts: 1,
  retry_max_backoff: 1
}

export const s3Limits: S3Limits = { timeout: 5000, maxSockets: 10, sessionName: 'auditcol-test' }

/** A bucket of a server, and what was said of it. */
export function openS3(endpoint: string, more: Partial<S3Options> = {}, bucket = 'logs') {
  const notices: string[] = []
  const notice = (text: string) => void notices.push(text)
  const store = s3Stores({ ...s3Options, endpoint, ...more }, { ...s3Limits, notice })(bucket)
  return { store, notices }
}
