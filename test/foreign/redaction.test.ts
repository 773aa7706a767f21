import { expect, test } from 'vitest'
import { throughCollector, throughOurs } from './beside.ts'
import { deep, input, isSeen, passesTheCollector, same } from './redaction_cases.ts'

const collector = process.env.AUDITCOL_COLLECTOR
if (collector === undefined)
  console.log("skipped: redaction beside the Collector's (AUDITCOL_COLLECTOR names none)")

test.skipIf(collector === undefined)(
  'without `deep` the same records come out',
  { timeout: 120_000 },
  async () => {
    const ours = await throughOurs(same, input)
    const theirs = await throughCollector(collector!, same, input)
    for (const [index, { yaml }] of same.entries()) expect(ours[index], yaml).toEqual(theirs[index])
  }
)

test.skipIf(collector === undefined)(
  'with `deep` nothing is seen of what passes the Collector',
  { timeout: 60_000 },
  async () => {
    const [theirs] = await throughCollector(collector!, [deep], passesTheCollector)
    const [ours] = await throughOurs([deep], passesTheCollector)
    for (const record of recordsOf(theirs))
      expect(isSeen(record), JSON.stringify(record)).toBe(true)
    expect(recordsOf(ours)).toHaveLength(recordsOf(theirs).length)
    expect(isSeen(ours)).toBe(false)
  }
)

function recordsOf(decoded: unknown): unknown[] {
  const { resourceLogs } = decoded as { resourceLogs: { scopeLogs: { logRecords: object[] }[] }[] }
  return resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords))
}
