import { createHash } from 'node:crypto'
import type { ArchiveState, Manifest, OpenPartition } from '../journal/archive_frames.ts'
import { openObjects } from '../journal/archives.ts'
import { canonical } from './canonical.ts'

/** Objects of one manifest: a few hundred bytes each in a frame, and in snapshots until they are listed. */
const objectsMax = 1000
/** Of all partitions together. What has most is listed before it is closed. */
const unlistedMax = 10_000

/**
 * The next manifest of an archive: of a partition that is closed by now, or of which so much has come
 * that the state is not to hold it any longer. It lists committed objects, each in one manifest, and is
 * named by the first of them, so that no two have a name. Undefined: there is none to write.
 */
export function composeManifest(archive: ArchiveState, now: number): Manifest | undefined {
  const open = nextOf(archive, now)
  if (open === undefined) return undefined
  const { name, from, to } = open
  const objects = open.objects.slice(0, objectsMax)
  const text = canonical({
    ...{ v: 1, partition: name, from, to, at: now },
    closed: isClosed(archive, open, now) && objects.length === open.objects.length,
    objects,
    records: objects.reduce((sum, { records }) => sum + records, 0),
    sha256: createHash('sha256').update(canonical(objects)).digest('hex')
  })
  const number = String(objects[0]!.number).padStart(12, '0')
  return {
    archive: archive.name,
    key: `${archive.root}partitions/${name}/${number}.json`,
    text: `${text}\n`,
    partition: name,
    through: objects.at(-1)!.number
  }
}

/** When the next partition is closed; undefined: there is none, or it waits for objects that are not committed. */
export function nextClosing(archive: ArchiveState, now: number): number | undefined {
  const times = (archive.partitions ?? []).map(({ due }) => due).filter((due) => due > now)
  return times.length > 0 ? Math.min(...times) : undefined
}

function nextOf(archive: ArchiveState, now: number): OpenPartition | undefined {
  const { partitions = [] } = archive
  const closed = partitions.find((open) => isClosed(archive, open, now))
  if (closed) return closed
  const full = partitions.find(({ objects }) => objects.length >= objectsMax)
  if (full) return full
  const unlisted = partitions.reduce((sum, { objects }) => sum + objects.length, 0)
  if (unlisted <= unlistedMax) return undefined
  return partitions.reduce((most, one) => (one.objects.length > most.objects.length ? one : most))
}

/** Its time is over, and all that was sealed for it before that is committed. */
function isClosed(archive: ArchiveState, { name, due }: OpenPartition, now: number): boolean {
  if (due > now) return false
  return !openObjects(archive).some(
    ({ object: { partition } }) => partition?.name === name && partition.due <= due
  )
}
