import { isDenial } from './findings.ts'
import type { ProbedStore } from './look.ts'
import { type Connection, type Send, s3Connections } from './s3_connection.ts'
import { statusOf } from './s3_errors.ts'
import type { ObjectLock, S3Limits, S3Options } from './s3_options.ts'
import { s3Store } from './s3_store.ts'
import { NoReadRight, NotStored, type Store } from './store.ts'

/**
 * A bucket as a probe sees it. It has a client of its own: a repeat inside a call would blur who has
 * won, and all creators need a connection at once.
 */
export function s3Probe(options: S3Options, limits: S3Limits, bucket: string): ProbedStore {
  const object_lock = briefly(options.object_lock)
  const quick = { ...options, object_lock, retry_mode: 'nop' as const }
  const connection = s3Connections(quick, { ...limits, maxSockets: 16 })(bucket)
  const { target } = connection
  const store = s3Store(connection)
  return {
    ...store,
    create: unlessDenied(store.create, () => s3Store({ ...connection, options }).create),
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

/** Longer than our clock may be behind the store's before the SDK corrects it: a date that is over is refused. */
const briefMs = 10 * 60_000

/**
 * What a probe leaves where nothing can be deleted is locked for minutes, not for years. A hold ends
 * never: whether the store keeps that is seen on the first object.
 */
function briefly(lock: ObjectLock | undefined): ObjectLock | undefined {
  if (lock?.mode === undefined) return undefined
  const retention = Math.min(lock.retention!, briefMs)
  return { mode: lock.mode, retention, legal_hold: false }
}

/** A bucket's policy may ask for no less than what the exporter is configured with. */
function unlessDenied(brief: Store['create'], whole: () => Store['create']): Store['create'] {
  return async (...object) => {
    try {
      return await brief(...object)
    } catch (error) {
      if (!(error instanceof NotStored && isDenial(error.code))) throw error
      return await whole()(...object)
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
