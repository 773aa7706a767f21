import { expect, test } from 'vitest'
import { composeCommit } from '../../src/archive/commit.ts'
import { composeManifest } from '../../src/archive/manifest.ts'
import { openObjects } from '../../src/journal/archives.ts'
import { frameType } from '../../src/journal/frame.ts'
import { applyFrame, emptyState, snapshotOf, stateOf } from '../../src/journal/state.ts'

const archive = 's3://logs'

/** A journal in which `objects` objects are committed, in partitions of so many each. */
function journalWith(objects: number, each: number) {
  const state = emptyState('0123456789abcdef')
  let lsn = 0
  const apply = (type: number, value: object) => {
    const payload = Buffer.from(JSON.stringify({ lane: 1, ...value }))
    applyFrame(state, { lsn: ++lsn, type, payload })
  }
  const genesis = { at: 0, host: 'h', version: '0', writer: 'w', lane: 'l', laneName: 'logs/a' }
  apply(frameType.birth, { id: '00112233aabbccdd', name: 'logs/a' })
  apply(frameType.archive, { archive, root: '.auditcol/w/l/', genesis })
  const known = () => state.lanes.get(1)!.archives.get(archive)!
  const sealed = Array.from({ length: objects }, (_, index) => {
    const from = Math.floor(index / each)
    return {
      ...{ archive, number: index + 1, key: `${from}/${index}`, at: 0, size: 1, sha256: 's' },
      ...{ rawSize: 1, rawSha256: 's', records: 1, contentType: 't' },
      partition: { name: `${from}`, from, to: from + 1, due: from + 1 }
    }
  })
  apply(frameType.intent, {
    ...{ spool: 'f', sealed: 0, arrived: 0, host: 'h', covers: [[1, 1]], in: objects, dead: 0 },
    ...{ objects: sealed, places: { [archive]: { bucket: 'logs' } } }
  })
  while (openObjects(known()).length > 0) {
    const stored = new Map(sealed.map(({ number }) => [number, { unverified: false }]))
    const commit = composeCommit(known(), stored)!
    apply(frameType.commit, commit)
    apply(frameType.committed, { archive, commit: commit.commit })
  }
  return { state, known, apply }
}

test('J4: a snapshot has what manifests are still to list, and the one that is under way', () => {
  const { state, known, apply } = journalWith(5, 2)
  apply(frameType.manifest, composeManifest(known(), 1)!)
  expect(known().partitions?.map(({ objects }) => objects.length)).toEqual([2, 2, 1])
  expect(stateOf(snapshotOf(state))).toEqual(state)
  apply(frameType.manifested, { archive, key: known().manifest!.key })
  expect(known().partitions?.map(({ name }) => name)).toEqual(['1', '2'])
})

test('what the state holds is bounded: a partition gets a manifest for each 1,000 objects before it is closed', () => {
  const { known, apply } = journalWith(2500, 2500)
  const said = []
  for (
    let manifest = composeManifest(known(), 0);
    manifest;
    manifest = composeManifest(known(), 0)
  ) {
    apply(frameType.manifest, manifest)
    apply(frameType.manifested, { archive, key: manifest.key })
    const { closed, objects } = JSON.parse(manifest.text)
    said.push([manifest.key, closed, objects.length])
  }
  expect(said).toEqual([
    ['.auditcol/w/l/partitions/0/000000000001.json', false, 1000],
    ['.auditcol/w/l/partitions/0/000000001001.json', false, 1000]
  ])
  expect(known().partitions?.[0]?.objects).toHaveLength(500)
  expect(JSON.parse(composeManifest(known(), 1)!.text).closed).toBe(true)
})

test('and past 10,000 objects in many partitions the fullest of them is listed', () => {
  const { known } = journalWith(10_050, 150)
  const manifest = composeManifest(known(), 0)!
  expect(JSON.parse(manifest.text)).toMatchObject({ partition: '0', closed: false, records: 150 })
  expect(composeManifest(journalWith(9000, 150).known(), 0)).toBeUndefined()
})

test('a partition is not closed while something that was sealed for it in time is not committed', () => {
  const { known, apply } = journalWith(2, 2)
  const object = {
    ...{ archive, number: 3, key: 'k', at: 0, size: 1, sha256: 's', rawSize: 1, rawSha256: 's' },
    ...{ records: 1, contentType: 't', partition: { name: '0', from: 0, to: 1, due: 1 } }
  }
  const intent = { spool: 'g', sealed: 0, arrived: 0, host: 'h', covers: [[9, 9]], in: 1, dead: 0 }
  apply(frameType.intent, { ...intent, objects: [object], places: {} })
  expect(composeManifest(known(), 5)).toBeUndefined()
  // What came after it was closed is late, and not waited for.
  known().queue.length = 0
  const late = { ...object, partition: { ...object.partition, due: 9 } }
  apply(frameType.intent, { ...intent, covers: [[10, 10]], objects: [late], places: {} })
  expect(JSON.parse(composeManifest(known(), 5)!.text)).toMatchObject({ closed: true, records: 2 })
})
