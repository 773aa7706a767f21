import type {
  ArchiveFrame,
  ArchiveState,
  Commit,
  Committed,
  Counts,
  GapFrame,
  Intent,
  IntentFrame,
  Manifest,
  Manifested,
  Rekeyed,
  SpooledObject,
  Void
} from '../journal/archive_frames.ts'
import { declareGap, rekey, seal, settleCarried, voidObject } from '../journal/archives.ts'
import type { Passed } from '../journal/counts.ts'
import { type Frame, frameType } from '../journal/frame.ts'
import { copyPosition, type Range } from '../journal/position.ts'
import { emptyLane, type LaneState, type Settled } from '../journal/state.ts'

/** Frames that are left of one lane, in order: what it settled, sealed, committed and lost. */
export type LaneFrame =
  | { readonly kind: 'settled'; readonly value: Passed & { readonly ranges: readonly Range[] } }
  | { readonly kind: 'archive'; readonly value: ArchiveFrame }
  | { readonly kind: 'intent'; readonly value: IntentFrame }
  | { readonly kind: 'commit'; readonly value: Commit }
  | { readonly kind: 'committed'; readonly value: Committed }
  | { readonly kind: 'rekeyed'; readonly value: Rekeyed }
  | { readonly kind: 'void'; readonly value: Void }
  | { readonly kind: 'gap'; readonly value: GapFrame }
  | { readonly kind: 'manifest'; readonly value: Manifest }
  | { readonly kind: 'manifested'; readonly value: Manifested }

const kinds: Readonly<Record<number, Exclude<LaneFrame['kind'], 'settled'>>> = {
  [frameType.archive]: 'archive',
  [frameType.intent]: 'intent',
  [frameType.commit]: 'commit',
  [frameType.committed]: 'committed',
  [frameType.rekeyed]: 'rekeyed',
  [frameType.void]: 'void',
  [frameType.gap]: 'gap',
  [frameType.manifest]: 'manifest',
  [frameType.manifested]: 'manifested'
}

/** What a frame says of lanes. */
export function* laneFramesIn({ type, payload }: Frame): Iterable<[lane: number, LaneFrame]> {
  if (type === frameType.settled) {
    for (const { lane, ...passed } of (JSON.parse(payload.toString()) as Settled).lanes) {
      yield [lane, { kind: 'settled', value: { in: 0, dead: 0, ...passed } }]
    }
    return
  }
  const kind = kinds[type]
  if (kind === undefined) return
  const { lane, ...value } = JSON.parse(payload.toString())
  yield [lane, { kind, value } as LaneFrame]
}

/** The lane without its archives. */
export function bareLane(lane: LaneState): LaneState {
  return {
    ...emptyLane(lane.index, lane.id, lane.name, lane.mark),
    ...copyPosition(lane),
    numbers: new Map(lane.numbers),
    gaps: [...lane.gaps],
    early: [...lane.early]
  }
}

/** Takes a frame into a lane as far as it settles something. */
export function settleFrame(lane: LaneState, { kind, value }: LaneFrame): void {
  if (kind === 'settled') settleCarried(lane, value.ranges, value)
  if (kind === 'intent') seal(lane, value)
  if (kind === 'gap') declareGap(lane, value)
}

export function objectsIn(intent: IntentFrame, archive: string): SpooledObject[] {
  return intent.objects.filter((object) => object.archive === archive)
}

/** The part of an intent that concerns one archive. */
export function intentOf(frame: IntentFrame, archive: string, counts: Counts): Intent {
  const { spool, sealed, arrived, host, covers } = frame
  return {
    ...{ kind: 'intent', spool, sealed, arrived, host, covers, counts, taken: 0 },
    from: covers[0]?.[0] ?? Number.MAX_SAFE_INTEGER,
    place: frame.places[archive],
    objects: [...objectsIn(frame, archive)]
  }
}

/** Gives objects the keys and the ends that frames say they got after they were sealed. */
export function changeObjects(archive: ArchiveState, frames: readonly LaneFrame[]): void {
  const lane = { ...emptyLane(0, '', '', 0), archives: new Map([[archive.name, archive]]) }
  for (const { kind, value } of frames) {
    if (kind === 'rekeyed') rekey(lane, value)
    if (kind === 'void') voidObject(lane, value)
  }
}
