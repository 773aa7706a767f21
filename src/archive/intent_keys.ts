import type { ContentHeaders, PartitionOf } from '../journal/archive_frames.ts'
import type { Group } from './groups.ts'
import { hasNumber, type KeyParts, withNumber } from './key.ts'

/** An object that is to get its key. */
export interface Unnamed {
  readonly archive: string
  readonly number: number
  readonly sha256: string
  readonly prefix: string | undefined
  readonly group: Group
}

interface Named {
  readonly key: string
  readonly unnumbered?: true
  readonly content?: ContentHeaders
  readonly partition?: PartitionOf
}

export interface KeysOptions {
  readonly key: (parts: KeyParts) => string
  readonly lateness?: number
}

/**
 * The keys of one intent. Two of its objects that would have the same key must not race for it: the
 * second has its number in its key from the beginning, unless it is the same bytes (A6). What comes
 * after its partition was closed is late: it says so in its name, and waits as long again for a manifest.
 */
export function intentKeys(
  { key: keyOf, lateness = 0 }: KeysOptions,
  laneId: string,
  at: Date
): (object: Unnamed) => Named {
  const given = new Map<string, string>()
  return ({ archive, number, sha256, prefix, group }) => {
    const { key: named, partition, content } = group
    const now = at.getTime()
    const isLate = partition !== undefined && now >= partition.to + lateness
    const wanted = keyOf({ at, number, prefix, key: named, folder: partition?.name, isLate })
    const place = `${archive} ${wanted}`
    const isTaken = (given.get(place) ?? sha256) !== sha256
    if (!isTaken) given.set(place, sha256)
    const key = isTaken ? withNumber(wanted, laneId, number) : wanted
    return {
      key,
      ...(!hasNumber(key, laneId, number) && { unnumbered: true as const }),
      ...(content && { content: content(key) }),
      ...(partition && {
        partition: { ...partition, due: (isLate ? now : partition.to) + lateness }
      })
    }
  }
}
