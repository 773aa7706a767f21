import { type CheckName, checkNames, type Finding } from '../archive/findings.ts'
import { meanings } from '../archive/meanings.ts'
import { type LoadOptions, loadConfig } from '../config/load_config.ts'
import { examineJournal, type JournalReport } from '../doctor/journal.ts'
import { examineReceivers, type ReceiverReport } from '../doctor/receivers.ts'
import { examineStores, type StoreReport } from '../doctor/stores.ts'

/**
 * `auditcol doctor`: asks the journal's disk and every archive's store whether they do what the
 * configuration needs of them, and whether receivers are given what they expect. Resolves with the
 * exit code: 0 when all do.
 */
export async function doctor(
  options: LoadOptions,
  asJson: boolean,
  print: (text: string) => void
): Promise<number> {
  const { config } = await loadConfig(options)
  const journal = config.journal ? await examineJournal(config.journal) : undefined
  const stores = await examineStores(config)
  const receivers = await examineReceivers(config)
  const isHealthy =
    stores.every(({ problems }) => problems.length === 0) &&
    [...(journal?.checks ?? []), ...receivers].every(({ result }) => result !== 'no')
  const report = { ok: isHealthy, journal, stores, receivers }
  if (asJson) print(`${JSON.stringify(report, undefined, 2)}\n`)
  else {
    const intake = [describeJournal(journal), ...receivers.map(describeReceiver)].join('')
    print([intake, ...stores.map(describeStore)].join('\n'))
  }
  return isHealthy ? 0 : 1
}

function describeJournal(journal: JournalReport | undefined): string {
  if (!journal) return 'no journal (service::journal is false)\n'
  const rows = journal.checks.map(({ check, result, answer }) => [check, result, answer])
  return `journal ${journal.directory}\n${table(rows)}`
}

function describeStore(report: StoreReport): string {
  const { exporter, place, store, findings, required, problems, notes, missing, policy } = report
  const rows = checkNames.flatMap((name) => {
    if (findings === undefined) return []
    const { result, answer } = findings[name]
    const is = required.includes(name) ? `${result}, required` : result
    return [[name, is, `${answer}; ${meaningOf(name, result)}`]]
  })
  const lines = [
    ...problems.map((text) => `  problem: ${text}\n`),
    ...notes.map((text) => `  ${text}\n`)
  ]
  const lacking = missing ? `  the rights that are missing:\n${json(missing)}` : ''
  // Where nothing could be asked, or something is missing, the whole is what a person needs.
  const whole =
    policy && (missing || !findings) ? `  the least that it needs:\n${json(policy)}` : ''
  return `${exporter} (${place}) into ${store}\n${table(rows)}${lines.join('')}${lacking}${whole}`
}

function describeReceiver({ receiver, answer, usual_cause }: ReceiverReport): string {
  const cause = usual_cause === undefined ? '' : `  usual cause: ${usual_cause}\n`
  return `receiver ${receiver}: ${answer}\n${cause}`
}

/** Where reading or listing is denied it is not done; of the others a denial says nothing. */
function meaningOf(name: CheckName, result: Finding['result']): string {
  const { ok, without } = meanings[name]
  if (result === 'ok') return ok
  return result === 'no' || name === 'read' || name === 'list' ? without : `if not, ${without}`
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows
    .map(([check = '', result = '', said = '']) => {
      return `  ${check.padEnd(widths[0]!)}  ${result.padEnd(widths[1]!)}  ${said}\n`
    })
    .join('')
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2).replaceAll(/^/gm, '  ')}\n`
}
