import fc from 'fast-check'
import { expect, test } from 'vitest'
import { objectAsPut, wholeBodies } from '../../src/logs/whole_bodies.ts'
import { recordsOf as put } from '../../src/s3_put/records.ts'
import { recordsOf } from '../archive/records.ts'

const bytesOf = (pieces: Iterable<Uint8Array>) => Buffer.concat([...pieces])

/** The records that `s3_put` makes of an object. */
function putOf(bytes: Buffer) {
  return put(
    {
      ...{ bucket: 'logs', key: 'k', bytes, sha256: '', headers: {} },
      ...{ accessKeyId: undefined, remoteAddress: undefined, arrived: 1, overwrites: false }
    },
    { open_values: false, linesCost: 1e9 }
  )
}

test('what was put comes out again byte for byte: JSON, files of lines, text, bytes, nothing', () => {
  const line = fc.oneof(fc.json(), fc.constant(''), fc.constant('{"a": 1}'))
  const file = fc
    .tuple(fc.array(line, { maxLength: 8 }), fc.constantFrom('', '\n', '\n\n'))
    .map(([lines, end]) => Buffer.from(lines.join('\n') + end))
  const bytes = fc.uint8Array({ maxLength: 40 }).map((given) => Buffer.from(given))
  fc.assert(
    fc.property(fc.oneof(file, bytes), (given) => {
      expect(bytesOf(objectAsPut(putOf(given)))).toEqual(given)
    })
  )
})

test('several bodies are lines without a line feed at the end', () => {
  const logs = recordsOf({ body: '{"a":1}' }, { body: new Uint8Array([255, 0]) }, { body: 3 })
  expect(bytesOf(wholeBodies(logs))).toEqual(Buffer.from('{"a":1}\n\xff\0\n3', 'latin1'))
})

test('a record that claims to be the last of a billion lines makes no gigabyte', () => {
  const line = { 's3_put.line': 999_999_999, 's3_put.lines': 1_999_999_999 }
  const logs = recordsOf({ attributes: line }, { attributes: line })
  expect(bytesOf(objectAsPut(logs)).length).toBeLessThan(2 ** 21)
})
