import { DiagLogLevel, diag } from '@opentelemetry/api'
import type { LogRecordExporter, ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { z } from 'zod'
import { type Context, type Exporter, PermanentError } from '../src/component.ts'
import { importFromWorkingDirectory } from '../src/load.ts'
import { decodeLogs } from '../src/logs/decode.ts'
import type { Logs } from '../src/logs/logs.ts'
import type { Log } from '../src/telemetry/log.ts'

/*
 * What such an exporter calls success is outside our promise. The SDK's own OTLP exporter reports
 * success when the other side has rejected some of the records (partial_success); the SDK says so
 * through its diagnostics only, and those appear in our log as warnings. It also tries again by
 * itself, within its `timeoutMillis`, beside the lane's own retries.
 * Records are handed over decoded, without what JavaScript objects cannot keep: whether a whole
 * number was a double, duplicate keys, unknown fields. Integers beyond 2^53 become their digits.
 *
 * The SDK's interface has no way to withdraw a call. After the attempt's timeout we therefore say
 * so once and wait on for its answer, since a repeat beside the open call would deliver twice (L3);
 * a late success counts. An exporter that never answers, against the SDK's specification, holds its
 * lane until the process stops; the records stay in the journal.
 */

/** Sends through any `LogRecordExporter` of the OpenTelemetry JS SDK; `type: "module#Export"` names one. */
export const config = z.strictObject({
  module: z
    .string()
    .min(1)
    .describe(
      'npm package, or path (`./…`) from the working directory, as an import there would find it.'
    ),
  export: z.string().min(1).describe('Name under which the module exports the class.'),
  options: z
    .record(z.string(), z.unknown())
    .default({})
    .describe("Options for the class's constructor, passed as they are.")
})

export default async function otelSdk(
  { module, export: name, options }: z.infer<typeof config>,
  { log, stopping }: Context
): Promise<Exporter> {
  const exporter = create(await load(module), module, name, options)
  forwardDiagnostics(log)
  const open = new Set<(error: Error) => void>()
  stopping.addEventListener(
    'abort',
    async () => {
      await shutDown(exporter, name, log)
      for (const reject of open) reject(new Error(`${name} was shut down before it answered`))
    },
    { once: true }
  )
  return async ({ logs }, signal) => {
    const late = () => log.warn(`waiting on for ${name}: it has not answered within its timeout`)
    signal.addEventListener('abort', late, { once: true })
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    open.add(reject)
    try {
      exporter.export(recordsOf(logs), ({ code, error }) => {
        if (code === success) resolve()
        else reject(failure(name, error))
      })
      await promise
    } finally {
      open.delete(reject)
      signal.removeEventListener('abort', late)
    }
  }
}

/**
 * Bigints become text, because these exporters do not expect any: those for OTLP write an empty
 * value in their place without a word, and JSON.stringify() throws.
 */
function recordsOf(logs: Logs): ReadableLogRecord[] {
  const records = decodeLogs(logs)
  for (const record of records) writeOutBigints(record)
  return records
}

/** Changes objects in place: nobody else holds what was decoded for this attempt. */
function writeOutBigints(holder: object): void {
  const members = holder as Record<string, unknown>
  for (const key of Object.keys(members)) {
    const value = members[key]
    if (typeof value === 'bigint') members[key] = String(value)
    else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
      writeOutBigints(value)
    }
  }
}

/** ExportResultCode.SUCCESS of @opentelemetry/core, which would be a dependency for this number. */
const success = 0

/** Statuses that say that the data, not the server or the credentials, is at fault. */
const permanent = new Set([400, 413, 422])

function failure(name: string, cause: Error | undefined): Error {
  const { name: kind, code } = (cause ?? {}) as { name?: string; code?: unknown }
  const certain = kind === 'OTLPExporterError' && typeof code === 'number' && permanent.has(code)
  const options = cause === undefined ? {} : { cause }
  const message = `exporting with ${name}`
  return certain ? new PermanentError(message, options) : new Error(message, options)
}

async function load(module: string): Promise<Record<string, unknown>> {
  try {
    return await importFromWorkingDirectory(module)
  } catch (cause) {
    throw new Error(`loading module "${module}"`, { cause })
  }
}

function create(
  found: Record<string, unknown>,
  module: string,
  name: string,
  options: object
): LogRecordExporter {
  // Node cannot see every export of a CommonJS module by name; all are on its default.
  const Export = found[name] ?? (found.default as Record<string, unknown> | undefined)?.[name]
  if (typeof Export !== 'function') {
    const classes = Object.keys(found).filter((key) => /^[A-Z].*Exporter/.test(key))
    const hint = classes.length > 0 ? `; it has ${classes.join(', ')}` : ''
    throw new Error(`module "${module}" has no class "${name}"${hint}`)
  }
  const exporter = construct(Export as new (options: object) => unknown, name, options)
  for (const method of ['export', 'shutdown'] as const) {
    if (typeof (exporter as Partial<LogRecordExporter>)[method] === 'function') continue
    throw new Error(`"${name}" of module "${module}" is no LogRecordExporter: no ${method}()`)
  }
  return exporter as LogRecordExporter
}

function construct(Export: new (options: object) => unknown, name: string, options: object) {
  try {
    return Object(new Export(options)) as object
  } catch (cause) {
    throw new Error(`creating ${name}`, { cause })
  }
}

/** The SDK has one place for its diagnostics in a process; partial rejections are told nowhere else. */
function forwardDiagnostics(log: Log): void {
  const print =
    (level: 'warn' | 'error') =>
    (message: string, ...more: unknown[]) => {
      log[level]([message, ...more.map(text)].join(' '))
    }
  const [warn, error] = [print('warn'), print('error')]
  const quiet = () => {}
  diag.setLogger(
    { error, warn, info: quiet, debug: quiet, verbose: quiet },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true }
  )
}

function text(value: unknown): string {
  return value instanceof Error ? value.message : String(value)
}

async function shutDown(exporter: LogRecordExporter, name: string, log: Log): Promise<void> {
  try {
    await exporter.forceFlush?.()
    await exporter.shutdown()
  } catch (error) {
    log.warn(`shutting down ${name}`, { error: text(error) })
  }
}
