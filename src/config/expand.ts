import { ConfigErrors, type Note, type Place, type Problem, showPlace } from './errors.ts'
import { type Entry, limits, type Node, type ScalarNode } from './node.ts'
import { type Inserted, textsOf } from './redact.ts'
import { type Retrieved, retrieve } from './retrieve.ts'
import { parseYaml } from './yaml.ts'

/** Of one value: a chain of expansions in expansions, URIs in one text. The Collector's figures. */
const expansionsDeep = 1000
const urisInText = 100
/** Of one configuration, so that values which double each other end. */
const urisInAll = 10_000
const charactersInAll = 16 * 2 ** 20

/**
 * Puts what `${env:X}`, `${X}`, `${env:X:-default}`, `${file:...}` and `${yaml:...}` stand for in
 * their place, to any depth, and turns `$$` into `$`. Keys are left alone. An expansion that is the
 * whole value is read as YAML and may be anything; inside a longer text it is text.
 */
export async function expand(
  root: Node,
  env: NodeJS.ProcessEnv
): Promise<{ node: Node; notes: Note[]; problems: Problem[]; inserted: Inserted[] }> {
  const [notes, problems, inserted] = [new Map<string, Note>(), [], []]
  const spent: Spent = { env, uris: 0, characters: 0, nodes: 0, notes, problems, inserted }
  const node = await expandNode(root, spent, 0)
  return { node, notes: [...notes.values()], problems, inserted }
}

interface Spent {
  readonly env: NodeJS.ProcessEnv
  uris: number
  characters: number
  nodes: number
  readonly notes: Map<string, Note>
  readonly problems: Problem[]
  readonly inserted: Inserted[]
}

async function expandNode(node: Node, spent: Spent, depth: number): Promise<Node> {
  // Once a value is over a limit there is nothing more to learn from going on.
  if (spent.problems.length > 100) return node
  if (++spent.nodes > limits.nodes)
    return broken(node.place, `more than ${limits.nodes} values`, spent)
  if (node.kind === 'scalar')
    return typeof node.value === 'string' ? expandScalar(node, node.value, spent, depth) : node
  if (node.kind === 'list') {
    const items: Node[] = []
    for (const item of node.items) items.push(await expandNode(item, spent, depth))
    return { ...node, items }
  }
  const entries = new Map<string, Entry>()
  for (const [key, entry] of node.entries)
    entries.set(key, { ...entry, node: await expandNode(entry.node, spent, depth) })
  return { ...node, entries }
}

async function expandScalar(
  node: ScalarNode,
  value: string,
  spent: Spent,
  depth: number
): Promise<Node> {
  if (!value.includes('$')) return node
  try {
    const uri = wholeUri(value)
    if (uri === undefined)
      return { ...node, value: await expandText(value, node.place, spent, depth) }
    const expanded = await expandText(uri, node.place, spent, depth, 1)
    return await expandWhole(expanded, node.place, spent, depth)
  } catch (error) {
    return broken(node.place, (error as Error).message, spent)
  }
}

function broken(place: Place, message: string, spent: Spent): Node {
  spent.problems.push({ place, path: '', message })
  return { kind: 'scalar', place, value: null, broken: true }
}

/** The URI of a text that is one `${...}` and nothing else. */
function wholeUri(text: string): string | undefined {
  if (!text.startsWith('${') || !text.endsWith('}')) return undefined
  return closingBraces(text).get(0) === text.length - 1 ? text.slice(2, -1) : undefined
}

async function expandWhole(uri: string, place: Place, spent: Spent, depth: number): Promise<Node> {
  const { text, source } = await fetched(uri, place, spent, depth)
  const parsed = read(text, source)
  // A text is used to the letter, with its quotes and line ends: what is read as YAML is the rest.
  if (parsed.kind === 'scalar' && typeof parsed.value === 'string')
    return expandNode({ kind: 'scalar', place, value: text }, spent, depth + 1)
  const node = await expandNode(parsed, spent, depth + 1)
  return text.includes('${') ? { ...node, place } : { ...node, place, text: unescaped(text) }
}

function unescaped(text: string): string {
  return text.replaceAll('$$', () => '$')
}

function read(text: string, source: string): Node {
  try {
    return parseYaml(text, source)
  } catch (error) {
    if (!(error instanceof ConfigErrors)) throw error
    return { kind: 'scalar', place: { source }, value: text }
  }
}

/**
 * Replaces each `${...}` of a text by the text it stands for, innermost first, and `$$` by `$`.
 * `nested` counts the braces around a text that is itself a URI; there `$$` stays and is refused.
 */
async function expandText(
  text: string,
  place: Place,
  spent: Spent,
  depth: number,
  nested = 0
): Promise<string> {
  if (nested > urisInText) throw new Error('too many recursive expansions')
  const closing = closingBraces(text)
  if (closing.size > urisInText) throw new Error(`more than ${urisInText} expansions in one value`)
  let done = ''
  let from = 0
  for (let dollar = text.indexOf('$'); dollar >= 0; dollar = text.indexOf('$', from)) {
    done += text.slice(from, dollar)
    const close = closing.get(dollar)
    if (close !== undefined) {
      const uri = await expandText(text.slice(dollar + 2, close), place, spent, depth, nested + 1)
      done += await expandInline(uri, place, spent, depth)
      from = close + 1
    } else {
      done += '$'
      from = dollar + (text[dollar + 1] === '$' && nested === 0 ? 2 : 1)
    }
    if (done.length > limits.bytes) throw new Error('too many recursive expansions')
  }
  return done + text.slice(from)
}

async function expandInline(
  uri: string,
  place: Place,
  spent: Spent,
  depth: number
): Promise<string> {
  const { text, source } = await fetched(uri, place, spent, depth)
  const { kind } = read(text, source)
  // As in the Collector what is inlined keeps the letters it was written with: 0123 is no 123.
  if (kind !== 'scalar')
    throw new Error(
      `expanding \${${uri}}: retrieved value does not have unambiguous string representation: it is a ${kind}`
    )
  return text.includes('$') ? expandText(text, place, spent, depth + 1) : text
}

async function fetched(uri: string, place: Place, spent: Spent, depth: number): Promise<Retrieved> {
  if (uri.includes('$')) throw new Error(`the uri "${uri}" contains unsupported characters ('$')`)
  if (depth >= expansionsDeep || ++spent.uris > urisInAll || spent.characters > charactersInAll)
    throw new Error('too many recursive expansions')
  const retrieved = await retrieve(uri.includes(':') ? uri : `env:${uri}`, spent.env)
  spent.characters += retrieved.text.length
  const { note, text, source, isOutside } = retrieved
  if (isOutside) {
    const written = `\${${uri}}`
    for (const one of textsOf(unescaped(text), read(text, source)))
      spent.inserted.push({ text: one, written, place })
  }
  if (note && !spent.notes.has(note.text))
    spent.notes.set(note.text, { ...note, place: showPlace(place) })
  return retrieved
}

/** For each `${` of a text that is closed, where; `$$` is a dollar and opens nothing. */
function closingBraces(text: string): Map<number, number> {
  const closing = new Map<number, number>()
  const open: number[] = []
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '}' && open.length > 0) closing.set(open.pop()!, at)
    if (text[at] !== '$') continue
    if (text[at + 1] === '{') open.push(at)
    if (text[at + 1] === '{' || text[at + 1] === '$') at++
  }
  return closing
}
