/** What pipeline.yaml says of the way to a bucket; the keys keep their YAML spelling. */
export interface S3Options {
  readonly region: string
  readonly endpoint: string
  readonly role_arn: string
  readonly external_id: string
  readonly s3_force_path_style: boolean
  readonly disable_ssl: boolean
  readonly acl?: string | undefined
  readonly storage_class: string
  readonly retry_mode: 'standard' | 'adaptive' | 'nop'
  readonly retry_max_attempts: number
  /** Milliseconds. */
  readonly retry_max_backoff: number
  readonly checksum?: 'when_supported' | 'when_required' | undefined
  readonly sse?: Encryption | undefined
  readonly tags?: Readonly<Record<string, string>> | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
  readonly expected_bucket_owner?: string | undefined
  readonly object_lock?: ObjectLock | undefined
}

export interface ObjectLock {
  /** Both or none of them; retention in milliseconds. */
  readonly mode?: 'governance' | 'compliance' | undefined
  readonly retention?: number | undefined
  readonly legal_hold: boolean
}

export type Encryption =
  | { readonly type: 's3' }
  | {
      readonly type: 'kms'
      readonly kms_key_id?: string | undefined
      readonly bucket_key?: boolean | undefined
    }

/** What the engine, not the user, decides. */
export interface S3Limits {
  /** Milliseconds for one PUT, beside one second for each MiB; 0 for no limit. */
  readonly timeout: number
  /** Requests under way at once. */
  readonly maxSockets: number
  /** Names the session of an assumed role. */
  readonly sessionName: string
  /** What a person should know of the store, in one sentence. */
  notice?(text: string): void
}

/** The endpoint as a URL: without a scheme it gets the one that `disable_ssl` asks for. */
export function endpointUrl(endpoint: string, disableSsl: boolean): URL {
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(endpoint)
  return new URL(whole ? endpoint : `${disableSsl ? 'http' : 'https'}://${endpoint}`)
}
