import { join } from 'node:path'
import { putAside } from '../archive/directory_spool.ts'
import { SpoolDamaged } from '../archive/spool.ts'
import { SyncFailed } from '../disk.ts'
import type { Intent, OpenObject } from '../journal/archive_frames.ts'
import { openObjects } from '../journal/archives.ts'
import type { ControlRequest } from '../journal/control.ts'
import type { Journal } from '../journal/journal.ts'
import type { JournalLane } from '../journal/lane.ts'
import { counted } from '../telemetry/counted.ts'

/** Which object is given up: its number, and its lane and archive where several have one of that number. */
export type VoidRequest = Extract<ControlRequest, { do: 'void' }>

/**
 * Gives up an object that cannot be stored (A7): its bytes are kept in the journal's directory under
 * `dead/`, its leaf says so, and its archive goes on. Returns what to print; throws with what is open.
 */
export async function voidObject(journal: Journal, request: VoidRequest): Promise<string> {
  const { number, reason } = request
  const found = openIn(journal, request).filter((open) => open.number === number)
  const [only] = found
  if (only === undefined)
    throw new Error(`there is no open object ${number}: ${listed(journal, request)}`)
  if (found.length > 1) {
    const places = found.map(({ lane, archive }) => `--lane ${lane.name} --archive ${archive}`)
    throw new Error(
      `several archives have an open object ${number}, say which: ${places.join(', or ')}`
    )
  }
  const { lane, archive } = only
  const kept = await giveUp(only, reason)
  lane.voided(archive, number)
  return (
    `object ${number} of ${archive} (${lane.name}) is void: its leaf will say so, ` +
    (kept
      ? `its bytes (${counted(only.records, 'record')}) are kept in ${kept}`
      : `its bytes (${counted(only.records, 'record')}) do not read from the spool and are lost`)
  )
}

/**
 * Its bytes are kept first: the leaf may never be stored, and a lane that ends takes its spool with it.
 * Returns where they are; undefined when they do not read.
 */
export async function giveUp({ lane, archive, intent, object }: Open, reason: string) {
  const { number } = object
  const spoolFile = join(lane.book.spool!, intent.spool)
  const kept = await putAside(spoolFile, lane.id, object, reason).catch((error) => {
    if (error instanceof SpoolDamaged) return undefined
    if (error instanceof SyncFailed) lane.book.fatal(error)
    throw new Error(`keeping the bytes of object ${number}`, { cause: error })
  })
  await lane.book.write({ do: 'void', archive, number, at: Date.now(), reason })
  return kept
}

interface Open {
  readonly lane: JournalLane
  readonly archive: string
  readonly number: number
  readonly records: number
  readonly intent: Intent
  readonly object: OpenObject
}

/** Objects that are neither committed nor in a commit that is on its way: those are stored. */
export function openIn(
  journal: Journal,
  { lane, archive }: Pick<VoidRequest, 'lane' | 'archive'>
): Open[] {
  const lanes = [...journal.lanes.values()].filter(
    ({ name }) => lane === undefined || name === lane
  )
  return lanes.flatMap((one) =>
    [...one.book.archives.values()]
      .filter(({ name }) => archive === undefined || name === archive)
      .flatMap((state) =>
        openObjects(state)
          .filter(({ object }) => !object.voided && !inCommit(state.pending?.text, object.number))
          .map(({ intent, object }) => {
            const { number, records } = object
            return { lane: one, archive: state.name, number, records, intent, object }
          })
      )
  )
}

function inCommit(text: string | undefined, number: number): boolean {
  if (text === undefined) return false
  return text
    .trimEnd()
    .split('\n')
    .some((line) => JSON.parse(line).number === number)
}

function listed(journal: Journal, request: VoidRequest): string {
  const open = openIn(journal, request)
  if (open.length === 0) return 'nothing that is sealed waits for a store'
  const named = open
    .slice(0, 10)
    .map(({ lane, archive, number }) => `${number} of ${archive} (${lane.name})`)
  const more = open.length > named.length ? `, and ${open.length - named.length} more` : ''
  return `open are ${named.join(', ')}${more}`
}
