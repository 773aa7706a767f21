import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readKeyText } from '../../src/logs/key_text.ts'
import { newValueReader } from '../../src/logs/read_value.ts'
import { newWriter, writeUint32 } from '../../src/logs/wire.ts'

function read(text: string): [text: string, left: number] {
  const bytes = Buffer.from(text)
  const writer = newWriter(10)
  writeUint32(writer, bytes.length)
  const reader = newValueReader(Buffer.concat([writer.bytes.subarray(0, writer.at), bytes, bytes]))
  return [readKeyText(reader), reader.bytes.length - reader.at - bytes.length]
}

test('keys are read as they are, those met before and those that share their slot too', () => {
  const few = fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 3 })
  const any = fc.string({ unit: 'grapheme', maxLength: 100 })
  fc.assert(
    fc.property(fc.array(fc.oneof(few, any), { minLength: 1, maxLength: 50 }), (texts) => {
      expect([...texts, ...texts].map(read)).toEqual([...texts, ...texts].map((text) => [text, 0]))
    })
  )
  const many = Array.from({ length: 5000 }, (_, index) => `key.${index}`)
  expect([...many, ...many].map((text) => read(text)[0])).toEqual([...many, ...many])
  const long = 'x'.repeat(300)
  expect(read(long)).toEqual([long, 0])
})
