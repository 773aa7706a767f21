/** First to last lsn, inclusive. */
export type Range = readonly [first: number, last: number]

/**
 * What a lane has settled (J4): everything up to `mark`, and the ranges above it, in order,
 * neither overlapping nor touching.
 */
export interface Position {
  mark: number
  ranges: [first: number, last: number][]
}

export function settleRange(position: Position, [first, last]: Range): void {
  if (last <= position.mark) return
  if (first <= position.mark + 1) position.mark = last
  else insert(position.ranges, first, last)
  absorb(position)
}

export function isSettled(position: Position, lsn: number): boolean {
  if (lsn <= position.mark) return true
  const index = firstEndingAtOrAfter(position.ranges, lsn)
  return index < position.ranges.length && position.ranges[index]![0] <= lsn
}

function insert(ranges: Position['ranges'], first: number, last: number): void {
  const from = firstEndingAtOrAfter(ranges, first - 1)
  let to = from
  let low = first
  let high = last
  while (to < ranges.length && ranges[to]![0] <= last + 1) {
    low = Math.min(low, ranges[to]![0])
    high = Math.max(high, ranges[to]![1])
    to++
  }
  ranges.splice(from, to - from, [low, high])
}

/** Index of the first range whose end is not below `lsn`. */
function firstEndingAtOrAfter(ranges: Position['ranges'], lsn: number): number {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ranges[middle]![1] < lsn) low = middle + 1
    else high = middle
  }
  return low
}

function absorb(position: Position): void {
  let taken = 0
  for (const [first, last] of position.ranges) {
    if (first > position.mark + 1) break
    position.mark = Math.max(position.mark, last)
    taken++
  }
  if (taken > 0) position.ranges.splice(0, taken)
}

/** The parts of a range that are not settled, in order. */
export function unsettledIn(position: Position, [first, last]: Range): Range[] {
  const found: Range[] = []
  let from = Math.max(first, position.mark + 1)
  for (let i = firstEndingAtOrAfter(position.ranges, from); from <= last; i++) {
    const next = position.ranges[i]
    if (next === undefined || next[0] > last) {
      found.push([from, last])
      break
    }
    if (next[0] > from) found.push([from, next[0] - 1])
    from = next[1] + 1
  }
  return found
}

export function copyPosition({ mark, ranges }: Position): Position {
  return { mark, ranges: ranges.map(([first, last]) => [first, last]) }
}

/** Takes a range out of what is settled. */
export function unsettleRange(position: Position, [first, last]: Range): void {
  const ranges: [number, number][] = []
  for (const [from, to] of [[1, position.mark] as const, ...position.ranges]) {
    if (from < first) ranges.push([from, Math.min(to, first - 1)])
    if (to > last) ranges.push([Math.max(from, last + 1), to])
  }
  position.mark = ranges[0]?.[0] === 1 ? ranges.shift()![1] : 0
  position.ranges = ranges
}

/** The same positions in order, touching ranges made one. */
export function joinRanges(ranges: readonly Range[]): [first: number, last: number][] {
  const joined: [number, number][] = []
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    const end = joined.at(-1)
    if (end !== undefined && first <= end[1] + 1) end[1] = Math.max(end[1], last)
    else joined.push([first, last])
  }
  return joined
}
