/** The known name a misspelt one most likely stands for, or undefined when none is near enough. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = allowed(name) + 1
  for (const candidate of known) {
    const distance = editDistance(simplified(name), simplified(candidate), least)
    if (distance < least) {
      best = candidate
      least = distance
    }
  }
  // `gz` is short for gzip.
  return best ?? [...known].find((candidate) => name.length > 1 && candidate.startsWith(name))
}

/** A third of the letters may differ, but no more than three. */
function allowed(name: string): number {
  return Math.min(3, Math.max(1, Math.floor(name.length / 3)))
}

/** `maxSize`, `max-size` and `max_size` are one name to a person. */
function simplified(name: string): string {
  return name.toLowerCase().replaceAll(/[_\-\s]/g, '')
}

/** Insertions, deletions, replacements and swaps of neighbours from one text to the other, up to `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      next[j] = Math.min(
        row[j]! + 1,
        next[j - 1]! + 1,
        row[j - 1]! + (same ? 0 : 1),
        swapped ? before[j - 2]! + 1 : limit
      )
    }
    before = row
    row = next
  }
  return row[b.length]!
}
