/**
 * Names the JSON value that starts at or holds `target`, e.g. `resourceLogs[0].scopeLogs[0]`. Only
 * for error messages: walks from the front, so that reading itself keeps no path. What comes
 * before the target must be sound.
 */
export function jsonPlaceOf(bytes: Uint8Array, target: number): string {
  const steps: Step[] = []
  let at = 0
  while (at < target) {
    const byte = bytes[at]!
    const top = steps.at(-1)
    if (byte === 0x22) {
      const end = stringEnd(bytes, at)
      if (top?.inObject && top.name === undefined && end <= target)
        top.name = keyText(bytes, at, end)
      at = end
      continue
    }
    if (byte === 0x7b) steps.push({ inObject: true, index: 0 })
    else if (byte === 0x5b) steps.push({ inObject: false, index: 0 })
    else if (byte === 0x7d || byte === 0x5d) steps.pop()
    else if (byte === 0x2c && top !== undefined) {
      top.index++
      delete top.name
    }
    at++
  }
  return pathOf(steps) || `byte ${target}`
}

interface Step {
  readonly inObject: boolean
  index: number
  name?: string
}

function pathOf(steps: readonly Step[]): string {
  let path = ''
  for (const { inObject, index, name } of steps) {
    if (!inObject) path += `[${index}]`
    else if (name !== undefined) path += path === '' ? name : `.${name}`
  }
  return path
}

function stringEnd(bytes: Uint8Array, start: number): number {
  let at = start + 1
  while (at < bytes.length && bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1
  return at + 1
}

/** A key as it stands between its quotes, cut off where somebody sent a long one. */
function keyText(bytes: Uint8Array, start: number, end: number): string {
  const text = Buffer.from(bytes.subarray(start + 1, Math.min(end - 1, start + 81))).toString()
  return /^\w+$/.test(text) ? text : JSON.stringify(text)
}
