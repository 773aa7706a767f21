import type { Checks } from '../journal/book.ts'
import type { CheckName, Finding, Findings } from './findings.ts'
import { lookedAt } from './look.ts'
import { meanings } from './meanings.ts'
import { StoreError } from './store.ts'

/** The store is not what `require` asks for; only a person can mend it. */
export class RequirementError extends Error {
  override name = 'RequirementError'
}

/** Rejects a store of which a required check is not ok; `known` is what an earlier probe has found. */
export function requireOf(
  store: string,
  required: readonly CheckName[],
  findings: Partial<Findings>,
  known: Checks = {}
): void {
  const unmet = required
    .map((name): [CheckName, Finding] => [name, findings[name] ?? remembered(known[name])])
    .filter(([, { result }]) => result !== 'ok')
  if (unmet.length === 0) return
  const said = unmet.map(
    ([name, { result, answer, needs }]) =>
      `${name} is ${result} (${answer}): ${needs ? `allow ${needs}, as \`auditcol doctor\` prints it` : meanings[name].mend}`
  )
  // What leaves nothing behind can be asked again until there is an answer.
  const isOpen = unmet.every(
    ([name, { result, needs }]) => result === 'unknown' && !needs && isLookedAt(name)
  )
  if (isOpen)
    throw new Error(`${store} does not say whether it is what require asks for: ${said.join('; ')}`)
  throw new RequirementError(`${store} is not what require asks for: ${said.join('; ')}`)
}

/** Renewing itself brings an expired token back, but nothing these. */
const wrongKeys = new Set(['InvalidAccessKeyId', 'SignatureDoesNotMatch'])

/** A store that does not know our keys is there: waiting for it would be for ever. */
export function refuseWrongKeys(store: string, error: unknown): void {
  if (!(error instanceof StoreError) || !wrongKeys.has(error.code ?? '')) return
  throw new RequirementError(
    `${store} cannot be asked for what require says: ${error.message} (${error.code})`
  )
}

function isLookedAt(name: CheckName): boolean {
  return (lookedAt as readonly CheckName[]).includes(name)
}

function remembered(result: unknown): Finding {
  return result === 'ok' || result === 'no'
    ? { result, answer: 'found when it was probed' }
    : { result: 'unknown', answer: 'never probed' }
}
