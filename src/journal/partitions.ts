import type {
  ArchiveLane,
  ArchiveState,
  Commit,
  Intent,
  Manifest,
  Manifested,
  OpenObject,
  OpenPartition
} from './archive_frames.ts'

/*
 * Which objects lie in partitions that manifests are still to list. Objects come in with the commit
 * that takes them and leave with their manifest, so the state holds only what is between the two.
 * Commits take objects in the order of their numbers, and manifests list them so.
 */

/** A commit is stored: its objects may stand in manifests. Called before the queue loses them. */
export function listCommitted(archive: ArchiveState, { items, objects }: Commit): void {
  for (const [index, item] of archive.queue.slice(0, items + 1).entries()) {
    if (item.kind !== 'intent') continue
    const end = index < items ? item.objects.length : item.taken + objects
    for (const object of item.objects.slice(item.taken, end)) list(archive, item, object)
  }
}

function list(archive: ArchiveState, intent: Intent, object: OpenObject): void {
  const { partition, voided, number, key, size, sha256, records } = object
  if (partition === undefined || voided !== undefined) return
  archive.place = intent.place
  archive.partitions ??= []
  let open = archive.partitions.find(({ name }) => name === partition.name)
  if (open === undefined) {
    open = { ...partition, objects: [] }
    archive.partitions.push(open)
  }
  open.objects.push({ number, key, size, sha256, records })
}

export function writeManifest(lane: ArchiveLane, manifest: Manifest): void {
  const archive = lane.archives.get(manifest.archive)
  if (archive) archive.manifest = manifest
}

export function endManifest(lane: ArchiveLane, { archive: name, key }: Manifested): void {
  const archive = lane.archives.get(name)
  if (archive?.manifest?.key !== key) return
  const { partition, through } = archive.manifest
  archive.partitions = (archive.partitions ?? []).flatMap((open): OpenPartition[] => {
    if (open.name !== partition) return [open]
    const left = open.objects.filter(({ number }) => number > through)
    return left.length > 0 ? [{ ...open, objects: left }] : []
  })
  delete archive.manifest
  if (archive.partitions.length > 0) return
  delete archive.partitions
  delete archive.place
}
