import { expect, test } from 'vitest'
import { bearArchive, declareGap, settleCarried } from '../../src/journal/archives.ts'
import { emptyLane } from '../../src/journal/state.ts'

const genesis = { at: 1, host: 'h', version: '0', writer: 'w', lane: 'l', laneName: 'logs/a' }

/** A lane whose archive is new, and what its gap leaf covers when these records were settled before. */
function coversOfGap(records: number) {
  const lane = emptyLane(1, 'l', 'logs/a', 0)
  bearArchive(lane, { archive: 's3://logs', root: 'r/', genesis })
  settleCarried(lane, [[1, 4]], { in: records, dead: 0 })
  declareGap(lane, { at: 2, covers: [[5, 7]], reason: 'lost' })
  const { queue, carried } = lane.archives.get('s3://logs')!
  return { gap: queue.at(-1), carried: carried.covers }
}

test('A9: frames without records before a gap go with its leaf: covers have no hole', () => {
  expect(coversOfGap(0)).toMatchObject({ gap: { kind: 'gap', covers: [[1, 7]] }, carried: [] })
})

test('A9: records that were counted before a gap wait for a leaf with counts', () => {
  expect(coversOfGap(3)).toMatchObject({ gap: { covers: [[5, 7]] }, carried: [[1, 4]] })
})
