import { checkLogs } from '../../src/logs/check.ts'
import { editLogs, newLogsView } from '../../src/logs/edit.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { jsonFromLogs } from '../../src/logs/to_json.ts'
import { emptyMap } from '../../src/logs/value.ts'
import { OttlError } from '../../src/ottl/errors.ts'
import { parseCondition, parseStatement } from '../../src/ottl/statements.ts'
import type { View } from '../../src/ottl/values.ts'

export interface AnyValueJson {
  stringValue?: string
  intValue?: string
  doubleValue?: number | string
  boolValue?: boolean
  bytesValue?: string
  arrayValue?: { values?: AnyValueJson[] }
  kvlistValue?: { values?: KeyValueJson[] }
}

interface KeyValueJson {
  key: string
  value?: AnyValueJson
}

interface LogsJson {
  resourceLogs: {
    resource?: { attributes?: KeyValueJson[] }
    schemaUrl?: string
    scopeLogs: {
      scope?: { name?: string; version?: string; attributes?: KeyValueJson[] }
      schemaUrl?: string
      logRecords: ({ body?: AnyValueJson; attributes?: KeyValueJson[] } & Record<string, unknown>)[]
    }[]
  }[]
}

export function logsOf(json: object): Logs {
  return logsFromJson(Buffer.from(JSON.stringify(json)))
}

/** Logs with one record of these attributes, plain ones. */
export function oneRecord(attributes: Record<string, AnyValueJson>, record: object = {}): Logs {
  const list = Object.entries(attributes).map(([key, value]) => ({ key, value }))
  return logsOf({
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes: list, ...record }] }] }]
  })
}

export function newView(): View {
  return { ...newLogsView(), cache: emptyMap }
}

/** Runs a statement, or whatever it is, on each record; what comes out is checked OTLP. */
export function runOn(logs: Logs, run: (view: View) => unknown): Logs {
  const view = newView()
  const out = editLogs(logs, view, {
    record: () => {
      view.cache = emptyMap
      run(view)
      return true
    }
  })
  return checkLogs(Buffer.concat(out.chunks))
}

export function statement(text: string, implied = false) {
  return parseStatement(text, { context: 'log', implied })
}

export function condition(text: string, implied = false) {
  return parseCondition(text, { context: 'log', implied })
}

/** The error that the text is refused with, as `place: message`. */
export function refusal(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    if (error instanceof OttlError) return `${error.at}: ${error.message}`
    throw error
  }
  return 'accepted'
}

/** The first record and what is around it, each field by its path; ints and bytes say what they are. */
export function flatten(logs: Logs): Record<string, unknown> {
  const json = JSON.parse(Buffer.concat([...jsonFromLogs(logs)]).toString()) as LogsJson
  const resource = json.resourceLogs[0]!
  const scope = resource.scopeLogs[0]!
  const { body, attributes, ...record } = scope.logRecords[0]!
  const fields: Record<string, unknown> = {
    ...under('resource.attributes.', plainMap(resource.resource?.attributes)),
    'resource.schemaUrl': resource.schemaUrl,
    'scope.name': scope.scope?.name,
    'scope.version': scope.scope?.version,
    'scope.schemaUrl': scope.schemaUrl,
    ...under('scope.attributes.', plainMap(scope.scope?.attributes)),
    ...record,
    body: (body && plain(body)) ?? undefined,
    ...under('attributes.', plainMap(attributes))
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** Fields that are not as they were; those that are not there any more are `gone`. */
export function changes(before: Logs, after: Logs): Record<string, unknown> {
  const old = flatten(before)
  const now = flatten(after)
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])]
  const differ = names.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(now[name]))
  return Object.fromEntries(differ.map((name) => [name, name in now ? now[name] : 'gone']))
}

function under(prefix: string, map: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [prefix + key, value]))
}

function plainMap(pairs: KeyValueJson[] = []): Record<string, unknown> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, plain(value ?? {})]))
}

function plain(value: AnyValueJson): unknown {
  if (value.intValue !== undefined) return `int ${value.intValue}`
  if (value.bytesValue !== undefined) return `bytes ${value.bytesValue}`
  if (typeof value.doubleValue === 'string') return `double ${value.doubleValue}`
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain)
  if (value.kvlistValue !== undefined) return plainMap(value.kvlistValue.values)
  return value.stringValue ?? value.doubleValue ?? value.boolValue ?? null
}
