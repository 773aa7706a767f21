import { basename } from 'node:path'
import { type LoadOptions, loadConfig } from '../config/load_config.ts'
import { lockJournal } from '../journal/lock.ts'
import { describeLoss } from '../journal/loss.ts'
import type { Range } from '../journal/position.ts'
import { writeRepaired } from '../journal/repair.ts'
import { type Plan, planRepair } from '../repair/plan.ts'
import { openStores } from '../repair/stores.ts'
import { counted } from '../telemetry/counted.ts'
import { consent } from './consent.ts'
import { requireJournal } from './journal_directory.ts'

export interface RepairOptions {
  /** Undefined: the configuration's. */
  readonly directory: string | undefined
  /** Where stores and credentials are read from; undefined where only a directory was given. */
  readonly config: LoadOptions | undefined
  readonly yes: boolean
  readonly withoutStore: boolean
  print(text: string): void
}

/**
 * `auditcol repair`: says what is damaged in a journal, and with consent makes it whole again.
 * Resolves with the exit code: 0 when nothing is wrong, or nothing is any more.
 */
export async function repair(options: RepairOptions): Promise<number> {
  const config = options.config && (await loadConfig(options.config)).config
  const configured = config?.journal ? config.journal.directory : undefined
  const directory = options.directory ?? configured
  if (directory === undefined) {
    throw new Error('the configuration has `service.journal: false`: there is no journal')
  }
  await requireJournal(directory)
  const lock = await lockJournal(directory)
  if (!lock) throw new Error(`the journal ${directory} is in use by another process: stop it first`)
  const stores = openStores(config)
  try {
    const plan = await planRepair(directory, stores)
    if (plan.losses.length === 0 && plan.survey.absent.length === 0) {
      options.print(`nothing is wrong with ${directory}\n`)
      return 0
    }
    options.print(report(directory, plan))
    return await carryOut(plan, options)
  } finally {
    stores.close()
    lock.release()
  }
}

async function carryOut(plan: Plan, options: RepairOptions): Promise<number> {
  if (plan.doubts.length > 0 && !options.withoutStore) {
    options.print(
      'nothing was changed: make the store reachable and run it again, or accept this with --without-store\n'
    )
    return 1
  }
  const terminal = { input: process.stdin, output: process.stdout }
  if (!(options.yes || (await consent('repair it?', terminal)))) {
    options.print('nothing was changed: run it with --yes to repair\n')
    return 1
  }
  const { survey, state, gaps } = plan
  const { aside } = await writeRepaired(survey, state, gaps)
  options.print(`repaired ${survey.directory}; the damaged files as they were lie in ${aside}\n`)
  return 0
}

function report(directory: string, plan: Plan): string {
  const { survey, state, losses, gaps, adopted, uncertain, nameless, doubts } = plan
  const nameOf = (lane: number) => state.lanes.get(lane)?.name ?? `a lane that has ended (${lane})`
  const lines = [`${directory} is damaged:`]
  for (const loss of losses) lines.push(`  ${basename(loss.path)}, ${describeLoss(loss, nameOf)}`)
  for (const number of survey.absent)
    lines.push(`  segment ${number} is missing or nothing in it reads`)
  lines.push('everything else reads and is kept. What is lost:')
  for (const { lane, gap } of gaps) {
    const many =
      gap.records === undefined ? 'records, nobody knows how many' : counted(gap.records, 'record')
    lines.push(`  ${lane.name}: ${many}, in ${shown(gap.covers)}; its archives will show the gap`)
  }
  if (gaps.length === 0) lines.push('  nothing: every lane has delivered what does not read')
  if (adopted > 0) {
    lines.push(
      `sealed in frames that do not read, and found in the spool or the store: ${counted(adopted, 'object')}`
    )
  }
  if (uncertain.length > 0) {
    lines.push(
      `${shown(uncertain)} may have been settlements: a lane without an archive may deliver again what was settled there`
    )
  }
  for (const { name } of nameless) {
    lines.push(
      `${name}: the name of this lane is lost; after the repair give it one with \`auditcol journal rename ${name} <name>\``
    )
  }
  for (const { lane, reason } of doubts) {
    lines.push(
      `${lane.name}: ${reason}. It would go on as a new archive under the id ${lane.id}, and what it has sealed ` +
        'since its last known commit may be stored twice'
    )
  }
  return `${lines.join('\n')}\n`
}

/** `frame 3`, `frames 3, 5-8, ...`. */
function shown(ranges: readonly Range[]): string {
  const texts = ranges
    .slice(0, 10)
    .map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
  const isOne = ranges.length === 1 && ranges[0]![0] === ranges[0]![1]
  return `${isOne ? 'frame' : 'frames'} ${texts.join(', ')}${ranges.length > texts.length ? ', ...' : ''}`
}
