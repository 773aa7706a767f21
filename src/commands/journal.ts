import { askControl, type ControlAnswer, type ControlRequest } from '../journal/control.ts'
import { type Journal, openJournal } from '../journal/journal.ts'
import { readAtRest } from '../journal/read_at_rest.ts'
import { type JournalStatus, type ReceiverStatus, statusOf } from '../journal/status.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import type { Receiving } from '../pipeline/receiving.ts'
import { counted } from '../telemetry/counted.ts'
import type { Log } from '../telemetry/log.ts'
import { reasonOf } from '../telemetry/reason.ts'
import { abandonLane } from './abandon.ts'
import { requireJournal } from './journal_directory.ts'
import { removeLetters } from './remove_letters.ts'
import { replayLetters } from './replay.ts'
import { voidObject } from './void.ts'

/** `auditcol journal`: shows segments and lanes, gives up or renames a lane. Returns what to print. */
export async function journal(directory: string, request: ControlRequest): Promise<string> {
  await requireJournal(directory)
  const answer = (await askControl(directory, request)) ?? (await answerAtRest(directory, request))
  if ('error' in answer) throw new Error(answer.error)
  return 'done' in answer ? `${answer.done}\n` : describe(directory, answer.status)
}

/** What the process that owns the journal answers; a lane in use is the configuration's, not a command's. */
export async function answerRunning(
  running: Journal,
  { lanes, receivers }: Pick<Pipeline, 'lanes' | 'receivers'>,
  log: Log,
  request: ControlRequest
): Promise<ControlAnswer> {
  if (request.do === 'show') {
    const stopped = lanes.flatMap((lane) => (lane.stopped ? [lane] : []))
    const reasons = new Map(stopped.map(({ name, stopped }) => [name, reasonOf(stopped)]))
    return { status: statusOf(running, reasons, receivers.map(arrivalOf)) }
  }
  if (request.do === 'void') return { done: await voidObject(running, request) }
  if (request.do === 'replay') return { done: await replayLetters(running, request) }
  if (request.do === 'remove') return { done: await removeLetters(running, request, log) }
  if (!running.lanes.has(request.lane)) {
    return { error: unknownLane([...running.lanes.keys()], request.lane) }
  }
  return {
    error: `${request.lane} is in use: stop auditcol, then ${request.do} it`
  }
}

function arrivalOf({ id, arrivals }: Receiving): ReceiverStatus {
  const { last, waiting, silent } = arrivals.status()
  return { id, waiting, silent, ...(last !== undefined && { last }) }
}

async function answerAtRest(directory: string, request: ControlRequest): Promise<ControlAnswer> {
  if (request.do === 'show') return { status: await readAtRest(directory) }
  let failed: Error | undefined
  const opened = await openJournal({
    directory,
    maxSize: Number.POSITIVE_INFINITY,
    minFree: 0,
    settled: () => {},
    fatal: (error) => {
      failed = error
    }
  })
  try {
    const done = await change(opened, request)
    if (failed) throw failed
    return { done }
  } finally {
    await opened.close()
  }
}

async function change(
  opened: Journal,
  request: Exclude<ControlRequest, { do: 'show' }>
): Promise<string> {
  if (request.do === 'void') return voidObject(opened, request)
  if (request.do === 'replay') return replayLetters(opened, request)
  if (request.do === 'remove') return removeLetters(opened, request)
  const lane = opened.lanes.get(request.lane)
  if (!lane) throw new Error(unknownLane([...opened.lanes.keys()], request.lane))
  if (request.do === 'abandon') return abandonLane(opened, lane, request)
  if (opened.lanes.has(request.to)) {
    throw new Error(
      `there is a lane ${request.to} already: abandon it first, or choose another name`
    )
  }
  await opened.rename(lane, request.to)
  return `${request.lane} is now ${request.to}`
}

function unknownLane(names: readonly string[], lane: string): string {
  return `the journal has no lane ${lane} (its lanes: ${names.join(', ') || 'none'})`
}

function describe(
  directory: string,
  { segments, lanes, receivers, writer, givenUp }: JournalStatus
): string {
  const lines = [`journal ${directory} (writer ${writer})`, 'segments:']
  for (const { number, first, last, bytes } of segments) {
    const frames = last < first ? 'no frames' : `frames ${first} to ${last}`
    lines.push(`  ${String(number).padStart(8, '0')}.wal  ${frames}  ${size(bytes)}`)
  }
  lines.push(lanes.length > 0 ? 'lanes:' : 'lanes: none')
  for (const { name, id, records, bytes, oldest, stopped, sealed, archives } of lanes) {
    const age = oldest === undefined ? '' : `, oldest accepted ${new Date(oldest).toISOString()}`
    lines.push(`  ${name} (${id})  ${counted(records, 'record')} undelivered, ${size(bytes)}${age}`)
    if (stopped !== undefined) lines.push(`    stopped: ${stopped}`)
    if (sealed.objects > 0) {
      const { records, objects } = sealed
      lines.push(
        `    sealed of them: ${counted(records, 'record')} in ${counted(objects, 'object')}, waiting for a store`
      )
    }
    for (const { archive, objects, commits } of archives) {
      lines.push(
        `    ${archive}  ${counted(objects, 'object')} sealed, ${counted(commits, 'commit')}`
      )
    }
  }
  if (receivers.length > 0) lines.push('receivers:')
  for (const { id, last, silent } of receivers) {
    const when = last === undefined ? 'nothing yet' : `last record ${new Date(last).toISOString()}`
    lines.push(`  ${id}  ${when}${silent ? ', silent for longer than expected' : ''}`)
  }
  if (givenUp.letters > 0) {
    const { letters, records } = givenUp
    lines.push(
      `removed by operators: ${counted(letters, 'dead letter')} with ${counted(records, 'record')}`
    )
  }
  return `${lines.join('\n')}\n`
}

/** For people: `12.3 MiB`. */
export function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return unit === 0 ? `${value} bytes` : `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`
}
