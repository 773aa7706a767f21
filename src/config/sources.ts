import { ConfigErrors, type Place, type Problem } from './errors.ts'
import {
  type Entry,
  emptyMap,
  isNull,
  limits,
  type MapNode,
  mergeNodes,
  type Node,
  plain
} from './node.ts'
import { typeText } from './problems.ts'
import { readText, retrieve } from './retrieve.ts'
import { parseYaml } from './yaml.ts'

const sourcesAtMost = 100

/**
 * Reads every `--config` value (a path, `file:`, `env:` or `yaml:`) and every `--set` and merges
 * them in this order, later over earlier. Throws ConfigErrors that name all that cannot be read.
 */
export async function readSources(
  config: readonly string[],
  set: readonly string[],
  env: NodeJS.ProcessEnv
): Promise<MapNode> {
  if (config.length === 0) fail('--config', 'at least one config flag must be provided')
  if (config.length + set.length > sourcesAtMost)
    fail('--config', `more than ${sourcesAtMost} --config and --set values`)
  const problems: Problem[] = []
  const nodes: MapNode[] = []
  const reads = [
    ...config.map((value) => () => readConfig(value, env)),
    ...set.map((value) => () => readSet(value))
  ]
  for (const read of reads) {
    try {
      nodes.push(await read())
    } catch (error) {
      if (!(error instanceof ConfigErrors)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new ConfigErrors(problems)
  return nodes.reduce((earlier, later) => mergeNodes(earlier, later) as MapNode)
}

function fail(source: string, message: string): never {
  throw new ConfigErrors([{ place: { source }, path: '', message }])
}

async function readConfig(value: string, env: NodeJS.ProcessEnv): Promise<MapNode> {
  const { text, source } = await readValue(value, env)
  return unflattened(topLevel(parseYaml(text.replace(/^\uFEFF/, ''), source)))
}

async function readValue(value: string, env: NodeJS.ProcessEnv) {
  // One letter before the colon is a drive, as in the Collector, and no scheme.
  const scheme = value.match(/^([A-Za-z][A-Za-z0-9+.-]+):/)?.[1]
  try {
    if (scheme === undefined) return { text: await readText(value), source: value }
    const { text, source } = await retrieve(value, env)
    if (scheme === 'env' && text === '')
      throw new Error(`environment variable ${source.slice('env:'.length)} is not set or empty`)
    return { text, source: scheme === 'yaml' ? '--config yaml' : source }
  } catch (error) {
    return fail('--config', (error as Error).message)
  }
}

/** `a::b=c` or `a.b=c`; with `::` in it a dot is part of a name. The value is YAML. */
function readSet(assignment: string): MapNode {
  const equals = assignment.indexOf('=')
  if (equals < 0) fail('--set', `invalid value "${assignment}" for flag -set: missing equal sign`)
  const key = assignment.slice(0, equals).trim()
  // The value may be a secret: a place names the key only.
  const place: Place = { source: `--set ${key}` }
  const path = key.split(key.includes('::') ? '::' : '.')
  if (path.includes('')) fail(place.source, 'a key is missing before the equal sign')
  if (path.length > limits.depth) fail('--set', 'nested too deeply')
  const value = withPlace(parseYaml(assignment.slice(equals + 1), place.source), place)
  return path.reduceRight<Node>(
    (node, part) => ({ kind: 'map', place, entries: new Map([[part, { place, node }]]) }),
    value
  ) as MapNode
}

function withPlace(node: Node, place: Place): Node {
  if (node.kind === 'list')
    return { ...node, place, items: node.items.map((item) => withPlace(item, place)) }
  if (node.kind === 'scalar') return { ...node, place }
  const entries = [...node.entries].map(([key, entry]): [string, Entry] => [
    key,
    { place, node: withPlace(entry.node, place) }
  ])
  return { ...node, place, entries: new Map(entries) }
}

function topLevel(node: Node): MapNode {
  if (node.kind === 'map') return node
  const place = { source: node.place.source }
  if (isNull(node)) return emptyMap(place)
  const message = typeText('record', plain(node))
  throw new ConfigErrors([{ place: node.place, path: '', message }])
}

/** `yaml:processors::batch::timeout: 2s`: a top level key may be a whole path, as in the Collector. */
function unflattened(node: MapNode): MapNode {
  if (![...node.entries.keys()].some((key) => key.includes('::'))) return node
  const parts = [...node.entries].map(([key, entry]) =>
    key.split('::').reduceRight<Entry>((inner, part) => {
      const entries = new Map([[part, inner]])
      return { place: entry.place, node: { kind: 'map', place: entry.place, entries } }
    }, entry)
  )
  return parts.reduce((all, part) => mergeNodes(all, part.node) as MapNode, emptyMap(node.place))
}
