/** A request of empty records under one resource that has a `bucket` and a text of this size. */
export function hugeResource(records: number, size: number, bucket = 'logs'): Uint8Array {
  const resource = field(1, attribute('bucket', bucket), attribute('x', 'y'.repeat(size)))
  const empty = field(2)
  return field(1, resource, field(2, Buffer.alloc(records * empty.length, empty)))
}

function attribute(key: string, value: string): Buffer {
  return field(1, field(1, Buffer.from(key)), field(2, field(1, Buffer.from(value))))
}

/** A protobuf field with these contents. */
function field(number: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const head = [number * 8 + 2]
  let length = content.length
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) + 128)
  return Buffer.concat([Buffer.from([...head, length]), content])
}
