import { bodyLines } from '../src/logs/bodies.ts'
import { checkLogs } from '../src/logs/check.ts'
import { decodeLogs } from '../src/logs/decode.ts'
import { encodeLogs } from '../src/logs/encode.ts'
import { logsFromJson } from '../src/logs/from_json.ts'
import { jsonLines } from '../src/logs/json_lines.ts'
import { jsonFromLogs } from '../src/logs/to_json.ts'
import { auditLogs } from './audit_logs.ts'

/*
 * Records per CPU-second through each step of the codec with audit records of about
 * 690 bytes, 500 a request: `node bench/codec.ts`. Each step runs for a second after a warm-up.
 */

const requests = Array.from({ length: 8 }, (_, index) => auditLogs(500, index + 1))
const first = requests[0]!
console.log(`${(first.bytes / first.records).toFixed(0)} bytes a record in protobuf`)

const decoded = requests.map((logs) => decodeLogs(logs))
const jsons = requests.map((logs) => Buffer.concat([...jsonFromLogs(logs)]))

measure('checkLogs', (index) => checkLogs(requests[index % 8]!.chunks[0]!))
measure('logsFromJson', (index) => logsFromJson(jsons[index % 8]!))
measure('jsonFromLogs', (index) => drain(jsonFromLogs(requests[index % 8]!)))
measure('jsonLines', (index) => drain(jsonLines(requests[index % 8]!)))
measure('bodyLines', (index) => drain(bodyLines(requests[index % 8]!)))
measure('decodeLogs', (index) => decodeLogs(requests[index % 8]!))
measure('encodeLogs', (index) => encodeLogs(decoded[index % 8]!))

function drain(pieces: Iterable<Uint8Array>): void {
  for (const piece of pieces) if (piece.length === 0) throw new Error('empty piece')
}

/** Per second of CPU, which a busy machine falsifies less than the clock. */
function measure(name: string, step: (index: number) => unknown): void {
  const run = (ms: number) => {
    const start = performance.now()
    const before = process.cpuUsage()
    let count = 0
    while (performance.now() - start < ms) step(count++)
    const { user, system } = process.cpuUsage(before)
    return (count * 500 * 1e6) / (user + system)
  }
  run(300)
  console.log(`${name.padEnd(14)} ${Math.round(run(1000)).toLocaleString('en')} records/CPU-second`)
}
