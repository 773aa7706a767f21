import { expect, test } from 'vitest'
import { SyncFailed } from '../../src/disk.ts'
import { createDeadLetters } from '../../src/pipeline/dead_letters.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { opaque } from '../batches.ts'

test('J6, L6: a dead letter whose sync failed is not written again: it may be there', async () => {
  let writes = 0
  const log = createLog({ level: 'error', encoding: 'json', write: () => {} })
  const letters = createDeadLetters(async () => {
    writes++
    throw new SyncFailed('/journal/dead', new Error('EIO'))
  }, log)
  const from = { receiver: 'otlp', arrived: 0, covers: [[1, 1]] as const }
  const refused = { logs: opaque(1), reason: 'never', by: 'backend', at: 'exporter', from } as const
  expect(await letters.keep([refused], new AbortController().signal)).toBeUndefined()
  expect(writes).toBe(1)
})
