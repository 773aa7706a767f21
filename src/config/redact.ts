import type { Place, Problem } from './errors.ts'
import { type Node, plain } from './node.ts'

/** What an expansion brought in from outside the configuration. */
export interface Inserted {
  readonly text: string
  /** How it is written there: `${env:TOKEN}`. */
  readonly written: string
  /** Of the value it became, or became a part of. */
  readonly place: Place
}

/** Texts in what a variable or a file gave: the whole, and those of a map or list that it means. */
export function textsOf(whole: string, node: Node): string[] {
  const inside = node.kind === 'scalar' ? [] : scalarsIn(plain(node))
  return [whole.trim(), ...inside].filter((text) => text !== '')
}

function scalarsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)]
  return Object.values(value).flatMap(scalarsIn)
}

/** A shorter text is no secret, and words of ours may be the same. */
const shortestSecret = 8
const shortestPart = 4

/**
 * The problem with `${env:TOKEN}` where its words show what the variable or file holds: a message
 * ends in logs, and a value in the wrong place is as often a password as any other.
 */
export function redact(problem: Problem, inserted: readonly Inserted[]): Problem {
  // A URI can hold what an inner one gave: the inner one was inserted first and is replaced last.
  const message = inserted.toReversed().reduce((said, { text, written, place }) => {
    const isHere = samePlace(problem.place, place)
    if (!isHere && text.length < shortestSecret) return said
    const quote = isHere && text.length < shortestPart ? '"' : ''
    const given = quote + text + quote
    return [given, JSON.stringify(given).slice(1, -1)].reduce(
      (said, one) =>
        said.replaceAll(new RegExp(RegExp.escape(one), 'gi'), () => quote + written + quote),
      said
    )
  }, problem.message)
  return { ...problem, message }
}

function samePlace(a: Place, b: Place): boolean {
  return a.source === b.source && a.line === b.line && a.column === b.column
}
