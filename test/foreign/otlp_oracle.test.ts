import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { auditLogs } from '../../bench/audit_logs.ts'
import { checkLogs } from '../../src/logs/check.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import type { Logs } from '../../src/logs/logs.ts'
import { jsonFromLogs } from '../../src/logs/to_json.ts'
import { arbitraryRequest } from '../logs/arbitrary_logs.ts'
import { encodeSecond } from '../logs/second_codec.ts'

const python = process.env.AUDITCOL_PYTHON
if (python === undefined) {
  console.log(
    "skipped: OTLP against Python's opentelemetry-proto (AUDITCOL_PYTHON names no python that has it)"
  )
}

const bytesOf = (logs: Logs) => Buffer.concat(logs.chunks)
const json = (logs: Logs) => Buffer.concat([...jsonFromLogs(logs)]).toString()

test.skipIf(python === undefined)(
  "Python's opentelemetry-proto reads our protobuf and JSON as one message, and we read what it writes",
  { timeout: 60_000 },
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'auditcol-oracle-'))
    try {
      const samples = sampleLogs()
      for (const [index, logs] of samples.entries()) {
        writeFileSync(join(folder, `${index}.pb`), bytesOf(logs))
        writeFileSync(join(folder, `${index}.json`), json(logs))
      }
      const script = join(import.meta.dirname, 'otlp_oracle.py')
      const said = execFileSync(python!, [script, folder], { encoding: 'utf8' })
      expect(said).toBe(`${samples.length} requests agree\n`)
      for (const [index, logs] of samples.entries()) {
        const theirs = (kind: string) => readFileSync(join(folder, `${index}.theirs.${kind}`))
        expect(json(checkLogs(theirs('pb')))).toBe(json(logs))
        expect(json(logsFromJson(theirs('json')))).toBe(json(logs))
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
)

/** The same on every run, so that a failure can be repeated; all with records, for others make no JSON. */
function sampleLogs(): Logs[] {
  const random = fc.sample(arbitraryRequest, { numRuns: 400, seed: 1 })
  const logs = random.map((data) => checkLogs(encodeSecond(data)))
  return [auditLogs(20), ...logs.filter(({ records }) => records > 0)]
}
