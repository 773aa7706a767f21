import type { HeadObjectCommandOutput, PutObjectCommandInput, S3Client } from '@aws-sdk/client-s3'
import { PermanentError } from '../component.ts'
import type { Connection, Send } from './s3_connection.ts'
import { statusOf } from './s3_errors.ts'
import { NoReadRight } from './store.ts'

/** The Object Lock of what is put: its headers, and whether the store has heeded them. */
export interface S3Lock {
  headers(client: S3Client): LockHeaders
  /** A PUT with these headers was answered with success. */
  taken(key: string, headers: LockHeaders): void
  /** Once a run: an object has the lock that its PUT asked for, or a PermanentError says that it has not. */
  confirm(key: string): Promise<void>
}

type LockHeaders = Pick<
  PutObjectCommandInput,
  'ObjectLockMode' | 'ObjectLockRetainUntilDate' | 'ObjectLockLegalHoldStatus'
>

/** S3 keeps whole seconds. */
const second = 1000

/**
 * Retention begins with the PUT, so every attempt asks for a later date (A3), by the store's clock: one
 * of ours that is slow would shorten it. A store may ignore the headers and answer 200, hence the look
 * at the first object of each run.
 */
export function s3Lock(connection: Connection): S3Lock {
  const { options, limits } = connection
  const lock = options.object_lock
  if (lock === undefined) return { headers: () => ({}), taken: () => {}, confirm: async () => {} }
  const { mode, retention, legal_hold } = lock
  /** The dates that the store has answered with success, by key, until one object has been looked at. */
  const asked = new Map<string, number>()
  let confirmed = false

  function headers(client: S3Client): LockHeaders {
    const headers: LockHeaders = {}
    if (legal_hold) headers.ObjectLockLegalHoldStatus = 'ON'
    if (mode === undefined) return headers
    const until = Date.now() + client.config.systemClockOffset + retention!
    headers.ObjectLockMode = mode === 'governance' ? 'GOVERNANCE' : 'COMPLIANCE'
    headers.ObjectLockRetainUntilDate = new Date(until)
    return headers
  }

  function taken(key: string, { ObjectLockRetainUntilDate: until }: LockHeaders) {
    if (until && !confirmed) asked.set(key, until.getTime())
  }

  async function confirm(key: string) {
    if (confirmed) return
    const doing = `looking at the lock of ${connection.name}/${key}`
    try {
      const found = await connection.look(doing, ({ sdk, client }, soon) =>
        client.send(new sdk.HeadObjectCommand({ ...connection.target, Key: key }), soon)
      )
      if (found === undefined) throw new Error(`${doing}: there is no such object`)
      const missing = [...(await missingDate(key, found)), ...(await missingHold(key, found))]
      if (missing.length > 0) throw new PermanentError(refusal(key, missing))
    } catch (cause) {
      if (!(cause instanceof NoReadRight)) throw cause
      limits.notice?.(`${cause.message}: whether objects are locked is not known`)
    }
    confirmed = true
    asked.clear()
  }

  /** HEAD is silent about a lock without s3:GetObjectRetention; asking for it by name tells which it is. */
  async function missingDate(key: string, head: HeadObjectCommandOutput): Promise<string[]> {
    if (mode === undefined) return []
    const found = head.ObjectLockMode
      ? { Mode: head.ObjectLockMode, RetainUntilDate: head.ObjectLockRetainUntilDate }
      : await ask(`s3:GetObjectRetention of ${key}`, async ({ sdk, client }, soon) => {
          const named = { ...connection.target, Key: key }
          return (await client.send(new sdk.GetObjectRetentionCommand(named), soon)).Retention
        })
    if (found?.Mode?.toLowerCase() !== mode) return [`no ${mode} retention`]
    const until = found.RetainUntilDate?.getTime() ?? 0
    // What an earlier attempt asked for is not known any more.
    const least = asked.get(key) ?? Date.now()
    if (until >= least - second) return []
    return [`retention until ${new Date(until).toISOString()} only`]
  }

  async function missingHold(key: string, head: HeadObjectCommandOutput): Promise<string[]> {
    if (!legal_hold) return []
    const found =
      head.ObjectLockLegalHoldStatus ??
      (await ask(`s3:GetObjectLegalHold of ${key}`, async ({ sdk, client }, soon) => {
        const named = { ...connection.target, Key: key }
        return (await client.send(new sdk.GetObjectLegalHoldCommand(named), soon)).LegalHold?.Status
      }))
    return found === 'ON' ? [] : ['no legal hold']
  }

  /** What is not locked is answered with an error too: 404, or 400 in a bucket without Object Lock. */
  async function ask<T>(right: string, send: Send<T>): Promise<T | undefined> {
    try {
      return await connection.within(send)
    } catch (cause) {
      const status = statusOf(cause)
      if (status === 400 || status === 404 || status === 501) return undefined
      if (status === 403) throw new NoReadRight(`it needs ${right}`)
      throw connection.explain(cause, `asking for ${right}`)
    }
  }

  function refusal(key: string, missing: readonly string[]): string {
    return (
      `storing ${connection.name}/${key}: the store has taken it and it has ${missing.join(' and ')}, although ` +
      's3uploader::object_lock asks for it: enable Object Lock on the bucket, or take a store that has it'
    )
  }

  return { headers, taken, confirm }
}
