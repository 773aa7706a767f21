/** A string of JSON as it is meant, with the place in the written text of each of its units, and of its end. */
export interface Unescaped {
  readonly text: string
  readonly placeOf: (index: number) => number
}

const meant: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t'
}

/** What stands from `start` to `end`; a backslash that begins no escape stands for itself. */
export function unescaped(whole: string, start: number, end: number): Unescaped {
  // Only within the part: a search in the whole text for each of its strings would take for ever.
  const written = whole.slice(start, end)
  const first = written.indexOf('\\')
  if (first < 0) return { text: written, placeOf: (index) => start + index }
  const places = new Uint32Array(written.length + 1)
  const parts: string[] = []
  let length = 0
  let at = 0
  const copyTo = (stop: number) => {
    parts.push(written.slice(at, stop))
    while (at < stop) places[length++] = at++
  }
  for (let slash = first; slash >= 0; slash = written.indexOf('\\', at)) {
    copyTo(slash)
    const [one, size] = escapeAt(written, slash)
    parts.push(one)
    places[length++] = slash
    at += size
  }
  copyTo(written.length)
  places[length] = written.length
  return { text: parts.join(''), placeOf: (index) => start + places[index]! }
}

function escapeAt(written: string, slash: number): [meant: string, size: number] {
  const letter = written[slash + 1]
  const digits = letter === 'u' ? written.slice(slash + 2, slash + 6) : ''
  if (/^[0-9a-f]{4}$/i.test(digits)) return [String.fromCharCode(Number.parseInt(digits, 16)), 6]
  const one = letter === undefined ? undefined : meant[letter]
  return one === undefined ? ['\\', 1] : [one, 2]
}

/** As it must be written inside a string of JSON. */
export function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}
