const units = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000]
] as const

/** A span of time to its two largest units, as durations are written: `3h`, `1h30m`, `50h`; less than a second is `0s`. */
export function spanText(milliseconds: number): string {
  const first = units.findIndex(([, size]) => milliseconds >= size)
  if (first < 0) return '0s'
  let rest = milliseconds
  return units
    .slice(first, first + 2)
    .map(([name, size]) => {
      const count = Math.floor(rest / size)
      rest -= count * size
      return count > 0 ? `${count}${name}` : ''
    })
    .join('')
}
