import { hostname } from 'node:os'
import type { Batch, Exporter, LaneContext } from '../component.ts'
import { isFull, SyncFailed } from '../disk.ts'
import type { IntentFrame, SpooledObject } from '../journal/archive_frames.ts'
import type { Checks } from '../journal/book.ts'
import type { Logs } from '../logs/logs.ts'
import { version } from '../version.ts'
import { type Archive, openArchive } from './archive.ts'
import type { Group } from './groups.ts'
import { intentKeys } from './intent_keys.ts'
import type { KeyParts } from './key.ts'
import type { Route } from './route.ts'
import type { SealedBody } from './seal.ts'
import { type GroupOptions, groupsOf, sealGroup } from './sealed_groups.ts'
import { createSlots } from './slots.ts'
import type { Spool, SpoolFile } from './spool.ts'
import type { Store } from './store.ts'
import { unlessAborted } from './unless_aborted.ts'

/** A bucket that objects may be sealed for. */
export interface Target {
  /** The archive's name: its store's. */
  readonly name: string
  /** How to get there again, and the headers of its objects, as plain JSON (A3, L7). */
  readonly place: unknown
  /** What a probe has found of its store (A12), by now. */
  readonly checks?: () => Checks | undefined
}

export interface ArchivesOptions extends GroupOptions {
  readonly key: (parts: KeyParts) => string
  /** How long after its end a partition is closed. */
  readonly lateness?: number
  readonly route: (batch: Batch) => Route[]
  /** Resolves when numbers of that archive may be taken (A7); a PermanentError when never. */
  readonly open: (bucket: string, logs: Logs) => Promise<Target>
  readonly storeAt: (place: unknown) => Store
  /** The present configuration's place of an archive, if it has one. */
  readonly placeOf: (archive: string) => unknown
  /** Where everything that is not data lies: `<configured prefix>/.auditcol/` (A1). */
  readonly root: string
  /** `<writer id>/<lane id>` that this lane goes on from, if an operator has said so. */
  readonly predecessor?: string | undefined
  /** Ends what the stores hold open. */
  readonly close: () => void
}

/** An object on its way into an intent. */
interface Sealing {
  readonly target: Target
  readonly prefix: string | undefined
  readonly group: Group
  readonly sealed: Omit<SealedBody, 'body'> & { readonly at: number; readonly size: number }
  readonly body: Uint8Array | undefined
}

/**
 * The archives of a lane. A batch is taken over when it is sealed: its objects' final bytes lie in
 * the spool, and the intent that names them is durable (A2). They are stored and committed behind
 * that; what was open at the last stop goes on at once.
 */
export function openArchives(
  options: ArchivesOptions,
  spool: Spool,
  { log, lane }: LaneContext
): Exporter {
  const { book } = lane
  const slots = createSlots(lane.consumers ?? 10)
  const archives = new Map<string, Archive>()
  let gate: Promise<unknown> = Promise.resolve()
  let toldPast = false

  for (const name of book.archives.keys()) open(name)
  lane.count?.('records', 0)
  lane.drain(drain)
  lane.finishing.addEventListener('abort', finish)
  book.onVoid((archive) => archives.get(archive)?.voided())

  async function take(batch: Batch, signal: AbortSignal): Promise<void> {
    const routes = options.route(batch)
    const targets = new Map<Route, Target>()
    const since = performance.now()
    for (const route of routes) {
      targets.set(route, await unlessAborted(options.open(route.bucket, batch.logs), signal))
    }
    try {
      await unlessAborted(roomFor(new Set(targets.values())), signal)
    } finally {
      // Waiting for a store or for room is no attempt, whatever comes of it (A4).
      lane.waited(batch, performance.now() - since)
    }
    const numbers = await unlessAborted(sealAgain(batch, targets), signal)
    if (book.durable) return
    const committed = [...numbers].map(([name, number]) => archives.get(name)!.committed(number))
    await unlessAborted(Promise.all(committed), signal)
  }

  async function roomFor(targets: Set<Target>): Promise<void> {
    for (const { name } of targets) await archives.get(name)?.room()
  }

  /** On a full disk once more at once, with what the reserve has given back: others may be quicker (J10). */
  async function sealAgain(batch: Batch, targets: Map<Route, Target>) {
    try {
      return await seal(batch, targets).catch(async (cause) => {
        if (!isFull(cause) || !(await book.room.forBatch())) throw cause
        return await seal(batch, targets)
      })
    } catch (cause) {
      if (cause instanceof SyncFailed) book.fatal(cause)
      throw isFull(cause) ? new Error('sealing: the disk of the journal is full', { cause }) : cause
    }
  }

  /** Returns the last number of each archive; all or nothing of a batch is sealed. */
  async function seal(batch: Batch, targets: Map<Route, Target>): Promise<Map<string, number>> {
    const file = await spool.begin()
    let named = false
    try {
      const objects: Sealing[] = []
      let past = 0
      for (const [route, target] of targets) {
        const grouped = groupsOf(batch, route.logs, options)
        past += grouped.past
        for (const group of grouped.groups) {
          for await (const { body, ...sealed } of sealGroup(batch, group, options)) {
            await book.room.admit(body.length)
            const known = { ...sealed, at: await file.append(body), size: body.length }
            // Only the first few can go out at once; the others are read back when it is their turn.
            const kept = objects.length < slots.free ? body : undefined
            objects.push({ target, prefix: route.prefix, group, sealed: known, body: kept })
          }
        }
      }
      if (objects.length === 0) {
        await file.discard()
        return new Map()
      }
      const intent = await inTurn(async () => {
        const made = await finished(batch, file, objects)
        // From here on the intent's frame may reach the disk even when its write seems to fail (J6):
        // the file stays, and the next start removes it if no frame names it.
        named = true
        await book.write({ do: 'intent', ...made.frame })
        return made
      })
      for (const [name, fresh] of intent.bodies) archives.get(name)!.sealed(fresh)
      if (past > 0) tellPast(past)
      return intent.numbers
    } catch (cause) {
      if (!named) await file.discard()
      throw cause
    }
  }

  /** Numbers are given and the intent is written one batch at a time: numbers leave no hole (A1). */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = gate.then(work)
    gate = turn.catch(() => {})
    return turn
  }

  /** The intent of a batch, with its numbers given and its spool file synced. */
  async function finished(batch: Batch, file: SpoolFile, objects: readonly Sealing[]) {
    const host = hostname()
    const now = new Date()
    for (const { target } of objects) if (!book.archives.has(target.name)) await bear(target, host)
    const numbers = new Map<string, number>()
    const bodies = new Map<string, Map<number, Uint8Array>>()
    const named = intentKeys(options, lane.id, now)
    const numbered = objects.map(({ target, prefix, group, sealed, body }): SpooledObject => {
      const archive = target.name
      const before = numbers.get(archive)
      const number = before === undefined ? book.archives.get(archive)!.next : before + 1
      numbers.set(archive, number)
      if (!bodies.has(archive)) bodies.set(archive, new Map())
      if (body) bodies.get(archive)!.set(number, body)
      const { sha256 } = sealed
      return { archive, number, ...named({ archive, number, sha256, prefix, group }), ...sealed }
    })
    const frame: IntentFrame = {
      spool: file.name,
      sealed: now.getTime(),
      arrived: batch.meta.arrived,
      host,
      covers: batch.meta.covers ?? [],
      in: batch.meta.accepted ?? batch.logs.records,
      dead: batch.meta.dead ?? 0,
      ...(batch.meta.routed && { routed: batch.meta.routed }),
      ...(batch.meta.letters && { letters: batch.meta.letters }),
      objects: numbered,
      places: Object.fromEntries(objects.map(({ target }) => [target.name, target.place]))
    }
    await file.finish(frame)
    return { frame, numbers, bodies }
  }

  async function bear({ name, checks }: Target, host: string): Promise<void> {
    const found = checks?.()
    await book.write({
      do: 'archive',
      archive: name,
      root: `${options.root}${lane.writer}/${lane.id}/`,
      genesis: {
        ...{ at: Date.now(), host, version, writer: lane.writer, lane: lane.id },
        laneName: lane.name,
        ...(options.predecessor !== undefined && { predecessor: options.predecessor }),
        ...(found && { checks: found })
      }
    })
    open(name)
  }

  function open(name: string): void {
    archives.set(
      name,
      openArchive({
        state: book.archives.get(name)!,
        book,
        spool,
        storeAt: options.storeAt,
        place: options.placeOf(name),
        slots,
        retry: lane.retry,
        log,
        count: (what, n) => lane.count?.(what, n),
        inTurn,
        stopped: lane.stopped,
        resumed: lane.resumed
      })
    )
  }

  function finish(): void {
    for (const archive of archives.values()) archive.finish()
  }

  async function drain(limit: AbortSignal): Promise<void> {
    await gate
    const all = [...archives.values()]
    finish()
    const stop = () => {
      for (const archive of all) archive.abort()
    }
    limit.addEventListener('abort', stop)
    if (limit.aborted) stop()
    await Promise.all(all.map((archive) => archive.idle()))
    stop()
    options.close()
  }

  function tellPast(records: number): void {
    lane.count?.('past_max_keys', records)
    if (toldPast) return
    toldPast = true
    log.warn(
      'a batch has records for more keys than max_keys_per_batch: those past it share an object in each folder; from now on they are only counted',
      { records }
    )
  }

  return Object.assign(take, { cuts: true, stores: true })
}
