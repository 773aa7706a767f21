import { Subject } from 'rxjs'
import attributes, { config as attributesConfig } from '../processors/attributes.ts'
import groupbyattrs, { config as groupbyattrsConfig } from '../processors/groupbyattrs.ts'
import redaction, { config as redactionConfig } from '../processors/redaction.ts'
import resource, { config as resourceConfig } from '../processors/resource.ts'
import type { Batch, LaneContext, Processor } from '../src/component.ts'
import { checkLogs } from '../src/logs/check.ts'
import { patternNames } from '../src/redaction/patterns.ts'
import { laneContext } from '../test/batches.ts'
import { auditLogs } from './audit_logs.ts'

/*
 * What processors cost beside no processor: microseconds of CPU per audit record of about 690 bytes,
 * 500 a request: `node bench/processors.ts`. Every request is checked first, as at the door.
 */

const requests = Array.from({ length: 8 }, (_, index) => auditLogs(500, index + 1).chunks[0]!)
const three = [
  { key: 'deployment.environment', value: 'production', action: 'upsert' },
  { key: 'team', value: 'platform', action: 'insert' },
  { key: 'client.address', action: 'delete' }
]
const redacting = (keys: object) => (context: LaneContext) =>
  redaction(redactionConfig.parse({ allow_all_keys: true, ...keys }), context)
const blocked = ['AKIA[A-Z0-9]{16}', 'gh[pousr]_[A-Za-z0-9]{36}', '4[0-9]{12}(?:[0-9]{3})?']
const quick = patternNames.filter((name) => name !== 'named_secret')
const none = [{ key: 'nowhere', action: 'delete' }]

const kinds: Record<string, (context: LaneContext) => Processor> = {
  'no processor': () => (batches) => batches,
  'resource, 3 actions': (context) =>
    resource(resourceConfig.parse({ attributes: three }), context),
  'attributes, 3 actions': (context) =>
    attributes(attributesConfig.parse({ actions: three }), context),
  'attributes, nothing to do': (context) =>
    attributes(attributesConfig.parse({ actions: none }), context),
  'groupbyattrs, no keys': (context) => groupbyattrs(groupbyattrsConfig.parse({}), context),
  'groupbyattrs, 1 key': (context) =>
    groupbyattrs(groupbyattrsConfig.parse({ keys: ['audit.action'] }), context),
  'redaction, all but named_secret': redacting({ patterns: quick }),
  'redaction, patterns: all': redacting({ patterns: 'all' }),
  'redaction, 3 blocked_values': redacting({ blocked_values: blocked }),
  'the same, deep: false': redacting({ blocked_values: blocked, deep: false }),
  'redaction of a key by HMAC': redacting({
    blocked_key_patterns: ['^changed_by$'],
    hash_function: 'hmac-sha256',
    hmac_key: 'k'.repeat(32),
    summary: 'debug'
  })
}

// In turns, so that what else the machine does weighs on all of them alike.
const rounds = 5
const runs = Object.entries(kinds).map(([name, make]) => ({
  name,
  run: runner(make),
  best: Infinity
}))
for (let round = 0; round <= rounds; round++)
  for (const one of runs) {
    const spent = one.run(round === 0 ? 300 : 500)
    if (round > 0) one.best = Math.min(one.best, spent)
  }
for (const { name, best } of runs) {
  const beside = (best / runs[0]!.best).toFixed(2)
  console.log(`${name.padEnd(32)} ${best.toFixed(2)} µs a record, ${beside} × no processor`)
}

function runner(make: (context: LaneContext) => Processor): (ms: number) => number {
  const input = new Subject<Batch>()
  input.pipe(make(laneContext())).subscribe((batch) => batch.settle())
  return (ms) => {
    const start = performance.now()
    const before = process.cpuUsage()
    let count = 0
    while (performance.now() - start < ms) {
      const logs = checkLogs(requests[count++ % 8]!)
      input.next({ logs, meta: { receiver: 'otlp', arrived: 0 }, settle: () => {} })
    }
    const { user, system } = process.cpuUsage(before)
    return (user + system) / (count * 500)
  }
}
