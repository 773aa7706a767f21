import { type CheckName, type Finding, type Findings, unanswered } from './findings.ts'
import type { Store } from './store.ts'

/** A store with what only a probe asks for. */
export interface ProbedStore extends Store {
  /** Each rejects with a NoReadRight when it is denied. */
  versioning(): Promise<boolean>
  objectLock(): Promise<boolean>
  /** Milliseconds that its clock is ahead of ours. */
  ahead(): Promise<number>
  /** Only what a probe has written. */
  remove(key: string): Promise<void>
}

/** An S3 refuses at 15 minutes; times in leaves are evidence, so we are stricter. */
const clockMs = 60_000

/** What leaves nothing behind, and may change at any time. */
export const lookedAt = ['versioning', 'object_lock', 'clock'] as const satisfies CheckName[]

/** Asks what can be asked without writing. */
export async function look(store: ProbedStore): Promise<Pick<Findings, (typeof lookedAt)[number]>> {
  const lock = 's3:GetBucketObjectLockConfiguration'
  return {
    versioning: await asked(() => store.versioning(), 's3:GetBucketVersioning'),
    object_lock: await asked(() => store.objectLock(), lock),
    clock: await store.ahead().then(clockSays, (error) => unanswered(error, 's3:ListBucket'))
  }
}

async function asked(ask: () => Promise<boolean>, right: string): Promise<Finding> {
  try {
    return (await ask())
      ? { result: 'ok', answer: 'it is on' }
      : { result: 'no', answer: 'it is off, or there is none' }
  } catch (error) {
    return unanswered(error, right)
  }
}

function clockSays(ahead: number): Finding {
  const seconds = Math.round(Math.abs(ahead) / 1000)
  const how = ahead > 0 ? 'behind' : 'ahead of'
  return Math.abs(ahead) <= clockMs
    ? { result: 'ok', answer: `within ${Math.max(seconds, 1)} s of the store's` }
    : { result: 'no', answer: `ours is ${seconds} s ${how} the store's` }
}
