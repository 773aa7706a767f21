import { access, readdir } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { counted } from '../telemetry/counted.ts'
import { lockJournal } from './lock.ts'
import { inspectJournal } from './recover.ts'
import { listSegments } from './segment.ts'
import { statusAtRest } from './status.ts'

/** Where records lie when nothing else is said. */
const defaultDirectory = './journal'

/** A Collector's file_storage has a file for each queue: `exporter_awss3_main_logs`. */
const collectorQueue = /^(receiver|processor|exporter|connector)_/

/**
 * Refuses to start beside records that nobody would deliver (DESIGN 5): a queue that a Collector
 * left in the directory that was named, or the default journal when another one is in use.
 */
export async function refuseForgotten(
  directory: string | undefined,
  usual = defaultDirectory
): Promise<void> {
  const queues = directory === undefined ? [] : await collectorQueues(directory)
  if (queues.length > 0) {
    throw new Error(
      `${dirname(directory!)} has a Collector's own queue (${queues.join(', ')}), which auditcol does not read: ` +
        'let the Collector deliver it, then move these files away'
    )
  }
  if (directory && resolve(directory) === resolve(usual)) return
  const forgotten = await undelivered(usual)
  if (forgotten === 0) return
  throw new Error(
    `${usual} has ${counted(forgotten, 'undelivered record')} and is not the journal in use (${directory ?? 'there is none'}): ` +
      `start once with --set service::journal::directory=${usual} to deliver them, ` +
      `or run \`auditcol journal --directory ${usual} abandon LANE\``
  )
}

/** The journal lies in `<directory>/auditcol`, a Collector's queues beside it. */
async function collectorQueues(directory: string): Promise<string[]> {
  if (basename(directory) !== 'auditcol') return []
  const beside = await readdir(dirname(directory), { withFileTypes: true }).catch(() => [])
  return beside
    .filter((entry) => entry.isFile() && collectorQueue.test(entry.name))
    .map(({ name }) => name)
}

async function undelivered(directory: string): Promise<number> {
  const there = await access(join(directory, 'lock')).then(
    () => true,
    () => false
  )
  if (!there || (await listSegments(directory)).length === 0) return 0
  const lock = await lockJournal(directory)
  // Another auditcol is at work on it.
  if (!lock) return 0
  try {
    const found = await inspectJournal(directory)
    return found ? statusAtRest(found).lanes.reduce((sum, { records }) => sum + records, 0) : 0
  } finally {
    lock.release()
  }
}
