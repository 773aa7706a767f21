import type { RE2JS } from 're2js'

interface Match {
  readonly start: number
  readonly end: number
  /** What the group of this number or name took; empty when it took no part or there is none. */
  group(key: string): string
  /** Where the first group that took part stands; without one, the whole match. */
  readonly marked: { readonly start: number; readonly end: number }
}

/** Every match from left to right, as Go's ReplaceAll has them. What it gives holds until the next one. */
export function* matchesIn(regex: RE2JS, text: string): Generator<Match, void> {
  const matcher = regex.matcher(text)
  let last = -1
  while (matcher.find()) {
    const start = matcher.start()
    const end = matcher.end()
    // Go takes no empty match right behind another match.
    if (start === end && start === last) continue
    last = end
    yield {
      start,
      end,
      group: (key) => {
        if (/^\d+$/.test(key))
          return Number(key) <= matcher.groupCount() ? (matcher.group(Number(key)) ?? '') : ''
        const names = matcher.getNamedGroups()
        return (Object.hasOwn(names, key) && names[key]) || ''
      },
      get marked() {
        for (let index = 1; index <= matcher.groupCount(); index++)
          if (matcher.start(index) >= 0)
            return { start: matcher.start(index), end: matcher.end(index) }
        return { start, end }
      }
    }
  }
}
