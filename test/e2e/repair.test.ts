import { cpSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { problemsOf } from '../archive_check.ts'
import { type Auditcol, runToEnd, start, stop, until } from './auditcol.ts'
import { createBackend, quickRetries } from './backend.ts'
import { pipelineOf, sendEach } from './pipeline.ts'
import { archivedIds, objectsOf } from './records.ts'

const timeout = 60_000

const archive =
  's3uploader: { region: eu-central-1, s3_bucket: "file:./archive", s3_partition_format: "" }'

/** An archive that has stored and committed `ids`, an object for each. */
async function archived(ids: readonly string[]): Promise<Auditcol> {
  const auditcol = await start({ config: pipelineOf({ awss3: archive }) })
  for (const [index, id] of ids.entries()) {
    await sendEach(auditcol, [id])
    await until(() => archivedIds(join(auditcol.dir, 'archive')).length > index)
  }
  expect(await stop(auditcol)).toBe(0)
  return auditcol
}

function segments({ dir }: Auditcol): string[] {
  const names = readdirSync(join(dir, 'journal')).filter((name) => name.endsWith('.wal'))
  return names.sort().map((name) => join(dir, 'journal', name))
}

/** Flips a bit of the text, `skip` bytes behind where it begins, in the n-th place where it stands. */
function flip(path: string, text: string, { place = 0, skip = 0 } = {}): void {
  const bytes = readFileSync(path)
  let at = -1
  for (let i = 0; i <= place; i++) at = bytes.indexOf(text, at + 1)
  if (at < 0) throw new Error(`${path} has no ${text}`)
  bytes[at + skip]! ^= 1
  writeFileSync(path, bytes)
}

function repair({ dir }: Auditcol, ...args: string[]) {
  return runToEnd({ dir, args: ['repair', ...args] })
}

function filesOf(dir: string): Map<string, Buffer> {
  const root = join(dir, 'archive')
  const paths = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/.tmp'))
    .map((entry) => join(entry.parentPath, entry.name))
  return new Map(paths.map((path) => [relative(root, path), readFileSync(path)]))
}

function leavesOf(dir: string): { kind: string }[] {
  const commits = [...filesOf(dir)].filter(([key]) => key.includes('/commits/'))
  return commits
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, text]) => text.toString().trimEnd().split('\n'))
    .map((line) => JSON.parse(line))
}

test('a healthy journal is left as it is', { timeout }, async () => {
  const auditcol = await archived(['a'])
  const before = readdirSync(join(auditcol.dir, 'journal')).sort()
  const { code, output } = await repair(auditcol, '--yes')
  expect({ code, output }).toEqual({ code: 0, output: 'nothing is wrong with ./journal\n' })
  expect(readdirSync(join(auditcol.dir, 'journal')).sort()).toEqual(before)
})

test('a lost frame of records is named, without consent nothing changes, with it the archive shows the gap', {
  timeout
}, async () => {
  const backend = createBackend('fail')
  const dead = `${backend.keys}, ${quickRetries}`
  const auditcol = await start({ config: pipelineOf({ dead }) })
  await sendEach(auditcol, ['a', 'b', 'c'])
  expect(await stop(auditcol)).toBe(0)
  flip(segments(auditcol)[0]!, 'event(b)')

  const refused = await runToEnd({ dir: auditcol.dir })
  expect(refused.code).toBe(1)
  expect(refused.output).toMatch(
    /00000001\.wal is damaged at byte \d+ to \d+: the acknowledged frame 3 does not read; 1 record for logs\/dead/
  )
  const before = readFileSync(segments(auditcol)[0]!)
  const asked = await repair(auditcol)
  expect(asked.code).toBe(1)
  expect(asked.output).toMatch(/logs\/dead: 1 record, in frame 3; its archives will show the gap/)
  expect(asked.output).toMatch(/nothing was changed: run it with --yes to repair\n$/)
  expect(readFileSync(segments(auditcol)[0]!)).toEqual(before)

  const done = await repair(auditcol, '--yes')
  expect(done.code).toBe(0)
  // The lane goes on into an archive, whose first commit has the gap.
  writeFileSync(join(auditcol.dir, 'pipeline.yaml'), pipelineOf({ awss3: archive }))
  await runToEnd({ dir: auditcol.dir, args: ['journal', 'rename', 'logs/dead', 'logs/awss3'] })
  const next = await start({ dir: auditcol.dir })
  await until(() => archivedIds(join(next.dir, 'archive')).length === 2)
  expect(await stop(next)).toBe(0)
  expect(archivedIds(join(next.dir, 'archive')).sort()).toEqual(['a', 'c'])
  const leaves = leavesOf(next.dir)
  expect(leaves.filter(({ kind }) => kind === 'gap')).toMatchObject([
    { covers: [[3, 3]], records: 1 }
  ])
  expect(problemsOf(filesOf(next.dir))).toEqual([])
})

test.each([
  ['the last intent', 2, ['a', 'b', 'c']],
  ['the first of three intents', 0, ['a', 'b', 'c']]
])(
  'A11: %s is lost, and the commits in the store say what was sealed: nothing is sealed twice',
  {
    timeout
  },
  async (_, place, ids) => {
    const auditcol = await archived(ids)
    flip(segments(auditcol).at(-1)!, '"spool":"', { place, skip: 3 })
    const { code, output } = await repair(auditcol, '--yes')
    expect(output).toContain(
      'sealed in frames that do not read, and found in the spool or the store: 1 object'
    )
    expect(code).toBe(0)
    const next = await start({ dir: auditcol.dir })
    await sendEach(next, ['d'])
    expect(await stop(next)).toBe(0)
    expect(next.output()).toContain('lane logs/awss3: 1 record delivered')
    expect(archivedIds(join(next.dir, 'archive'))).toEqual([...ids, 'd'])
    expect(problemsOf(filesOf(next.dir))).toEqual([])
  }
)

test('A11: an intent that is not committed is taken from the spool', { timeout }, async () => {
  const auditcol = await archived(['a'])
  // From here on the store takes nothing: a file stands where its directory was.
  renameSync(join(auditcol.dir, 'archive'), join(auditcol.dir, 'away'))
  cpSync(join(auditcol.dir, 'away'), join(auditcol.dir, 'archive'), { recursive: true })
  const second = await start({ dir: auditcol.dir })
  const commits = [...filesOf(auditcol.dir).keys()].find((key) => key.includes('/commits/'))!
  const blocked = join(auditcol.dir, 'archive', `${commits.slice(0, -1)}2`)
  // An object of another shape under the next commit's key: the object is stored, its commit is not.
  writeFileSync(blocked, 'in the way')
  await sendEach(second, ['b'])
  await until(() => second.output().includes('part of the lane has stopped'))
  expect(await stop(second)).toBe(1)
  renameSync(blocked, join(auditcol.dir, 'moved away'))
  flip(segments(second).at(-1)!, '"spool":"', { skip: 3 })
  const { code, output } = await repair(second, '--yes')
  expect(code).toBe(0)
  expect(output).toContain(
    'sealed in frames that do not read, and found in the spool or the store: 1 object'
  )
  const next = await start({ dir: auditcol.dir })
  await sendEach(next, ['c'])
  expect(await stop(next)).toBe(0)
  expect(archivedIds(join(next.dir, 'archive'))).toEqual(['a', 'b', 'c'])
  expect(problemsOf(filesOf(next.dir))).toEqual([])
})

test('A11: without an answer of the store it says what may be stored twice, and goes on only when told to, under new numbers', {
  timeout
}, async () => {
  const auditcol = await archived(['a', 'b'])
  flip(segments(auditcol).at(-1)!, '"spool":"', { place: 1, skip: 3 })
  const lane = /logs_([0-9a-f]{16})-/.exec([...filesOf(auditcol.dir).keys()].join())![1]!
  const sealed = `${lane}-0123456789abcdef.spool`
  writeFileSync(join(auditcol.dir, 'journal/spool', sealed), 'cut short')
  renameSync(join(auditcol.dir, 'archive'), join(auditcol.dir, 'away'))
  const refused = await repair(auditcol, '--yes')
  expect(refused.code).toBe(1)
  expect(refused.output).toMatch(
    /logs\/awss3: file:\.\/archive does not answer: .*may be stored twice\nnothing was changed: .*--without-store\n$/
  )
  const accepted = await repair(auditcol, '--yes', '--without-store')
  expect(accepted.code).toBe(0)
  const [, aside = ''] = /lie in (.*)\n/.exec(accepted.output)!
  expect(readdirSync(join(auditcol.dir, aside))).toContain(sealed)
  expect(readdirSync(join(auditcol.dir, 'journal/spool'))).toEqual([])
  renameSync(join(auditcol.dir, 'away'), join(auditcol.dir, 'archive'))
  const next = await start({ dir: auditcol.dir })
  await until(() => archivedIds(join(next.dir, 'archive')).length === 3)
  expect(await stop(next)).toBe(0)
  const ids = archivedIds(join(next.dir, 'archive'))
  expect(ids.sort()).toEqual(['a', 'b', 'b'])
  // Three objects, three keys: no number was given twice.
  expect(objectsOf(join(next.dir, 'archive')).length).toBe(3)
  expect(problemsOf(filesOf(next.dir))).toEqual([])
})
