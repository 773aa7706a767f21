import { randomBytes } from 'node:crypto'
import { PermanentError } from '../component.ts'
import { denied, type Finding, type Findings, isDenial, unanswered, unknown } from './findings.ts'
import { look, type ProbedStore } from './look.ts'
import { sha256Of } from './sha256.ts'
import { NotStored, type Store, StoreError } from './store.ts'

/*
 * The probe of a store (A12): whether it does what the archive relies on. Documentation is no answer:
 * stores in the field accept If-None-Match and let eight of eight racing creators win, or store bytes
 * that are not those that were hashed. It writes one tiny object and removes it again where that frees
 * anything: under Object Lock it stays.
 */

/** Of so many creators of one key exactly one may win. */
const racers = 8

/**
 * Asks a store that was reached everything. Rejects when it does not answer, and nothing is known;
 * once an object was written, what gets no answer is unknown, or repeats would fill a locked bucket.
 * `plain` opens the same store without checksum headers, to tell those that choke on them from those that refuse us.
 */
export async function probe(
  store: ProbedStore,
  folder: string,
  plain?: () => ProbedStore
): Promise<Findings> {
  const key = `${folder}${Date.now()}-${randomBytes(4).toString('hex')}`
  const race = await raceFor(store, key, plain)
  const checksums = await wrongChecksum(store, `${key}-wrong`, race.winner)
  const read = await readBack(store, key, race.winner)
  const list = await listed(store, key, race.winner !== undefined)
  const looked = await look(store)
  const unlocked = race.winner && (await lockMissing(store, key))
  // A removal in a bucket with versions only adds a marker on top of what stays.
  if (looked.versioning.result !== 'ok') {
    for (const one of [key, `${key}-wrong`, `${key}-plain`]) await store.remove(one).catch(() => {})
  }
  const won = race.finding.result === 'ok' && read.overwritten
  return {
    create_only: won || race.finding,
    checksums,
    read: read.finding,
    list,
    ...looked,
    ...unlocked
  }
}

interface Race {
  readonly finding: Finding
  /** What the store must have now. */
  readonly winner?: Uint8Array
}

async function raceFor(store: ProbedStore, key: string, plain?: () => ProbedStore): Promise<Race> {
  const bodies = Array.from({ length: racers }, (_, at) => Buffer.from(`probe ${at}\n`))
  const outcomes = await Promise.allSettled(bodies.map((body) => create(store, key, body)))
  const won = bodies.filter((_, at) => {
    const outcome = outcomes[at]!
    return outcome.status === 'fulfilled' && ['created', 'doubtful'].includes(outcome.value)
  })
  const failed = outcomes.flatMap((outcome) =>
    outcome.status === 'rejected' && !isConflict(outcome.reason) ? [outcome.reason as Error] : []
  )
  const [winner] = won
  if (won.length > 1) {
    const answer = `${won.length} of ${racers} creations of one key at once were answered with success`
    return { finding: { result: 'no', answer }, winner: winner! }
  }
  if (winner && failed.length > 0) {
    const answer = `${failed.length} of ${racers} creations of one key at once failed: ${failed[0]!.message}`
    return { finding: unknown(answer), winner }
  }
  if (failed.length > 0) return { finding: await failure(failed[0]!, store, key, plain) }
  if (!winner) return { finding: unknown('a key that nobody has was said to be taken') }
  const answer = `1 of ${racers} creations of one key at once won`
  return { finding: { result: 'ok', answer }, winner }
}

/** Who is not known is told nothing about rights. */
const strangers = new Set([
  'SignatureDoesNotMatch',
  'InvalidAccessKeyId',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired'
])

/** Rejects with what is no answer to the question: a store that is away or overloaded now. */
async function failure(
  error: Error,
  store: ProbedStore,
  key: string,
  plain?: () => ProbedStore
): Promise<Finding> {
  const code = error instanceof StoreError ? error.code : undefined
  if (code === 'NotImplemented') {
    return { result: 'no', answer: 'it does not know If-None-Match, or another header of the PUT' }
  }
  if (!(error instanceof NotStored)) throw error
  if (isDenial(code)) return denied('s3:PutObject')
  if (!plain || !(await takes(plain(), `${key}-plain`))) {
    if (strangers.has(code ?? '')) throw error
    return unknown(error.message)
  }
  return unknown(
    `${store.name} refuses x-amz-checksum headers (${code}) and takes the object without them: set s3uploader::checksum: when_required`
  )
}

async function takes(store: ProbedStore, key: string): Promise<boolean> {
  try {
    return (await create(store, key, Buffer.from('probe\n'))) !== 'exists'
  } catch {
    return false
  } finally {
    store.close()
  }
}

/** It does not matter by which check: the header's, or the signature's over the hash. */
async function wrongChecksum(store: Store, key: string, winner?: Uint8Array): Promise<Finding> {
  if (winner === undefined) return unknown('nothing could be stored')
  const sha256 = await sha256Of(Buffer.from('other'))
  const object = { body: Buffer.from('wrong'), sha256, contentType: 'text/plain' }
  try {
    await store.create(key, object)
  } catch (error) {
    if (error instanceof NotStored && !isDenial(error.code))
      return {
        result: 'ok',
        answer: `bytes that do not have their SHA-256 are refused (${error.code})`
      }
    return unanswered(error, 's3:PutObject')
  }
  return { result: 'no', answer: 'it stores bytes that do not have the SHA-256 sent with them' }
}

interface ReadBack {
  readonly finding: Finding
  /** The race was won by one and kept by another. */
  readonly overwritten?: Finding
}

async function readBack(store: Store, key: string, winner?: Uint8Array): Promise<ReadBack> {
  if (winner === undefined) return { finding: unknown('nothing could be stored') }
  try {
    const head = await store.head(key)
    const body = await store.read(key)
    if (head === undefined || body === undefined) {
      return { finding: { result: 'no', answer: 'what was just stored is not there' } }
    }
    const finding: Finding = {
      result: 'ok',
      answer: `HEAD and GET answer; HEAD ${head.sha256 ? 'tells' : 'does not tell'} the SHA-256`
    }
    if (Buffer.compare(body, winner) === 0) return { finding }
    const answer = 'the object is not that of the one creator that was told it had won'
    return { finding, overwritten: { result: 'no', answer } }
  } catch (error) {
    return { finding: unanswered(error, 's3:GetObject') }
  }
}

async function listed(store: Store, key: string, isThere: boolean): Promise<Finding> {
  try {
    for await (const found of store.list(key)) {
      if (found === key) return { result: 'ok', answer: 'what was just stored is listed' }
    }
  } catch (error) {
    return unanswered(error, 's3:ListBucket')
  }
  return isThere
    ? { result: 'no', answer: 'what was just stored is not listed' }
    : { result: 'ok', answer: 'listing is allowed' }
}

/** An object for which the lock was asked and not kept says more than the bucket's own word. */
async function lockMissing(
  store: Store,
  key: string
): Promise<Pick<Findings, 'object_lock'> | undefined> {
  try {
    await store.confirm(key)
  } catch (error) {
    if (error instanceof PermanentError)
      return { object_lock: { result: 'no', answer: error.message } }
  }
  return undefined
}

async function create(store: Store, key: string, body: Uint8Array) {
  return await store.create(key, { body, sha256: await sha256Of(body), contentType: 'text/plain' })
}

function isConflict(error: unknown): boolean {
  return (
    error instanceof NotStored &&
    (error.code === 'ConditionalRequestConflict' || error.code === 'OperationAborted')
  )
}
