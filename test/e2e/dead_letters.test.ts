import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runToEnd, start, stop, until } from './auditcol.ts'
import { createBackend, quickRetries } from './backend.ts'
import { pipelineOf, sendEach } from './pipeline.ts'
import { idsIn } from './records.ts'

const timeout = 60_000

/** Three letters, of `a`, `b` and `c`; their ids in that order. */
async function withLetters() {
  const backend = createBackend('refuse')
  const auditcol = await start({
    config: pipelineOf({ backend: `${backend.keys}, ${quickRetries}` })
  })
  const { dir } = auditcol
  await sendEach(auditcol, ['a', 'b', 'c'])
  const dead = join(dir, 'journal/dead')
  await until(
    () =>
      existsSync(dead) && readdirSync(dead).filter((name) => name.endsWith('.letter')).length === 3
  )
  const letters = (...args: string[]) => runToEnd({ dir, args: ['dead-letters', ...args] })
  const { output } = await letters()
  const ids = output
    .trimEnd()
    .split('\n')
    .map((line) => line.split(' ')[0]!)
  const pathOf = (id: string) => join(dead, `${id}.letter`)
  return { auditcol, dir, letters, ids, pathOf }
}

test('a damaged dead letter does not stop the export of the others: they are out, it is named, the exit code is 1', {
  timeout
}, async () => {
  const { auditcol, dir, letters, ids, pathOf } = await withLetters()
  expect(await stop(auditcol)).toBe(0)
  const bytes = readFileSync(pathOf(ids[0]!))
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(pathOf(ids[0]!), bytes)
  truncateSync(pathOf(ids[1]!), 30)
  const shown = await letters('export')
  expect(shown.code).toBe(1)
  expect(idsIn(shown.output)).toEqual(['c'])
  expect(shown.output).toContain('auditcol: 2 dead letters could not be exported, damaged: ')
  for (const id of ids.slice(0, 2)) expect(shown.output).toContain(id)

  const filed = await letters('export', '--output', 'letters.jsonl')
  expect(filed.code).toBe(1)
  expect(filed.output).toContain('letters.jsonl has 1 dead letter\n')
  expect(idsIn(readFileSync(join(dir, 'letters.jsonl'), 'utf8'))).toEqual(['c'])
})

test('an export takes the place of no file, neither under its name nor under the one it is written by', {
  timeout
}, async () => {
  const { auditcol, dir, letters } = await withLetters()
  expect(await stop(auditcol)).toBe(0)
  writeFileSync(join(dir, 'taken'), 'mine')
  writeFileSync(join(dir, 'other.new'), 'mine too')
  expect(await letters('export', '--output', 'taken')).toMatchObject({
    code: 1,
    output: 'auditcol: taken is there already: name another file\n'
  })
  expect((await letters('export', '--output', 'other')).output).toBe(
    'auditcol: other.new is there: another export is under way, or was cut short; remove it\n'
  )
  expect(readFileSync(join(dir, 'taken'), 'utf8')).toBe('mine')
  expect(readFileSync(join(dir, 'other.new'), 'utf8')).toBe('mine too')
  expect(readdirSync(dir).sort()).toEqual(['journal', 'other.new', 'pipeline.yaml', 'taken'])
})

test('remove gives letters up for good, of a journal in use and of one at rest: asked for, logged, counted, idempotent', {
  timeout
}, async () => {
  const { auditcol, dir, letters, ids, pathOf } = await withLetters()
  const [a = '', b = '', c = ''] = ids
  const asked = await letters('remove', a)
  expect(asked.code).toBe(1)
  expect(asked.output).toContain('nothing was changed: run it with --yes to remove them\n')
  expect(existsSync(pathOf(a))).toBe(true)

  const running = await letters('remove', a, '--yes')
  expect(running.code).toBe(0)
  expect(running.output).toMatch(
    /the backend will never take this.*\nremoved for good: 1 dead letter with 1 record\n$/s
  )
  await until(() =>
    auditcol.output().includes(`an operator has given up a dead letter letter=${a} records=1`)
  )
  expect(await stop(auditcol)).toBe(0)

  truncateSync(pathOf(b), 30)
  const rested = await letters('remove', a, b, '--yes')
  expect(rested.code).toBe(0)
  expect(rested.output).toContain(
    `removed for good: 1 dead letter with 0 records; ${a} is not there\n`
  )
  expect((await letters()).output.split(' ')[0]).toBe(c)
  const shown = await runToEnd({ dir, args: ['journal'] })
  expect(shown.output).toContain('removed by operators: 2 dead letters with 1 record\n')
})

test('remove takes ids, and only those of letters', { timeout }, async () => {
  const { letters, ids } = await withLetters()
  expect(await letters('remove', '--yes')).toMatchObject({ code: 2 })
  expect(await letters('remove', ids[0]!, '--lane', 'logs/backend', '--yes')).toMatchObject({
    code: 2
  })
  const strange = await letters('remove', '../../pipeline', '--yes')
  expect(strange).toMatchObject({
    code: 1,
    output: 'auditcol: ../../pipeline is no id of a dead letter\n'
  })
  expect((await letters()).output.trimEnd().split('\n')).toHaveLength(3)
})
