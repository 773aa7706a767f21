import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compatSections, type Section } from '../../src/config/compat.ts'
import { newDir } from '../e2e/auditcol.ts'

const collector = process.env.AUDITCOL_COLLECTOR

if (collector === undefined) {
  console.log('skipped: the keys of the OpenTelemetry Collector (AUDITCOL_COLLECTOR names none)')
}

const sections = await compatSections()
const sectionOf = (folder: string, name: string): Section =>
  sections.find((one) => one.folder === folder && one.name === name)!

const good = {
  receivers: { otlp: { protocols: { grpc: { endpoint: 'localhost:1' } } } },
  processors: {
    batch: {},
    attributes: { actions: [{ key: 'a', action: 'delete' }] },
    resource: { attributes: [{ key: 'a', action: 'delete' }] },
    groupbyattrs: {},
    redaction: {}
  },
  exporters: {
    otlp_grpc: { endpoint: 'localhost:2' },
    otlp_http: { endpoint: 'http://localhost:3' }
  },
  service: { pipelines: { logs: { receivers: ['otlp'], exporters: ['otlp_grpc'] } } }
}

/** Where each section's keys stand in a whole configuration. */
const places: { section: Section; at: string[] }[] = [
  { section: sectionOf('receivers', 'otlp'), at: ['receivers', 'otlp'] },
  { section: sectionOf('processors', 'batch'), at: ['processors', 'batch'] },
  { section: sectionOf('processors', 'attributes'), at: ['processors', 'attributes'] },
  { section: sectionOf('processors', 'resource'), at: ['processors', 'resource'] },
  { section: sectionOf('processors', 'groupbyattrs'), at: ['processors', 'groupbyattrs'] },
  { section: sectionOf('processors', 'redaction'), at: ['processors', 'redaction'] },
  { section: sectionOf('exporters', 'otlp_grpc'), at: ['exporters', 'otlp_grpc'] },
  { section: sectionOf('exporters', 'otlp_http'), at: ['exporters', 'otlp_http'] },
  { section: sectionOf('exporters', 'every'), at: ['exporters', 'otlp_grpc'] },
  { section: sectionOf('service', 'service'), at: ['service'] }
]

/** Where this Collector takes any key: it reads these by code of their own. */
const takesAnything = /^exporters otlp_http [a-z_]+$|^receivers otlp (protocols\.http\.)?[a-z_]+$/

describe.skipIf(collector === undefined)('docs/compat.md and a real Collector', () => {
  test.each(places)(
    '$section.folder $section.name: it has the keys that are called its own, and no other',
    {
      timeout: 60_000
    },
    async ({ section: { folder, name, keys }, at }) => {
      const wrong: string[] = []
      await Promise.all(
        inFours(keys).map(async (some) => {
          for (const { key, is } of some) {
            if (takesAnything.test(`${folder} ${name} ${key}`)) continue
            if (
              (await refuses([...at, ...key.replace('<name>', 'logs').split('.')])) !==
              (is === 'ours')
            )
              wrong.push(`${key}: ${is}`)
          }
        })
      )
      expect(wrong).toEqual([])
    }
  )
})

/** Whether the Collector calls a key of the path invalid, without a value. */
async function refuses(path: readonly string[]): Promise<boolean> {
  const file = join(newDir(), 'collector.yaml')
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(withKey(good, path)))
  const heard = await new Promise<string>((resolve) => {
    execFile(collector!, ['validate', '--config', file], (_, stdout, stderr) =>
      resolve(stdout + stderr)
    )
  })
  const named = [...heard.matchAll(/has invalid keys: (.*)/g)].flatMap(([, keys]) =>
    keys!.split(', ')
  )
  return named.some((key) => path.includes(key))
}

function withKey(into: object, [key = '', ...rest]: readonly string[]): object {
  const list = key.replace(/\[\]$/, '')
  if (list !== key) {
    const [first = {}] = (into as Record<string, object[] | undefined>)[list] ?? []
    return { ...into, [list]: [withKey(first, rest)] }
  }
  const now = (into as Record<string, object | undefined>)[key]
  if (rest.length === 0) return key in into ? into : { ...into, [key]: null }
  return { ...into, [key]: withKey(now ?? {}, rest) }
}

function inFours<T>(all: readonly T[]): T[][] {
  return [0, 1, 2, 3].map((part) => all.filter((_, index) => index % 4 === part))
}
