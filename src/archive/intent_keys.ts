import type { ContentHeaders } from '../journal/archive_frames.ts'
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
}

/**
 * The keys of one intent. Two of its objects that would have the same key must not race for it: the
 * second has its number in its key from the beginning, unless it is the same bytes (A6).
 */
export function intentKeys(
  keyOf: (parts: KeyParts) => string,
  laneId: string,
  at: Date
): (object: Unnamed) => Named {
  const given = new Map<string, string>()
  return ({ archive, number, sha256, prefix, group }) => {
    const { key: named, partition, content } = group
    const wanted = keyOf({ at, number, prefix, key: named, folder: partition?.name })
    const place = `${archive} ${wanted}`
    const isTaken = (given.get(place) ?? sha256) !== sha256
    if (!isTaken) given.set(place, sha256)
    const key = isTaken ? withNumber(wanted, laneId, number) : wanted
    return {
      key,
      ...(!hasNumber(key, laneId, number) && { unnumbered: true as const }),
      ...(content && { content: content(key) })
    }
  }
}
