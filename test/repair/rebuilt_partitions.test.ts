import fc from 'fast-check'
import { expect, test } from 'vitest'
import { composeCommit } from '../../src/archive/commit.ts'
import { composeManifest } from '../../src/archive/manifest.ts'
import type { ArchiveState, IntentFrame } from '../../src/journal/archive_frames.ts'
import {
  bearArchive,
  endCommit,
  openObjects,
  seal,
  writeCommit
} from '../../src/journal/archives.ts'
import { endManifest, writeManifest } from '../../src/journal/partitions.ts'
import { emptyLane } from '../../src/journal/state.ts'
import type { LaneFrame } from '../../src/repair/lane_frames.ts'
import { rebuildPartitions } from '../../src/repair/rebuilt_partitions.ts'

const name = 's3://logs'

/** A lane with one archive, and the frames that made it. */
function newLane() {
  const lane = emptyLane(1, '00112233aabbccdd', 'logs/a', 0)
  const genesis = { at: 0, host: 'h', version: '0', writer: 'w', lane: 'l', laneName: 'logs/a' }
  bearArchive(lane, { archive: name, root: '.auditcol/w/l/', genesis })
  const archive = lane.archives.get(name)!
  const frames: LaneFrame[] = []
  let lsn = 0

  const steps = {
    seal: (hours: number[]) => {
      const objects = hours.map((hour, index) => ({
        ...{ archive: name, number: archive.next + index, key: `${hour}/${archive.next + index}` },
        ...{ at: 0, size: 1, sha256: 's', rawSize: 1, rawSha256: 's', records: 1, contentType: '' },
        partition: { name: `${hour}`, from: hour, to: hour + 1, due: hour + 1 }
      }))
      lsn++
      const value: IntentFrame = {
        ...{ spool: 'f', sealed: 0, arrived: 0, host: 'h', covers: [[lsn, lsn]], in: 1, dead: 0 },
        ...{ objects, places: { [name]: 'there' } }
      }
      frames.push({ kind: 'intent', value: structuredClone(value) })
      seal(lane, value)
    },
    commit: () => {
      const stored = new Map(
        openObjects(archive).map(({ object }) => [object.number, { unverified: false }])
      )
      const value = archive.pending === undefined && composeCommit(archive, stored)
      if (!value) return
      frames.push(
        { kind: 'commit', value },
        { kind: 'committed', value: { archive: name, commit: value.commit } }
      )
      writeCommit(lane, value)
      endCommit(lane, { archive: name, commit: value.commit })
    },
    manifest: () => {
      const value = archive.manifest === undefined && composeManifest(archive, 1e6)
      if (!value) return
      frames.push({ kind: 'manifest', value })
      writeManifest(lane, value)
    },
    manifested: () => {
      if (archive.manifest === undefined) return
      const value = { archive: name, key: archive.manifest.key }
      frames.push({ kind: 'manifested', value })
      endManifest(lane, value)
    }
  }
  return { archive, frames, steps }
}

const step = fc.oneof(
  fc.record({
    do: fc.constant('seal' as const),
    hours: fc.array(fc.nat(3), { minLength: 1, maxLength: 4 })
  }),
  fc.record({ do: fc.constantFrom('commit' as const, 'manifest' as const, 'manifested' as const) })
)

const told = ({ partitions = [], place, manifest }: Partial<ArchiveState>) => ({
  partitions: new Map(partitions.map((open) => [open.name, open])),
  place: partitions.length > 0 || manifest ? place : undefined,
  manifest
})

test('A11: from any snapshot on the frames give back which objects no manifest lists', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 20 }),
      fc.array(step, { maxLength: 20 }),
      (first, then) => {
        const { archive, frames, steps } = newLane()
        const run = (one: typeof first) => {
          for (const next of one) next.do === 'seal' ? steps.seal(next.hours) : steps[next.do]()
        }
        run(first)
        const before = structuredClone(archive)
        const from = frames.length
        run(then)
        const open = openObjects(archive)[0]?.object.number ?? archive.next
        const known = { before, frames: frames.slice(from), committed: open - 1 }
        expect(told(rebuildPartitions(name, known))).toEqual(told(archive))
      }
    )
  )
})

test('A11: what a stored manifest lists stands in no other, although the frame that says it is stored is lost', () => {
  const { archive, frames, steps } = newLane()
  const before = structuredClone(archive)
  steps.seal([1, 2, 2])
  steps.commit()
  steps.manifest()
  steps.manifested()
  steps.manifest()
  const rest = frames.filter(({ kind }) => kind !== 'manifested')
  const rebuilt = rebuildPartitions(name, { before, frames: rest, committed: 3 })
  expect(told(rebuilt)).toEqual(told(archive))
  expect(rebuilt.manifest?.partition).toBe('2')
})
