import { firstMessage, messages, requestMessage } from './schema.ts'
import { newReader, type Reader, readUint32, skipValue } from './wire.ts'

/**
 * Names the field at `target`, e.g. `resource_logs[0].scope_logs[0].log_records[3].trace_id`. Only
 * for error messages: walks from the front, so that the checking pass itself keeps no path. The
 * fields before the target must be sound.
 */
export function placeOf(bytes: Uint8Array, target: number): string {
  const reader = newReader(bytes)
  let message = requestMessage
  let path = ''
  for (;;) {
    const step = stepTowards(reader, message, target)
    if (step.name !== '') path += path === '' ? step.name : `.${step.name}`
    if (step.into === undefined) return path === '' ? `byte ${target}` : path
    message = step.into
  }
}

/** Goes to the field of this message that begins at the target, or `into` the one that holds it. */
function stepTowards(
  reader: Reader,
  message: number,
  target: number
): { name: string; into?: number } {
  const seen: Record<number, number> = {}
  for (;;) {
    const start = reader.at
    if (!keyReadable(reader.bytes, start)) return { name: '' }
    const key = readUint32(reader)
    const number = key >>> 3
    const field = messages[message]!.find((one) => one.number === number)
    const index = seen[number] ?? 0
    seen[number] = index + 1
    const name = field === undefined ? `field ${number}` : field.name
    const full = field?.repeated === true ? `${name}[${index}]` : name
    if (start === target) return { name: full }
    const from = reader.at
    skipValue(reader, key & 7)
    if (reader.at <= target || field === undefined) continue
    reader.at = from
    readUint32(reader)
    return { name: full, into: field.kind - firstMessage }
  }
}

function keyReadable(bytes: Uint8Array, at: number): boolean {
  return bytes.subarray(at, at + 5).some((byte) => byte < 0x80)
}
