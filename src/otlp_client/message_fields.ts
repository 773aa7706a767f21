/** One field of a protobuf message: a number for varints (exact to 2^53), bytes for what has a length. */
export interface Field {
  readonly number: number
  readonly value: number | Uint8Array
}

/**
 * The fields of a small message from somebody else. Throws when the bytes are no protobuf; fixed32
 * and fixed64 are passed over, since no answer of OTLP or gRPC has any.
 */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0
  const varint = () => {
    let value = 0
    for (let factor = 1; factor < 2 ** 70; factor *= 128) {
      const byte = bytes[at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new Error('a number in it is cut off')
  }
  while (at < bytes.length) {
    const key = varint()
    const [number, wire] = [Math.floor(key / 8), key % 8]
    if (number === 0) throw new Error('it has a field 0')
    if (wire === 0) yield { number, value: varint() }
    else if (wire === 2) {
      const length = varint()
      if (length > bytes.length - at) throw new Error('a field in it is cut off')
      yield { number, value: bytes.subarray(at, at + length) }
      at += length
    } else if (wire === 1) at += 8
    else if (wire === 5) at += 4
    else throw new Error(`it has wire type ${wire}`)
  }
  if (at > bytes.length) throw new Error('a field in it is cut off')
}

export function textOf(value: number | Uint8Array): string {
  return typeof value === 'number' ? '' : new TextDecoder().decode(value)
}
