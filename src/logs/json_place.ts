/**
 * Names the JSON value that starts at or holds `target`, e.g. `resourceLogs[0].scopeLogs[0]`. Only
 * for error messages: walks from the front, so that reading itself keeps no path. What comes
 * before the target must be sound.
 */
export function jsonPlaceOf(bytes: Uint8Array, target: number): string {
  const steps: Step[] = []
  let top: Step | undefined
  let at = 0
  while (at < target) {
    const byte = bytes[at]!
    if (byte === 0x22) {
      const end = stringEnd(bytes, at)
      if (top?.inObject && top.nameAt < 0 && end <= target) top.nameAt = at
      at = end
      continue
    }
    if (byte === 0x7b || byte === 0x5b) {
      top = { inObject: byte === 0x7b, index: 0, nameAt: -1 }
      steps.push(top)
    } else if (byte === 0x7d || byte === 0x5d) {
      steps.pop()
      top = steps.at(-1)
    } else if (byte === 0x2c && top !== undefined) {
      top.index++
      top.nameAt = -1
    }
    at++
  }
  return pathOf(bytes, steps) || `byte ${target}`
}

interface Step {
  readonly inObject: boolean
  index: number
  /** Where the quote before the member's name stands; -1: not yet read. */
  nameAt: number
}

function pathOf(bytes: Uint8Array, steps: readonly Step[]): string {
  let path = ''
  for (const { inObject, index, nameAt } of steps) {
    if (!inObject) path += `[${index}]`
    else if (nameAt >= 0) path += `${path === '' ? '' : '.'}${keyText(bytes, nameAt)}`
  }
  return path
}

function stringEnd(bytes: Uint8Array, start: number): number {
  let at = start + 1
  while (at < bytes.length && bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1
  return at + 1
}

/** A key as it stands between its quotes, cut off where somebody sent a long one. */
function keyText(bytes: Uint8Array, start: number): string {
  const end = stringEnd(bytes, start)
  const text = Buffer.from(bytes.subarray(start + 1, Math.min(end - 1, start + 81))).toString()
  return /^\w+$/.test(text) ? text : JSON.stringify(text)
}
