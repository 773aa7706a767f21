import type { ProbedStore } from './look.ts'
import { type Connection, type Send, s3Connections } from './s3_connection.ts'
import { statusOf } from './s3_errors.ts'
import type { S3Limits, S3Options } from './s3_options.ts'
import { s3Store } from './s3_store.ts'
import { NoReadRight } from './store.ts'

/**
 * A bucket as a probe sees it. It has a client of its own: a repeat inside a call would blur who has
 * won, and all creators need a connection at once.
 */
export function s3Probe(options: S3Options, limits: S3Limits, bucket: string): ProbedStore {
  const quick = { ...options, retry_mode: 'nop' as const }
  const connection = s3Connections(quick, { ...limits, maxSockets: 16 })(bucket)
  const { target } = connection
  return {
    ...s3Store(connection),
    versioning: () =>
      ask(connection, 'the versioning', async ({ sdk, client }, soon) => {
        const answer = await client.send(new sdk.GetBucketVersioningCommand(target), soon)
        return answer.Status === 'Enabled'
      }),
    objectLock: () =>
      ask(connection, 'the Object Lock', async ({ sdk, client }, soon) => {
        const command = new sdk.GetObjectLockConfigurationCommand(target)
        const { ObjectLockConfiguration: lock } = await client.send(command, soon)
        return lock?.ObjectLockEnabled === 'Enabled'
      }),
    ahead: async () => {
      // The SDK takes the difference from the Date of every answer, an error's too.
      await connection.within(({ sdk, client }, soon) =>
        client.send(new sdk.HeadBucketCommand(target), soon).catch((cause) => {
          if (statusOf(cause) === undefined) throw connection.explain(cause, 'asking for the time')
        })
      )
      return (await connection.open()).client.config.systemClockOffset
    },
    remove: async (key) => {
      await connection.within(({ sdk, client }, soon) =>
        client.send(new sdk.DeleteObjectCommand({ ...target, Key: key }), soon)
      )
    }
  }
}

/** Stores answer that they have no such thing in several ways; only a denial and silence are no answer. */
async function ask(connection: Connection, what: string, send: Send<boolean>): Promise<boolean> {
  try {
    return await connection.within(send)
  } catch (cause) {
    const doing = `asking for ${what} of ${connection.name}`
    const status = statusOf(cause)
    if (status === 403) throw new NoReadRight(`${doing}: it is denied`)
    if (status === 501 || (status !== undefined && status < 500)) return false
    throw connection.explain(cause, doing)
  }
}
