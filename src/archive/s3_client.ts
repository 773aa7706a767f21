import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3'
import { AdaptiveRetryStrategy, StandardRetryStrategy } from '@smithy/core/retry'
import { endpointUrl, type S3Limits, type S3Options } from './s3_options.ts'

/**
 * The SDK's client as pipeline.yaml asks for it. Our own agents, because with its default ones the
 * SDK opens a new connection for every body above 2 MiB (it sends Expect: 100-continue). No
 * requestTimeout: alone it only logs a warning and goes on hanging; each call has a deadline instead.
 */
export async function createS3Client(options: S3Options, limits: S3Limits): Promise<S3Client> {
  const { region, endpoint, disable_ssl, s3_force_path_style, checksum } = options
  const agent = { keepAlive: true, maxSockets: limits.maxSockets }
  const config: S3ClientConfig = {
    region,
    forcePathStyle: s3_force_path_style,
    tls: !disable_ssl,
    expectContinueHeader: false,
    requestHandler: { httpAgent: new HttpAgent(agent), httpsAgent: new HttpsAgent(agent) },
    ...retries(options)
  }
  if (endpoint !== '') config.endpoint = endpointUrl(endpoint, disable_ssl).href
  if (options.role_arn !== '') config.credentials = await assumedRole(options, limits)
  if (checksum !== undefined) {
    config.requestChecksumCalculation =
      checksum === 'when_required' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED'
  }
  return new S3Client(config)
}

/** Milliseconds; STS answers within one second. */
const longestRole = 10_000

/** The base credentials are the default chain's: environment, profile, web identity, ECS, IMDS. */
async function assumedRole({ role_arn, external_id, region }: S3Options, limits: S3Limits) {
  // Without a limit an answer of STS that never comes would be waited for by all later calls too.
  const requestTimeout = Math.min(Math.ceil(limits.timeout) || longestRole, longestRole)
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers')
  return fromTemporaryCredentials({
    params: {
      RoleArn: role_arn,
      RoleSessionName: limits.sessionName,
      ...(external_id === '' ? {} : { ExternalId: external_id })
    },
    clientConfig: { region, requestHandler: { requestTimeout, throwOnRequestTimeout: true } }
  })
}

/** The SDK's strategies with our longest wait; 0 attempts is without limit, as in the Collector. */
function retries(options: S3Options): Partial<S3ClientConfig> {
  const { retry_mode, retry_max_attempts, retry_max_backoff } = options
  const maxAttempts = retry_mode === 'nop' ? 1 : retry_max_attempts || Number.POSITIVE_INFINITY
  const backoff = backoffUpTo(retry_max_backoff)
  const retryStrategy =
    retry_mode === 'adaptive'
      ? new AdaptiveRetryStrategy(maxAttempts, { maxAttempts, backoff })
      : new StandardRetryStrategy({ maxAttempts, backoff })
  return { maxAttempts, retryStrategy }
}

/** Full jitter over a doubling wait, as the SDK's own, whose limit of 20 s cannot be changed. */
function backoffUpTo(longest: number) {
  let base = 100
  return {
    setDelayBase(milliseconds: number) {
      base = milliseconds
    },
    computeNextBackoffDelay(attempt: number) {
      return Math.floor(Math.random() * Math.min(base * 2 ** attempt, longest))
    }
  }
}
