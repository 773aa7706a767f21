import { access, readdir } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { constants, runInThisContext } from 'node:vm'
import type { z } from 'zod'
import type { Context } from './component.ts'

/** The folders of components; the file name is the registration. */
export const folders = ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const

export type Folder = (typeof folders)[number]

/** What a component's file exports. */
export interface ComponentModule {
  readonly config: z.ZodObject
  readonly default: Factory
  /**
   * Bytes the component may hold with these options, for the bound printed at start; of an exporter
   * beside a lane's `window` of records.
   */
  readonly memory?: Memory
  /** Why a receiver of this kind is given nothing, most of the time: told beside a silence. */
  readonly silence?: string
  /** Of a connector that chooses where records go. */
  readonly targets?: (options: never) => Targets
}

type Memory = (options: never, window: number) => number

/** Where a connector may send records. */
export interface Targets {
  /** Every pipeline that its options name, and where. */
  readonly named: readonly {
    readonly pipeline: string
    readonly path: readonly (string | number)[]
  }[]
  /** It drops what it sends to none of them. */
  readonly dropsOthers: boolean
}

/** Builds a component of its checked options; the engine knows by its folder what comes out. */
export type Factory = (options: unknown, context: Context) => unknown

// `.ts` in the checkout, `.js` in the compiled package.
const extension = extname(import.meta.filename)

/** The directory that holds the folders of components. */
export const componentRoot = resolve(import.meta.dirname, '..')

const namePattern = /^[a-z][a-z0-9_]*$/

/** Names of the components in a folder, sorted. */
export async function componentNames(folder: Folder, root = componentRoot): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(() => [])
  const names = entries.flatMap((entry) => {
    if (entry.isDirectory()) return [entry.name]
    return extname(entry.name) === extension ? [entry.name.slice(0, -extension.length)] : []
  })
  return names.filter((name) => namePattern.test(name)).sort()
}

/** The component's module, or undefined when the folder has none of that name. */
export async function loadComponent(
  folder: Folder,
  name: string,
  root = componentRoot
): Promise<ComponentModule | undefined> {
  if (!namePattern.test(name)) return undefined
  // A component that has grown past one file is a folder with a file of its own name.
  for (const path of [`${name}${extension}`, join(name, `${name}${extension}`)]) {
    const file = join(root, folder, path)
    if (!(await exists(file))) continue
    return checked(await imported(() => import(pathToFileURL(file).href), file), file)
  }
  return undefined
}

/**
 * A component outside the tree: a path, or an npm package, as an import in the working directory
 * would find it. `exported` is set when the module has no such component but a class to adapt.
 */
export async function loadModule(
  specifier: string
): Promise<{ component: ComponentModule } | { exported: string }> {
  const found = await imported(() => importFromWorkingDirectory(specifier), specifier)
  const isClass = typeof found.default === 'function' && /^class\b/.test(`${found.default}`)
  return isClass && found.config === undefined
    ? { exported: 'default' }
    : { component: checked(found, specifier) }
}

/** What `import(specifier)` gives a module in the working directory. */
export function importFromWorkingDirectory(specifier: string): Promise<Record<string, unknown>> {
  if (/^\.{0,2}\//.test(specifier)) return import(pathToFileURL(resolve(specifier)).href)
  // import.meta.resolve() takes no other parent than this file; a script says where it stands itself.
  const load = runInThisContext('(specifier) => import(specifier)', {
    filename: join(process.cwd(), 'pipeline.yaml'),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER
  }) as (specifier: string) => Promise<Record<string, unknown>>
  return load(specifier)
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false
  )
}

async function imported(
  load: () => Promise<Record<string, unknown>>,
  name: string
): Promise<Record<string, unknown>> {
  try {
    return await load()
  } catch (cause) {
    const message = (cause as Error | undefined)?.message ?? String(cause)
    throw new Error(`loading ${name}: ${message.split('\n')[0]}`, { cause })
  }
}

function checked(found: Record<string, unknown>, name: string): ComponentModule {
  const { config, default: create, memory, silence, targets } = found
  if (!isObjectSchema(config))
    throw new Error(`loading ${name}: it must export \`config\`, a z.strictObject of zod 4`)
  if (typeof create !== 'function')
    throw new Error(`loading ${name}: it must export a default function that makes the component`)
  return {
    config,
    default: create as Factory,
    ...(typeof memory === 'function' && { memory: memory as Memory }),
    ...(typeof silence === 'string' && { silence }),
    ...(typeof targets === 'function' && {
      targets: targets as NonNullable<ComponentModule['targets']>
    })
  }
}

/** Not instanceof: a module outside the tree may bring its own copy of zod. */
function isObjectSchema(config: unknown): config is z.ZodObject {
  const schema = config as Partial<z.ZodObject> | undefined
  return schema?.def?.type === 'object' && typeof schema.safeExtend === 'function'
}
