import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Parts, parseMax, partsOf } from '../../src/s3_put/documents.ts'

const many = 1000

function parts(text: string, linesMax = many): Parts {
  return partsOf(Buffer.from(text), linesMax)
}

/** The bytes, from the bodies alone and the numbers of their lines. */
function together({ parts, lines }: Parts): Buffer {
  if (lines === undefined) return Buffer.from(parts[0]!.body as string)
  const pieces = Array.from({ length: lines }, () => '')
  for (const { body, line } of parts) pieces[line! - 1] = body as string
  return Buffer.from(pieces.join('\n'))
}

describe('a body', () => {
  test.each([
    ['an object', '{"a": 1.0, "b": [ ]}\n'],
    ['a list', '[1,2]'],
    ['a text', '"x"'],
    ['null', 'null'],
    ['an object over several lines', '{\n  "a": 1\n}\n']
  ])('of JSON, %s, is one part with its own text', (_, text) => {
    const { parts: found, lines } = parts(text)
    expect(lines).toBeUndefined()
    expect(found).toEqual([{ body: text, json: JSON.parse(text) }])
  })

  test.each([
    ['no line feed at the end', '{"a":1}\n{"b":2}', 2],
    ['a line feed at the end', '{"a":1}\n{"b":2}\n', 3],
    ['empty lines', '\n{"a":1}\n\n\n{"b":2}\n', 6],
    ['carriage returns', '{"a":1}\r\n{"b":2}\r\n', 3]
  ])('of lines of JSON, with %s, is a part each', (_, text, lines) => {
    const found = parts(text)
    expect(found.lines).toBe(lines)
    expect(found.parts.map(({ json }) => json)).toEqual([{ a: 1 }, { b: 2 }])
    expect(together(found).toString()).toBe(text)
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['bytes that are no text', Buffer.from([0x7b, 0xff, 0x7d])],
    ['text that is no JSON', Buffer.from('a,b\n1,2\n')],
    ['JSON that ends too early', Buffer.from('{"a": 1')],
    ['lines of which one is no JSON', Buffer.from('{"a":1}\n{"b":\n')],
    ['NaN, as Python writes it', Buffer.from('{"cost": NaN}')]
  ])('of %s is one part of the same bytes', (_, body) => {
    const { parts: found, lines } = partsOf(body, many)
    expect(lines).toBeUndefined()
    expect(found).toHaveLength(1)
    expect(found[0]!.json).toBeUndefined()
    expect(Buffer.from(found[0]!.body as Uint8Array).equals(body)).toBe(true)
  })

  test('of more lines than allowed stays whole', () => {
    const text = '{"a":1}\n'.repeat(5)
    expect(parts(text, 5).parts).toHaveLength(5)
    expect(parts(text, 4).parts).toHaveLength(1)
  })

  test('too large to be looked into is its text, or its lines where these are small enough', () => {
    const one = `{"a": "${'x'.repeat(parseMax)}"}`
    expect(parts(one)).toEqual({ parts: [{ body: one }] })
    const line = `{"a": "${'x'.repeat(parseMax / 2)}"}`
    expect(parts(`${line}\n${line}\n${line}`).parts).toHaveLength(3)
  })
})

test('any lines of JSON can be put together again', () => {
  const line = fc.oneof(
    fc.json({ maxDepth: 2 }),
    fc.constant(''),
    fc.constant(' {"a": "\\ud83d"} ')
  )
  const property = fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
    const text = lines.join('\n')
    const found = parts(text)
    if (found.parts[0]!.body instanceof Uint8Array) return
    expect(together(found).toString()).toBe(text)
  })
  fc.assert(property)
})

test('any bytes are kept', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const found = partsOf(bytes, many)
    const [first] = found.parts
    const kept = first!.body instanceof Uint8Array ? first!.body : together(found)
    expect(Buffer.from(kept).equals(Buffer.from(bytes))).toBe(true)
  })
  fc.assert(property, { numRuns: 500 })
})
