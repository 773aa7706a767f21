import { OttlError } from './errors.ts'
import type { Surroundings } from './paths.ts'
import type { Context } from './places.ts'
import { contextOf, type ErrorMode, parseCondition, parseStatement } from './statements.ts'

/** A statement or condition of pipeline.yaml, with its path there. */
export interface Rule {
  readonly path: readonly (string | number)[]
  readonly text: string
}

/** Rules that are run together on each record, scope or resource. */
export interface RuleGroup {
  readonly surroundings: Surroundings
  readonly statements: readonly Rule[]
  readonly conditions: readonly Rule[]
  readonly errorMode?: ErrorMode | undefined
  readonly sharedCache: boolean
}

/** A group as it is written. */
interface WrittenGroup {
  readonly context?: Context | undefined
  readonly statements?: readonly string[]
  readonly conditions?: readonly string[]
  readonly error_mode?: ErrorMode | undefined
  readonly shared_cache?: boolean
}

type Kind = 'statements' | 'conditions'

/** A list of texts is one group; else each entry is a group of its own. */
export function groupsOf(
  list: readonly (string | WrittenGroup)[],
  kind: Kind,
  path: string
): RuleGroup[] {
  const rules = list.flatMap((text, index) =>
    typeof text === 'string' ? [{ path: [path, index], text }] : []
  )
  if (rules.length > 0) return [groupOf({}, { statements: [], conditions: [], [kind]: rules })]
  return (list as readonly WrittenGroup[]).map((group, index) => {
    const rules = (key: Kind): Rule[] =>
      (group[key] ?? []).map((text, at) => ({ path: [path, index, key, at], text }))
    return groupOf(group, { statements: rules('statements'), conditions: rules('conditions') })
  })
}

function groupOf(group: WrittenGroup, rules: Record<Kind, Rule[]>): RuleGroup {
  const { context, error_mode: errorMode, shared_cache: sharedCache = false } = group
  const all = [...rules.conditions, ...rules.statements].map(({ text }) => text)
  const surroundings = { context: context ?? contextOf(all), implied: context !== undefined }
  return { ...rules, surroundings, errorMode, sharedCache }
}

/** What is wrong with a list: texts beside groups, and rules that do not parse. */
export function mistakesInList(list: Parameters<typeof groupsOf>[0], kind: Kind, path: string) {
  const other = list.findIndex((entry) => typeof entry !== typeof list[0])
  if (other < 0) return groupsOf(list, kind, path).flatMap(mistakesIn)
  return [{ path: [path, other], message: 'either all are texts, or all are groups' }]
}

/** The rules that do not parse, each with what is wrong and the column in its text. */
export function mistakesIn({ surroundings, statements, conditions }: RuleGroup) {
  return [
    ...statements.flatMap((rule) => mistakeIn(rule, () => parseStatement(rule.text, surroundings))),
    ...conditions.flatMap((rule) => mistakeIn(rule, () => parseCondition(rule.text, surroundings)))
  ]
}

/** What `parse` says is wrong with a rule. */
export function mistakeIn({ path, text }: Rule, parse: () => unknown) {
  try {
    parse()
    return []
  } catch (error) {
    if (!(error instanceof OttlError)) throw error
    const near = text.slice(error.at, error.at + 40)
    const where = near === '' ? 'at its end' : `at column ${error.at + 1}: ${near}`
    return [{ path, message: `${error.message}, ${where}` }]
  }
}

/** `log_statements[0].statements[2]`, as messages and counts name it. */
export function ruleName({ path }: Rule): string {
  return path
    .map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`))
    .join('')
}
