import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { canonical } from '../../src/archive/canonical.ts'
import { gapLeaves, genesisLeaf, lineOf, objectLeaves } from '../../src/archive/leaf.ts'
import type { Genesis, Intent } from '../../src/journal/archive_frames.ts'

test('RFC 8785: keys in order of their UTF-16 units, strings and numbers as ECMAScript writes them', () => {
  const keys = {
    '\u20ac': 1,
    '\r': 2,
    '\ufb33': 3,
    '1': 4,
    '\u{1f600}': 5,
    '\u0080': 6,
    '\u00f6': 7
  }
  expect(canonical(keys)).toBe(
    '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\u{1f600}":5,"\ufb33":3}'
  )
  expect(canonical({ b: [true, null, -1], a: '\u000f"\\/\n', c: undefined })).toBe(
    '{"a":"\\u000f\\"\\\\/\\n","b":[true,null,-1]}'
  )
  expect(() => canonical(0.5)).toThrow('0.5 is no whole number')
  expect(() => canonical('\ud83d')).toThrow('half a character')
})

const genesis: Genesis = {
  ...{ kind: 'genesis', at: 1, host: 'h', version: '0', writer: 'w', lane: 'l', laneName: 'a/b' },
  ...{ after: 1, unledgered: 64, predecessor: 'w/l' }
}
const object = {
  ...{ archive: 's3://b', at: 0, key: 'k', size: 1, sha256: 's', rawSize: 2, rawSha256: 'r' },
  ...{ records: 1, contentType: 't', contentEncoding: 'zstd' as const }
}

function intentOf(covers: Intent['covers']): Intent {
  return {
    ...{ kind: 'intent', spool: 'x', sealed: 1, arrived: 1, host: 'h', covers, from: 1, taken: 0 },
    counts: { in: 2, dropped: 0, dead: 0, elsewhere: 0, out: 2 },
    place: {},
    objects: [
      { ...object, number: 1 },
      { ...object, number: 2, voided: { at: 1, reason: 'no' } }
    ]
  }
}

test('docs/archive.md has every field of every leaf', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/archive.md'), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  const documented = rows.flatMap((row) =>
    [...row.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name)
  )
  const intent = intentOf([[1, 2]])
  const leaves = [
    genesisLeaf(genesis),
    ...objectLeaves(intent, 0, { unverified: true }),
    ...objectLeaves(intent, 1, 'void'),
    ...gapLeaves({ kind: 'gap', at: 1, covers: [[1, 1]], records: 1, reason: 'lost' })
  ]
  const written = new Set(leaves.flatMap((leaf) => Object.keys(JSON.parse(lineOf(leaf, 0)))))
  expect([...written].filter((field) => !documented.includes(field))).toEqual([])
  for (const { kind } of leaves) expect(page).toContain(`\`${kind}\``)
})

test('A9: a leaf has at most 65,535 bytes; ranges that have no room stand in heartbeats before it', () => {
  const covers = Array.from({ length: 9000 }, (_, n): [number, number] => [
    2 ** 40 + 3 * n,
    2 ** 40 + 3 * n + 1
  ])
  const leaves = objectLeaves(intentOf(covers), 0, { unverified: false })
  expect(leaves.map(({ kind }) => kind)).toEqual([
    ...Array(leaves.length - 1).fill('heartbeat'),
    'batch'
  ])
  expect(leaves.flatMap((leaf) => leaf.covers)).toEqual(covers)
  for (const leaf of leaves) expect(lineOf(leaf, 2 ** 40).length).toBeLessThanOrEqual(65_536)
})
