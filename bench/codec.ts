import { checkLogs } from '../src/logs/check.ts'
import { auditLogs } from './audit_logs.ts'

/*
 * Records per second through each step of the codec, on one core, with audit records of about
 * 690 bytes, 500 a request: `node bench/codec.ts`. Each step runs for a second after a warm-up.
 */

const requests = Array.from({ length: 8 }, (_, index) => auditLogs(500, index + 1))
const first = requests[0]!
console.log(`${(first.bytes / first.records).toFixed(0)} bytes a record in protobuf`)

measure('checkLogs', (index) => checkLogs(requests[index % 8]!.chunks[0]!))

function measure(name: string, step: (index: number) => unknown): void {
  const run = (ms: number) => {
    const start = performance.now()
    let count = 0
    while (performance.now() - start < ms) step(count++)
    return (count * 500 * 1000) / (performance.now() - start)
  }
  run(300)
  console.log(`${name.padEnd(14)} ${Math.round(run(1000)).toLocaleString('en')} records/s`)
}
