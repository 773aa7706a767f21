import { RE2JS } from 're2js'
import { editLogs, newLogsView } from '../logs/edit.ts'
import type { Logs } from '../logs/logs.ts'
import { type Message, readField, setField } from '../logs/message.ts'
import {
  type Field,
  recordFields,
  resourceFields,
  schemaUrl,
  scopeFields
} from '../logs/message_fields.ts'
import type { ValueMap } from '../logs/value.ts'
import { newActiveRules } from './active_rules.ts'
import { newKeyFacts } from './keys.ts'
import { type Masking, plainMask } from './mask.ts'
import { type Names, newNames, type Summary, withSummary } from './names.ts'
import { type PatternName, patternNames } from './patterns.ts'
import { anyOf, newPrefilter } from './prefilter.ts'
import { shippedRules, writtenRules } from './rules.ts'
import { type Count, newMaskText } from './texts.ts'
import { newRedactValues } from './values.ts'

interface Options extends Masking {
  readonly allow_all_keys: boolean
  readonly allowed_keys: readonly string[]
  readonly ignored_keys: readonly string[]
  readonly ignored_key_patterns: readonly string[]
  readonly redact_all_types: boolean
  readonly blocked_key_patterns: readonly string[]
  readonly blocked_values: readonly string[]
  readonly allowed_values: readonly string[]
  readonly summary: Summary
  readonly patterns: 'all' | readonly PatternName[]
  readonly deep: boolean
}

/** Gives what counts for a rule that has masked or removed something. */
type Counter = (done: string, rule: string) => (more: number) => void

/** The logs without what the options want masked or removed; what is left keeps its bytes. */
export function newRedactLogs(options: Options, counter: Counter): (logs: Logs) => Logs {
  const { deep, summary, patterns } = options
  const shipped = patternNames.filter((name) => patterns === 'all' || patterns.includes(name))
  const { attributes, body, maskText, rules } = newRedact(options, shipped, newCount(counter))
  const isQuick = needsRulesOnly(options)

  const view = newLogsView()

  function redactAttributes(message: Message, field: Field<ValueMap>, texts: Texts): Names {
    const names = newNames()
    const after = attributes(readField(message, field), names)
    if (deep) for (const text of texts) redactText(text, names)
    setField(message, field, withSummary(after, names, 'redaction', summary))
    return names
  }

  function redactText([message, field, name]: Texts[number], names: Names): void {
    const before = readField(message, field)
    const after = maskText(before)
    if (after === before) return
    names.masked.push(name)
    setField(message, field, after)
  }

  function redactBody(): void {
    const names = newNames()
    const { record } = view
    const before = readField(record, recordFields.body)
    const after = body(before, names)
    // A NaN is not equal to itself.
    if (!Object.is(after, before)) setField(record, recordFields.body, after)
    const told = readField(record, recordFields.attributes)
    setField(record, recordFields.attributes, withSummary(told, names, 'redaction.body', summary))
  }

  const resourceTexts: Texts = [[view.resourceLogs, schemaUrl, 'schema_url']]
  const scopeTexts: Texts = [
    [view.scope, scopeFields.name, 'scope.name'],
    [view.scope, scopeFields.version, 'scope.version'],
    [view.scopeLogs, schemaUrl, 'schema_url']
  ]
  const recordTexts: Texts = [
    [view.record, recordFields.severityText, 'severity_text'],
    [view.record, recordFields.eventName, 'event_name']
  ]

  /** Whether anything can be found in the message, or in its texts that are not within its bytes. */
  function mayFind({ reader, from, end }: Message, around: readonly Message[]): boolean {
    const texts = around.map((message) => readField(message, schemaUrl))
    rules.look(
      reader.bytes,
      from,
      end,
      texts.filter((text) => text !== '')
    )
    return !isQuick || rules.now().length > 0
  }

  const visits = {
    resource: () => {
      if (mayFind(view.resource, [view.resourceLogs]))
        redactAttributes(view.resource, resourceFields.attributes, resourceTexts)
      return true
    },
    scope: () => {
      if (mayFind(view.scope, [view.scopeLogs]))
        redactAttributes(view.scope, scopeFields.attributes, scopeTexts)
      return true
    },
    record: () => {
      if (!mayFind(view.record, [])) return true
      redactAttributes(view.record, recordFields.attributes, recordTexts)
      redactBody()
      return true
    }
  }

  return (logs) => editLogs(logs, view, visits)
}

/** Fields that are texts, with the name by which a summary tells of them. */
type Texts = readonly (readonly [Message, Field<string>, string])[]

function newRedact(options: Options, shipped: readonly PatternName[], count: Count) {
  const { deep, blocked_values: values, blocked_key_patterns: keys } = options
  const mask = plainMask(options)
  const keyRules = keys.map((text, index) => ({
    name: `blocked_key_patterns[${index}]`,
    expression: RE2JS.compile(text),
    mask
  }))
  const allows = anyOf(options.allowed_values)
  const blocks = (key: string) => keyRules.find(({ expression }) => expression.test(key))
  const mayHold = newPrefilter({ values, keys, deep })
  const byPattern = shippedRules(shipped, options)
  const rules = newActiveRules(shipped, byPattern, writtenRules('blocked_values', values, options))
  const common = { blocks, allows, deep, mayHold, count }
  const maskText = newMaskText({ ...common, rules: rules.now })
  // A written rule may be as broad as `user`. What is known of a key is kept, so that no pattern is left out.
  const maskKey = newMaskText({ ...common, mayHold: () => false, rules: () => byPattern })
  const factsOf = newKeyFacts({
    ignoredKeys: options.ignored_keys,
    ignoredPatterns: options.ignored_key_patterns.map((text) => RE2JS.compile(text)),
    allowedKeys: options.allow_all_keys ? undefined : options.allowed_keys,
    rules: keyRules,
    mask: deep ? maskKey : (key) => key
  })
  const allTypes = options.redact_all_types
  return {
    ...newRedactValues({ factsOf, maskText, allows, allTypes, deep, count }),
    maskText,
    rules
  }
}

/** Nothing is to be done where no rule can find anything. */
function needsRulesOnly(options: Options): boolean {
  const { blocked_key_patterns, allow_all_keys, summary } = options
  const { allowed_values, ignored_keys, ignored_key_patterns } = options
  const told = summary === 'silent' ? [] : [allowed_values, ignored_keys, ignored_key_patterns]
  return allow_all_keys && [blocked_key_patterns, ...told].flat().length === 0
}

function newCount(counter: Counter): Count {
  const counters = new Map<string, (more: number) => void>()
  return (done, rule, n) => {
    const name = `${done} ${rule}`
    const known = counters.get(name) ?? counter(done, rule)
    counters.set(name, known)
    known(n)
  }
}
