/** Where a record's id stands: the keys from its attributes or its body down. */
export interface IdPath {
  readonly root: 'attributes' | 'body'
  readonly keys: readonly string[]
}

/** Names as attributes have them; what else a name may be made of needs `attributes["..."]`. */
const plainName = /^[A-Za-z0-9_][A-Za-z0-9_.:/@-]*$/
const rooted = /^(attributes(?=\[)|body(?=[.[]))(.+)$/s
const step = /\.([A-Za-z_][A-Za-z0-9_]*)|\["((?:[^"\\]|\\["\\])+)"\]/y

/**
 * `audit.record.id` and `attributes["audit.record.id"]` are one attribute, `body.id` and
 * `body["a"].b` values inside a body that is a map. Undefined when the text is none of these.
 */
export function parseIdPath(text: string): IdPath | undefined {
  const [, root, steps = ''] = rooted.exec(text) ?? []
  if (root === undefined) {
    const isName = plainName.test(text) && text !== 'body' && !text.startsWith('attributes.')
    return isName ? { root: 'attributes', keys: [text] } : undefined
  }
  const keys: string[] = []
  step.lastIndex = 0
  while (step.lastIndex < steps.length) {
    const found = step.exec(steps)
    if (found === null) return undefined
    keys.push(found[1] ?? found[2]!.replaceAll(/\\(["\\])/g, '$1'))
  }
  return { root: root as IdPath['root'], keys }
}
