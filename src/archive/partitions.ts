import { compileStrftime } from './strftime.ts'

/** A folder of one span of time. */
export interface Partition {
  readonly name: string
  /** Milliseconds since the epoch: the first that belongs to it, and the first behind it. */
  readonly from: number
  readonly to: number
}

const second = 1000
const day = 86_400 * second
const steps = [86_400, 21_600, 3_600, 900, 300, 60, 15, 5, 1].map((step) => step * second)
/** A folder for longer than this is none of time. */
const longest = 400 * day
/** Of the last records; a batch has few. */
const knownMax = 100

/**
 * The partition of a time, in a strftime format and a time zone. Where it begins and ends is found by
 * asking the format for other times: that is right for every directive, and when clocks are changed.
 */
export function partitionsBy(format: string, zone: string | undefined): (at: number) => Partition {
  const folder = compileStrftime(format, zone)
  const name = (at: Date) => folder(at).split('/').filter(Boolean).join('/')
  const known: Partition[] = []
  return (at) => {
    const found = known.find(({ from, to }) => from <= at && at < to)
    if (found) return found
    const start = Math.floor(at / second) * second
    const own = name(new Date(start))
    const isOwn = (other: number) => name(new Date(other)) === own
    const partition = {
      name: own,
      from: edge(isOwn, start, -1),
      to: edge(isOwn, start, 1) + second
    }
    if (known.push(partition) > knownMax) known.shift()
    return partition
  }
}

/** The last second in this direction that is in the same folder. */
function edge(isOwn: (at: number) => boolean, from: number, direction: 1 | -1): number {
  let at = from
  for (const step of steps) {
    while (Math.abs(at - from) < longest && isOwn(at + direction * step)) at += direction * step
  }
  return at
}

const sample = Date.UTC(2026, 0, 15, 5, 30)
const later = [1 / 86_400, 1 / 1440, 1 / 96, 1 / 24, 0.5, 1, 7, 31, 365].map(
  (days) => sample + days * day
)

/** Why folders of this format, which is one, are no partitions of time; undefined when they are. */
export function partitionProblem(format: string): string | undefined {
  const folder = compileStrftime(format, 'UTC')
  const isSame = (at: number) => folder(new Date(at)) === folder(new Date(sample))
  const next = later.findIndex((at) => !isSame(at))
  if (next < 0) return `has no time in its folders: ${JSON.stringify(format)}`
  const again = later.slice(next).find(isSame)
  if (again === undefined) return undefined
  const name = JSON.stringify(folder(new Date(sample)))
  return `has folders that come again, ${name} on ${minuteOf(sample)} and ${minuteOf(again)}: name year, month and day`
}

function minuteOf(at: number): string {
  return new Date(at).toISOString().slice(0, 16)
}
