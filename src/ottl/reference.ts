import { enums } from './enums.ts'
import type { OttlFunction } from './functions/function.ts'
import { functions, isEditor, refusals } from './functions/registry.ts'
import { type Owner, placesOf } from './places.ts'

/** Markdown of the language as it is here, from what the parser looks names up in. */
export function ottlReference(): string {
  const editors = functions.filter(isEditor)
  const converters = functions.filter((one) => !isEditor(one))
  return `${[
    '# OTTL',
    intro,
    '## Paths',
    paths,
    pathTable(),
    `Names of severities: ${names()}.`,
    '## Editors',
    functionTable(editors),
    '## Converters',
    functionTable(converters),
    '## Not here',
    'These functions of the Collector stop the start, with the reason:',
    table(
      ['function', 'why'],
      Object.entries(refusals).map(([name, why]) => [`\`${name}\``, why])
    ),
    '## What differs from the Collector',
    differences.map((line) => `- ${line}`).join('\n')
  ].join('\n\n')}\n`
}

const intro =
  'The language of the Collector for changing and choosing records, `editor(…) where condition`, with the meaning ' +
  'that it has in the Collector 0.162. Statements are compiled once, at the start; an unknown function, path or name, ' +
  'a wrong pattern and a wrong constant stop it, with their place and the nearest name. Patterns are RE2, in time ' +
  'linear in the text. Fields that no statement sets keep their bytes. Written by `npm run docs` from the code.'

const paths =
  'A path begins with `log.`, `scope.` (or `instrumentation_scope.`) or `resource.`, and in a group with a `context` ' +
  'may leave that out; `otelcol.` has what is known of the request, where the receiver has `include_metadata`. Keys in brackets, text, numbers or expressions, lead into maps and lists: `log.attributes["a"]["b"][0]`. ' +
  'Records of one resource share it: a resource that is set at a record is set for all of them. `cache` holds what ' +
  'statements pass on to those behind them.'

function pathTable(): string {
  const owners: Owner[] = ['log', 'scope', 'resource', 'otelcol']
  const rows = owners.flatMap((owner) =>
    Object.entries(placesOf(owner, owner === 'otelcol' ? 'log' : owner)).map(
      ([name, { type, at }]) => [`\`${owner}.${name}\``, type, at === undefined ? '' : 'yes']
    )
  )
  return table(['path', 'type', 'keys'], rows)
}

function names(): string {
  return Object.entries(enums)
    .map(([name, value]) => `\`${name}\` ${value}`)
    .join(', ')
}

function functionTable(list: readonly OttlFunction[]): string {
  return table(
    ['function', 'what it does'],
    list.map((one) => [`\`${signature(one)}\``, one.summary])
  )
}

function signature({ name, params }: OttlFunction): string {
  const written = Object.entries(params).map(
    ([key, { takes, optional }]) => `${key}${optional ? '?' : ''}: ${takes}`
  )
  return `${name}(${written.join(', ')})`
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const differences = [
  'A statement that fails leaves nothing behind; the Collector leaves an empty attribute where `set` could not store the value.',
  'Constants are checked at the start where the Collector finds the mistake at each record: durations, formats, `ExtractPatterns` without a named group.',
  'Strings are cut between characters only, whatever `utf8_safe` says: half a character is no OTLP.',
  'Maps and lists may stand inside maps and lists that are written out, and be appended; calculated keys may follow a path.',
  'Names of months and days are read in English only; another `locale` stops the start.',
  '`Time` knows zones by offset, by IANA name in `location`, and the abbreviations UTC, GMT, EST, MST, HST, CET, MET, EET, WET and those of `location`.',
  '`%o` in a time is the month padded with a blank, as documented; the Collector writes an underscore.',
  'An `Is…` converter of a constant of another type is false; the Collector refuses some of them.',
  '`clear` of a time unsets it; the Collector sets what its zero time, the year 1, becomes in 64 bits.',
  'Of the paths of the Collector itself there is `otelcol.client.metadata`, with the same under `otelcol.grpc.metadata`.',
  '`URL` gives `url.original` as it was written.',
  '`Double` reads decimal numbers only, no underscores and no hexadecimal ones.',
  'Duplicate keys in a map stay duplicates; the first counts.',
  'JSON that is nested more than 32 deep is a fault of `ParseJSON`.'
]
