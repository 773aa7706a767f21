import type {
  ArchiveState,
  ListedObject,
  Manifest,
  OpenPartition,
  SpooledObject
} from '../journal/archive_frames.ts'
import { type LaneFrame, objectsIn } from './lane_frames.ts'

export interface PartitionsKnown {
  /** The archive as the newest state that reads has it. */
  readonly before: ArchiveState | undefined
  readonly frames: readonly LaneFrame[]
  /** The highest number that stands in a commit. */
  readonly committed: number
}

type Partitions = Pick<ArchiveState, 'partitions' | 'place' | 'manifest'>

/**
 * What manifests are still to list, from what is left of the frames. A manifest that reads takes its
 * objects out by their numbers, since counts are nothing where a frame is lost; one that was not stored
 * for all that frames say goes out again with its bytes.
 */
export function rebuildPartitions(name: string, known: PartitionsKnown): Partitions {
  const { before, frames, committed } = known
  const ends = endsIn(name, frames)
  const open = new Map<string, OpenPartition>()
  const listed = new Set<number>()
  const add = (partition: Omit<OpenPartition, 'objects'>, object: ListedObject) => {
    if (listed.has(object.number) || ends.voided.has(object.number)) return
    listed.add(object.number)
    const at = open.get(partition.name) ?? { ...partition, objects: [] }
    open.set(partition.name, at)
    at.objects.push({ ...object, key: ends.keys.get(object.number) ?? object.key })
  }

  const manifests = manifestsIn(name, before, frames)
  for (const number of manifests.stored.flatMap(numbersIn)) listed.add(number)
  for (const { objects, ...partition } of before?.partitions ?? [])
    for (const object of objects) add(partition, object)
  for (const { partition, ...object } of sealedIn(name, before, frames))
    if (partition !== undefined && object.number <= committed) add(partition, shown(object))

  const { pending } = manifests
  if (open.size === 0 && pending === undefined) return {}
  return {
    ...(open.size > 0 && { partitions: [...open.values()] }),
    place: placeIn(name, before, frames),
    ...(pending && { manifest: pending })
  }
}

function manifestsIn(name: string, before: ArchiveState | undefined, frames: readonly LaneFrame[]) {
  const stored: Manifest[] = []
  let pending = before?.manifest
  for (const { kind, value } of frames) {
    if ((kind !== 'manifest' && kind !== 'manifested') || value.archive !== name) continue
    // The next one is composed only when the last is stored, whether or not the frame that says so reads.
    if (pending !== undefined) stored.push(pending)
    pending = kind === 'manifest' ? value : undefined
  }
  return { stored, pending }
}

function numbersIn({ text }: Manifest): number[] {
  const { objects } = JSON.parse(text) as { objects: ListedObject[] }
  return objects.map(({ number }) => number)
}

function* sealedIn(
  name: string,
  before: ArchiveState | undefined,
  frames: readonly LaneFrame[]
): Iterable<SpooledObject> {
  for (const item of before?.queue ?? [])
    if (item.kind === 'intent') yield* item.objects.slice(item.taken)
  for (const { kind, value } of frames) if (kind === 'intent') yield* objectsIn(value, name)
}

function shown({ number, key, size, sha256, records }: SpooledObject): ListedObject {
  return { number, key, size, sha256, records }
}

function endsIn(name: string, frames: readonly LaneFrame[]) {
  const keys = new Map<number, string>()
  const voided = new Set<number>()
  for (const { kind, value } of frames) {
    if (kind === 'rekeyed' && value.archive === name) keys.set(value.number, value.key)
    if (kind === 'void' && value.archive === name) voided.add(value.number)
  }
  return { keys, voided }
}

/** Of the last intent that is known. */
function placeIn(name: string, before: ArchiveState | undefined, frames: readonly LaneFrame[]) {
  for (const { kind, value } of frames.toReversed())
    if (kind === 'intent' && objectsIn(value, name).length > 0) return value.places[name]
  const item = before?.queue.findLast(({ kind }) => kind === 'intent')
  return item?.kind === 'intent' ? item.place : before?.place
}
