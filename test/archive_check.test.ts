import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { problemsOf } from './archive_check.ts'

const root = 'audit/.auditcol/w/l/commits/'
const bytes = (text: string) => Buffer.from(text)
const hash = (text: string) => createHash('sha256').update(text).digest('hex')

function batch(i: number, number: number, covers: number[][], text: string) {
  const [size, sha256] = [text.length, hash(text)]
  return {
    ...{ v: 1, i, kind: 'batch', number, key: `audit/${number}`, size, sha256, records: 1 },
    ...{ rawSize: size, rawSha256: sha256, covers, objects: 1 },
    counts: { in: 1, dropped: 0, dead: 0, elsewhere: 0, out: 1 }
  }
}

const genesis = { v: 1, i: 0, kind: 'genesis', after: 1 }
const lines = (...leaves: object[]) =>
  bytes(leaves.map((leaf) => `${JSON.stringify(leaf)}\n`).join(''))

function whole(): Map<string, Buffer> {
  return new Map([
    [`${root}0000000000000001`, lines(genesis, batch(1, 1, [[2, 4]], 'one'))],
    [`${root}0000000000000002`, lines(batch(2, 2, [[5, 5]], 'two'))],
    ['audit/1', bytes('one')],
    ['audit/2', bytes('two')]
  ])
}

test('a whole archive has no problems', () => {
  expect(problemsOf(whole())).toEqual([])
})

test.for<[name: string, damage: (archive: Map<string, Buffer>) => void, problem: RegExp]>([
  ['a removed object', (archive) => archive.delete('audit/1'), /audit\/1 is missing/],
  ['a changed byte', (archive) => archive.set('audit/1', bytes('onf')), /audit\/1 has other bytes/],
  ['an added object', (archive) => archive.set('audit/3', bytes('x')), /audit\/3 has no leaf/],
  [
    'a removed commit',
    (archive) => archive.delete(`${root}0000000000000001`),
    /commit 0000000000000002 is not 1/
  ],
  [
    'frames that nothing covers',
    (archive) => archive.set(`${root}0000000000000002`, lines(batch(2, 2, [[6, 6]], 'two'))),
    /nothing covers 5 to 5/
  ],
  [
    'frames that are covered twice',
    (archive) => archive.set(`${root}0000000000000002`, lines(batch(2, 2, [[4, 5]], 'two'))),
    /4 to 5 is covered twice/
  ],
  [
    'a number that is left out',
    (archive) => archive.set(`${root}0000000000000002`, lines(batch(2, 3, [[5, 5]], 'two'))),
    /3 follows 1/
  ]
])('%s is named', ([, damage, problem]) => {
  const archive = whole()
  damage(archive)
  expect(problemsOf(archive).join('; ')).toMatch(problem)
})
