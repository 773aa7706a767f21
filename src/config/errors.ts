/** Where something of the configuration was written; a source without lines (`--set a::b`) has no line. */
export interface Place {
  readonly source: string
  readonly line?: number
  readonly column?: number
}

/** One thing that is wrong: `place: path: message`. */
export interface Problem {
  readonly place: Place
  /** Section and component, `exporters::awss3`; empty when the message names them itself. */
  readonly path: string
  readonly message: string
}

/** Something to tell the user at start which is no error. */
export interface Note {
  readonly level: 'info' | 'warn'
  readonly text: string
  readonly place: string
}

/** Everything that is wrong with a configuration, one line for each problem. */
export class ConfigErrors extends Error {
  override name = 'ConfigErrors'
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[]) {
    const sorted = inOrder(problems)
    super([...new Set(sorted.map(showProblem))].join('\n'))
    this.problems = sorted
  }
}

export function showPlace({ source, line, column }: Place): string {
  return line === undefined ? source : `${source}:${line}:${column ?? 1}`
}

function showProblem({ place, path, message }: Problem): string {
  return [showPlace(place), path, message].filter((part) => part !== '').join(': ')
}

function inOrder(problems: readonly Problem[]): Problem[] {
  const sources = [...new Set(problems.map(({ place }) => place.source))]
  return problems.toSorted(
    (a, b) =>
      sources.indexOf(a.place.source) - sources.indexOf(b.place.source) ||
      (a.place.line ?? 0) - (b.place.line ?? 0) ||
      (a.place.column ?? 0) - (b.place.column ?? 0)
  )
}
