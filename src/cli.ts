#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import { parseArgs } from 'node:util'
import { describeLetters, removeWithConsent, showLetter } from './commands/dead_letters.ts'
import { doctor } from './commands/doctor.ts'
import { exportLetters } from './commands/export_letters.ts'
import { journal } from './commands/journal.ts'
import { configuredLanes, journalDirectory } from './commands/journal_directory.ts'
import { timeFrom } from './commands/letter_filter.ts'
import { repair } from './commands/repair.ts'
import { run } from './commands/run.ts'
import { validate } from './commands/validate.ts'
import { ConfigErrors } from './config/errors.ts'
import type { LoadOptions } from './config/load_config.ts'
import type { LetterFilter } from './journal/letter_file.ts'
import { reasonOf } from './telemetry/reason.ts'
import { version } from './version.ts'

const help = `auditcol ${version}: a pipeline for audit logs

Usage: auditcol [run]                     receive, keep and deliver; the default
       auditcol validate                  check the configuration, print nothing when it is good
       auditcol doctor                    ask the disk and every store whether they do what is needed,
                                          and whether receivers are given what they expect
       auditcol journal [show]            segments, lanes, the oldest record of each, why one has stopped
       auditcol journal abandon LANE      give up what a lane has not delivered
       auditcol journal rename LANE NAME  let a lane go on under another name
       auditcol void NUMBER               give up a sealed object that no store takes, keep its bytes
       auditcol dead-letters [list]       records that will fail again
       auditcol dead-letters show ID      one of them, with its records
       auditcol dead-letters export       their records, one OTLP/JSON request a line
       auditcol dead-letters replay [ID…] give them to their lane again
       auditcol dead-letters remove ID…   give them up for good, when asked or with --yes
       auditcol repair                    say what is damaged in a journal, with consent make it whole, gaps shown

Options:
  --config SOURCE    a path, file:PATH, env:NAME or yaml:TEXT; repeatable, merged in order
                     (default: pipeline.yaml)
  --set KEY=VALUE    override one key, its parts joined by :: or by dots; repeatable
  --logs-only        leave out traces, metrics and profiles pipelines and what only they use
  --directory DIR    journal, void, dead-letters, repair: the journal's directory (default: the configuration's)
  --lane NAME        void: where several have an object NUMBER; dead-letters list, export, replay: of this one
  --archive NAME     void: where several have an object NUMBER
  --reason TEXT      void: what its leaf says; dead-letters list, export, replay: part of the reason
  --since, --until   dead-letters list, export, replay: written from, and before; a time, or so long ago: 90m
  --receiver NAME    dead-letters list, export, replay: what accepted the records
  --output FILE      dead-letters export: a new file, in place of standard output
  --json             doctor: the same as JSON
  --yes              repair, dead-letters remove: do it without asking
  --without-store    repair: although the store cannot be asked what was stored
  --version, --help

Exit codes: 0 done; 1 ran and failed, or a lane has stopped; 2 bad configuration or usage
`

/** Bad usage, as opposed to something that failed. */
class UsageError extends Error {}

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parse(argv)
  if (values.help) return print(help)
  if (values.version) return print(`auditcol ${version}\n`)
  const [command = 'run', ...rest] = positionals
  refuseStray(values, command, rest[0])
  const options = {
    config: values.config ?? ['pipeline.yaml'],
    set: values.set ?? [],
    logsOnly: values['logs-only'] ?? false,
    env: process.env
  }
  if (command === 'journal') {
    const config = values.directory === undefined || values.config ? options : undefined
    const request = await journalRequest(rest, config)
    return print(await journal(values.directory ?? (await journalDirectory(options)), request))
  }
  if (command === 'repair' && rest.length === 0) {
    const { directory, yes = false, 'without-store': withoutStore = false } = values
    const config = directory === undefined || values.config ? options : undefined
    return repair({ directory, config, yes, withoutStore, print })
  }
  if (command === 'void') {
    const request = voidRequest(rest, values)
    return print(await journal(values.directory ?? (await journalDirectory(options)), request))
  }
  if (command === 'dead-letters') {
    const directory = values.directory ?? (await journalDirectory(options))
    return deadLetters(directory, rest, values)
  }
  if (command === 'doctor' && rest.length === 0) return doctor(options, values.json ?? false, print)
  if (rest.length > 0) throw new UsageError(`unexpected argument ${rest[0]}`)
  if (command === 'run') return run(options)
  if (command !== 'validate') throw new UsageError(`unknown command ${command}`)
  await validate(options)
  return 0
}

function parse(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        config: { type: 'string', multiple: true },
        set: { type: 'string', multiple: true },
        'logs-only': { type: 'boolean' },
        directory: { type: 'string' },
        lane: { type: 'string' },
        archive: { type: 'string' },
        reason: { type: 'string' },
        since: { type: 'string' },
        until: { type: 'string' },
        receiver: { type: 'string' },
        output: { type: 'string' },
        json: { type: 'boolean' },
        yes: { type: 'boolean' },
        'without-store': { type: 'boolean' },
        version: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' }
      }
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

const letters = ['dead-letters list', 'dead-letters export', 'dead-letters replay']

/** Which commands take an option, where not all do. */
const takenBy: Readonly<Record<string, readonly string[]>> = {
  directory: ['journal', 'void', 'dead-letters', 'repair'],
  lane: ['void', ...letters],
  archive: ['void'],
  reason: ['void', ...letters],
  since: letters,
  until: letters,
  receiver: letters,
  output: ['dead-letters export'],
  json: ['doctor'],
  yes: ['repair', 'dead-letters remove'],
  'without-store': ['repair']
}

/** What would be accepted and mean nothing. */
function refuseStray(given: object, command: string, verb = 'list'): void {
  for (const option of Object.keys(given)) {
    const takers = takenBy[option]
    if (!takers || takers.includes(command) || takers.includes(`${command} ${verb}`)) continue
    throw new UsageError(`--${option} belongs to ${takers.join(', ')}`)
  }
}

/** `config`: where the journal's lanes come from, unless a directory alone was named. */
async function journalRequest(
  [verb = 'show', lane, to, ...more]: string[],
  config: LoadOptions | undefined
) {
  if (verb === 'show' && lane === undefined) return { do: 'show' } as const
  if (verb === 'abandon' && lane && to === undefined) {
    const configured = config !== undefined && (await configuredLanes(config)).has(lane)
    return { do: 'abandon', lane, configured } as const
  }
  if (verb === 'rename' && lane && to && more.length === 0)
    return { do: 'rename', lane, to } as const
  throw new UsageError('usage: auditcol journal [show | abandon LANE | rename LANE NAME]')
}

interface VoidValues {
  readonly lane?: string | undefined
  readonly archive?: string | undefined
  readonly reason?: string | undefined
}

function voidRequest([number, ...more]: string[], { lane, archive, reason = '' }: VoidValues) {
  if (number === undefined || !/^[1-9]\d{0,14}$/.test(number) || more.length > 0)
    throw new UsageError('usage: auditcol void NUMBER [--lane L] [--archive A] [--reason TEXT]')
  if (reason.length > 1000) throw new UsageError('--reason has at most 1000 characters')
  return {
    do: 'void',
    number: Number(number),
    reason,
    ...(lane !== undefined && { lane }),
    ...(archive !== undefined && { archive })
  } as const
}

interface LetterValues extends VoidValues {
  readonly since?: string | undefined
  readonly until?: string | undefined
  readonly receiver?: string | undefined
  readonly output?: string | undefined
  readonly yes?: boolean | undefined
}

async function deadLetters(
  directory: string,
  [verb = 'list', ...ids]: string[],
  values: LetterValues
): Promise<number> {
  const filter = letterFilter(values)
  const { output, yes = false } = values
  if (verb === 'replay') return print(await journal(directory, { do: 'replay', ids, filter }))
  if (verb === 'show' && ids.length === 1) return print(await showLetter(directory, ids[0]!))
  if (verb === 'list' && ids.length === 0) return print(await describeLetters(directory, filter))
  if (verb === 'export' && ids.length === 0) {
    await exportLetters(directory, filter, output, print)
    return 0
  }
  if (verb === 'remove' && ids.length > 0) {
    return removeWithConsent(directory, ids, yes, print)
  }
  throw new UsageError(
    'usage: auditcol dead-letters [list | export | show ID | replay [ID…] | remove ID… [--yes]]'
  )
}

function letterFilter({ since, until, reason, receiver, lane }: LetterValues): LetterFilter {
  const now = Date.now()
  const time = (option: string, text: string): number => {
    const found = timeFrom(text, now)
    if (found !== undefined) return found
    throw new UsageError(`${option} ${text}: a time as 2026-11-23T10:00:00Z, or so long ago: 90m`)
  }
  return {
    ...(since !== undefined && { since: time('--since', since) }),
    ...(until !== undefined && { until: time('--until', until) }),
    ...(reason !== undefined && { reason }),
    ...(receiver !== undefined && { receiver }),
    ...(lane !== undefined && { lane })
  }
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error) => {
    if (error instanceof ConfigErrors) {
      process.stderr.write(`${error.message}\n`)
      process.exit(2)
    }
    process.stderr.write(`auditcol: ${reasonOf(error)}\n`)
    process.exit(error instanceof UsageError ? 2 : 1)
  }
)
