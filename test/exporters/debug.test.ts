import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import debug, { config } from '../../exporters/debug.ts'
import { encodeLogs } from '../../src/logs/encode.ts'
import { joinLogs } from '../../src/logs/logs.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { laneContext, sent } from '../batches.ts'

const resource = {
  attributes: { 'service.name': 'proxy' },
  schemaUrl: 'https://opentelemetry.io/schemas/1.25.0'
} as unknown as ReadableLogRecord['resource']
const scope = { name: 'audit', version: '1.2.3' }
const created = {
  resource,
  instrumentationScope: scope,
  hrTime: [1_581_452_773, 789],
  hrTimeObserved: [0, 0],
  severityNumber: 9,
  severityText: 'INFO',
  eventName: 'key.created',
  body: { who: 'kim', limits: { tpm: 5, share: 0.5 }, tags: ['a', null] },
  attributes: { 'user.id': 'kim', big: 9_007_199_254_740_993n, ok: true, raw: Uint8Array.of(1, 2) },
  spanContext: {
    traceId: '08040201000000000000000000000000',
    spanId: '0102040800000000',
    traceFlags: 1
  },
  droppedAttributesCount: 0
} as unknown as ReadableLogRecord
const deleted = {
  resource,
  instrumentationScope: scope,
  hrTime: [1_581_452_774, 0],
  hrTimeObserved: [0, 0],
  severityNumber: 18,
  body: 'two\nlines',
  attributes: {},
  droppedAttributesCount: 0
} as unknown as ReadableLogRecord
const logs = encodeLogs([created, deleted])
const never = new AbortController().signal

describe('verbosity', () => {
  test('basic: one line of counts for each batch', async () => {
    const { exporter, lines } = inLog({})
    await exporter(sent(joinLogs([logs, logs])), never)
    expect(lines).toEqual([{ msg: 'Logs', 'resource logs': 2, 'log records': 4 }])
  })

  test('normal: about one line for each record, as the Collector writes it', async () => {
    const { exporter, lines } = inLog({ verbosity: 'normal' })
    await exporter(sent(logs), never)
    expect(lines[0]).toMatchObject({ msg: 'Logs', 'log records': 2 })
    expect(lines[1]?.msg).toBe(
      [
        'ResourceLog #0 [https://opentelemetry.io/schemas/1.25.0] service.name=proxy',
        'ScopeLog #0 audit@1.2.3',
        '{"limits":{"share":0.5,"tpm":5},"tags":["a",null],"who":"kim"} user.id=kim big=9007199254740993 ok=true raw=AQI=',
        'two',
        'lines',
        ''
      ].join('\n')
    )
  })

  test('detailed: every field, as the Collector writes it', async () => {
    const { exporter, lines } = inLog({ verbosity: 'Detailed' })
    await exporter(sent(logs), never)
    expect(lines[1]?.msg).toBe(
      [
        'ResourceLog #0',
        'Resource SchemaURL: https://opentelemetry.io/schemas/1.25.0',
        'Resource attributes:',
        '     -> service.name: Str(proxy)',
        'ScopeLogs #0',
        'ScopeLogs SchemaURL: ',
        'InstrumentationScope audit 1.2.3',
        'LogRecord #0',
        'ObservedTimestamp: 1970-01-01 00:00:00 +0000 UTC',
        'Timestamp: 2020-02-11 20:26:13.000000789 +0000 UTC',
        'SeverityText: INFO',
        'SeverityNumber: Info(9)',
        'EventName: key.created',
        'Body: Map({"limits":{"share":0.5,"tpm":5},"tags":["a",null],"who":"kim"})',
        'Attributes:',
        '     -> user.id: Str(kim)',
        '     -> big: Int(9007199254740993)',
        '     -> ok: Bool(true)',
        '     -> raw: Bytes(AQI=)',
        'Trace ID: 08040201000000000000000000000000',
        'Span ID: 0102040800000000',
        'Flags: 1',
        'LogRecord #1',
        'ObservedTimestamp: 1970-01-01 00:00:00 +0000 UTC',
        'Timestamp: 2020-02-11 20:26:14 +0000 UTC',
        'SeverityText: ',
        'SeverityNumber: Error2(18)',
        'Body: Str(two\nlines)',
        'Trace ID: ',
        'Span ID: ',
        'Flags: 0',
        ''
      ].join('\n')
    )
  })
})

describe('sampling', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 5_000 }))
  afterEach(() => void vi.useRealTimers())

  test('the first ones of a second, then every so-manieth, anew in the next second', async () => {
    const { exporter, lines } = inLog({ sampling_initial: 2, sampling_thereafter: 3 })
    for (let count = 0; count < 8; count++) await exporter(sent(logs), never)
    expect(lines).toHaveLength(4)
    vi.setSystemTime(6_000)
    await exporter(sent(logs), never)
    expect(lines).toHaveLength(5)
  })

  test('none but the first ones with sampling_thereafter 0', async () => {
    const { exporter, lines } = inLog({ sampling_initial: 1, sampling_thereafter: 0 })
    for (let count = 0; count < 5; count++) await exporter(sent(logs), never)
    expect(lines).toHaveLength(1)
  })
})

describe('output_paths', () => {
  let directory = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'debug-'))
  })
  afterEach(() => {
    vi.restoreAllMocks()
    rmSync(directory, { recursive: true, force: true })
  })

  test('files are appended to, without time and level', async () => {
    const path = join(directory, 'out.txt')
    for (let run = 0; run < 2; run++) {
      const exporter = debug(
        config.parse({ use_internal_logger: false, output_paths: [path], verbosity: 'normal' }),
        laneContext()
      )
      await exporter(sent(encodeLogs([deleted])), never)
    }
    const text = [
      'Logs\t{"resource logs":1,"log records":1}',
      'ResourceLog #0 [https://opentelemetry.io/schemas/1.25.0] service.name=proxy',
      'ScopeLog #0 audit@1.2.3',
      'two',
      'lines',
      ''
    ].join('\n')
    expect(readFileSync(path, 'utf8')).toBe(text + text)
  })

  test('stdout without any', async () => {
    const write = vi
      .spyOn(process.stdout, 'write')
      .mockImplementation((_text, done) => (done as unknown as () => void)() === undefined)
    const exporter = debug(config.parse({ use_internal_logger: false }), laneContext())
    await exporter(sent(logs), never)
    expect(write.mock.calls[0]![0]).toBe('Logs\t{"resource logs":1,"log records":2}\n')
  })

  test('a write that fails rejects the attempt', async () => {
    const exporter = debug(
      config.parse({ use_internal_logger: false, output_paths: ['/dev/full'] }),
      laneContext()
    )
    await expect(exporter(sent(logs), never)).rejects.toMatchObject({ code: 'ENOSPC' })
  })

  test('a file that cannot be opened is named at start', () => {
    const path = join(directory, 'none', 'out.txt')
    expect(() =>
      debug(config.parse({ use_internal_logger: false, output_paths: [path] }), laneContext())
    ).toThrow(`opening ${path} of output_paths`)
  })
})

test.each([
  [{ output_paths: ['x'] }, 'output_paths requires use_internal_logger to be false'],
  [{ use_internal_logger: false, output_paths: [''] }, 'output_paths cannot contain empty values'],
  [{ verbosity: 'none' }, 'verbosity level "none" is not supported: use basic, normal or detailed']
])('%j is refused', (options, message) => {
  const issues = config.safeParse(options).error?.issues
  expect(issues?.map((issue) => issue.message)).toEqual([message])
})

function inLog(options: object) {
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => {
    const { level: _, ts: __, ...rest } = JSON.parse(line)
    lines.push(rest)
  }
  const log = createLog({ level: 'info', encoding: 'json', write })
  const exporter = debug(config.parse(options), { ...laneContext(), log })
  return { exporter, lines }
}
