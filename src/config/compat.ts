import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { componentNames, componentRoot, type Folder, folders, loadComponent } from '../load.ts'
import { deliveryKeys } from './delivery.ts'
import { intakeKeys } from './intake.ts'
import { type Key, keysOf } from './key_table.ts'
import { serviceSchema } from './service.ts'

/**
 * What docs/compat/ says of a component's keys, beside the schema. `a.*` is `a` and all keys below it
 * that are not named themselves. What the schema refuses is not named at all: it says why itself.
 */
const notesSchema = z.strictObject({
  /** Keys with the Collector's meaning. */
  same: z.array(z.string()).default([]),
  /** Keys of the Collector that mean something else here, and what. */
  differs: z.record(z.string(), z.string()).default({}),
  /** Keys that the Collector has not, and what for; a text: it has not the component either. */
  ours: z.union([z.string(), z.record(z.string(), z.string())]).default({}),
  /** Keys of the Collector that the schema does not know, and why not. */
  refused: z.record(z.string(), z.string()).default({})
})

type Notes = z.infer<typeof notesSchema>

/** Each key of one section, with how it stands to the Collector's. */
export interface Section {
  readonly folder: Folder | 'service'
  readonly name: string
  readonly ours: string | undefined
  readonly keys: readonly Standing[]
  /** Keys that no note is for, and notes that no key is for. */
  readonly problems: readonly string[]
}

export interface Standing {
  readonly key: string
  readonly is: 'same' | 'differs' | 'ours' | 'refused'
  readonly note: string
}

/** All components of the tree, what every receiver and exporter takes beside its own keys, and the service. */
export async function compatSections(root = componentRoot): Promise<Section[]> {
  const sections: Section[] = []
  const shared = { receivers: z.strictObject(intakeKeys), exporters: z.strictObject(deliveryKeys) }
  const add = async (folder: Section['folder'], name: string, schema: z.ZodType) => {
    const path = folder === 'service' ? 'service.yaml' : join(folder, `${name}.yaml`)
    sections.push(
      sectionOf({ folder, name }, keysOf(schema), await readNotes(join(root, 'docs/compat', path)))
    )
  }
  for (const folder of folders) {
    for (const name of await componentNames(folder, root)) {
      await add(folder, name, (await loadComponent(folder, name, root))!.config)
    }
    if (folder === 'receivers' || folder === 'exporters') await add(folder, 'every', shared[folder])
  }
  await add('service', 'service', serviceSchema)
  return sections
}

async function readNotes(path: string): Promise<Notes> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new Error(
      `reading ${path}: every component says there how its keys stand to the Collector's`,
      { cause }
    )
  })
  return notesSchema.parse(parse(text))
}

function sectionOf(
  about: Pick<Section, 'folder' | 'name'>,
  keys: readonly Key[],
  notes: Notes
): Section {
  const { ours, refused } = notes
  if (typeof ours === 'string') return { ...about, ours, keys: [], problems: [] }
  const named = new Map<string, Omit<Standing, 'key'>>([
    ...notes.same.map((key) => [key, { is: 'same', note: '' }] as const),
    ...Object.entries(notes.differs).map(([key, note]) => [key, { is: 'differs', note }] as const),
    ...Object.entries(ours).map(([key, note]) => [key, { is: 'ours', note }] as const)
  ])
  const used = new Set<string>()
  const problems: string[] = []
  const standings = keys.flatMap(({ key, refused }): Standing[] => {
    if (refused !== undefined) return [{ key, is: 'refused', note: refused }]
    const by = [key, ...groupsAround(key)].find((one) => named.has(one))
    if (by === undefined) problems.push(`${key}: nothing is said of it`)
    else used.add(by)
    return by === undefined ? [] : [{ key, ...named.get(by)! }]
  })
  for (const key of named.keys()) {
    if (!used.has(key)) problems.push(`${key}: the schema has no such key, or refuses it`)
  }
  for (const [key, note] of Object.entries(refused)) {
    if (keys.some((one) => one.key === key)) problems.push(`${key}: the schema has it`)
    standings.push({ key, is: 'refused', note })
  }
  return { ...about, ours: undefined, keys: standings, problems }
}

/** `a.b[].c` is in `a.b.c.*`, `a.b.*` and `a.*`. */
function groupsAround(key: string): string[] {
  const parts = key.replaceAll('[]', '').split('.')
  return parts.map((_, index) => `${parts.slice(0, parts.length - index).join('.')}.*`)
}

/** Markdown of docs/compat.md. */
export function compatReference(sections: readonly Section[]): string {
  return `${['# Beside the Collector', intro, ...sections.flatMap(shown)].join('\n\n')}\n`
}

const intro = `Written by \`npm run docs\` from the schemas and docs/compat/, compared with version 0.162 of the Collector. A key is here as it is
there, or differs as said, or start refuses it with the reason. Keys that neither has are refused, as there.`

function shown({ folder, name, ours, keys }: Section): string[] {
  const title = name === 'every' ? `every ${folder.slice(0, -1)}` : name
  const heading = `## ${folder === 'service' ? title : `${folder}: ${title}`}`
  if (ours !== undefined) return [heading, ours]
  if (keys.length === 0) return [heading, 'No keys, as there.']
  const same = keys.filter(({ is }) => is === 'same').map(({ key }) => `\`${key}\``)
  const others = keys.filter(({ is }) => is !== 'same')
  const rows = others.map(
    ({ key, is, note }) => `| \`${key}\` | ${is} | ${note.replaceAll('|', '\\|')} |`
  )
  return [
    heading,
    ...(same.length > 0 ? [`The same: ${same.join(', ')}.`] : []),
    ...(rows.length > 0 ? [['| key | | |', '| --- | --- | --- |', ...rows].join('\n')] : [])
  ]
}
