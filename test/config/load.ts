import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { ConfigErrors, type Note } from '../../src/config/errors.ts'
import { type LoadOptions, loadConfig } from '../../src/config/load_config.ts'

export const root = resolve(import.meta.dirname, '../fixtures/components')

const directories: string[] = []
afterAll(() => Promise.all(directories.map((path) => rm(path, { recursive: true }))))

/** Writes files to a directory of their own and gives their path. */
export async function written(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'auditcol-config-'))
  directories.push(directory)
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  return directory
}

type Some = Partial<LoadOptions> & { files?: Record<string, string> }

/** Loads `pipeline.yaml` with this text (and other files beside it) over the fixture components. */
export async function load(
  text: string,
  { files = {}, ...options }: Some = {}
): Promise<{ config: Config; notes: readonly Note[]; directory: string }> {
  const directory = await written({ 'pipeline.yaml': text, ...files })
  const config = (options.config ?? ['pipeline.yaml']).map((value) =>
    /^[a-z]+:/.test(value) ? value.replace('file:./', `file:${directory}/`) : join(directory, value)
  )
  try {
    const loaded = await loadConfig({
      set: [],
      logsOnly: false,
      env: {},
      root,
      ...options,
      config
    })
    const notes = loaded.notes.map((note) => ({
      ...note,
      place: note.place.replace(`${directory}/`, '')
    }))
    return { ...loaded, notes, directory }
  } catch (error) {
    if (error instanceof ConfigErrors) error.message = error.message.replaceAll(`${directory}/`, '')
    throw error
  }
}

/** The lines of what is wrong with it. */
export async function errorsOf(text: string, options: Some = {}): Promise<string[]> {
  try {
    await load(text, options)
  } catch (error) {
    if (error instanceof ConfigErrors) return error.message.split('\n')
    throw error
  }
  throw new Error('the configuration was accepted')
}

/** A good configuration around an exporter's body, whose first line is line 4. */
export function withExporter(id: string, body: string): string {
  const indented = body.replaceAll(/^(?=.)/gm, '    ')
  return `receivers: { otlp: { protocols: { http: } } }
exporters:
  ${id}:
${indented}
service:
  pipelines:
    logs: { receivers: [otlp], exporters: [${id}] }
`
}
