import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { problemsOf } from '../archive_check.ts'
import { newDir, start, stop, until } from '../e2e/auditcol.ts'
import { pipelineOf, sendEach } from '../e2e/pipeline.ts'
import { archivedIds } from '../e2e/records.ts'

const timeout = 60_000

/** All instances write to one archive, each from a working directory of its own. */
function into(archive: string): string {
  return pipelineOf({
    awss3: `s3uploader: { region: us-east-1, s3_bucket: "file:${archive}", s3_partition_format: "" }`
  })
}

function checked(archive: string) {
  const files = readdirSync(archive, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('/.tmp'))
    .map((entry) => join(entry.parentPath, entry.name))
  return problemsOf(new Map(files.map((path) => [relative(archive, path), readFileSync(path)])))
}

test('A1, A5: a copied journal is fenced: its archive stops, keeps its data, and says who is there', {
  timeout
}, async () => {
  const archive = join(newDir(), 'archive')
  const config = into(archive)
  const first = await start({ config })
  await sendEach(first, ['before'])
  expect(await stop(first)).toBe(0)
  const copy = newDir()
  cpSync(join(first.dir, 'journal'), join(copy, 'journal'), { recursive: true })

  const original = await start({ dir: first.dir })
  await sendEach(original, ['original'])
  expect(await stop(original)).toBe(0)

  const copied = await start({ dir: copy, config })
  await sendEach(copied, ['copied'])
  await until(() => copied.output().includes('part of the lane has stopped'))
  expect(copied.output()).toMatch(
    /another object of \d+ bytes is there.*commit 2 is there from host/
  )
  expect(await stop(copied)).toBe(1)
  expect(copied.output()).toContain('1 wait in the journal')
  expect(archivedIds(archive)).toEqual(['before', 'original'])
  expect(checked(archive)).toEqual([])

  // The original is not disturbed.
  const last = await start({ dir: first.dir })
  await sendEach(last, ['last'])
  expect(await stop(last)).toBe(0)
  expect(archivedIds(archive)).toEqual(['before', 'original', 'last'])
})

test('A1: replicas with journals of their own share a prefix freely', { timeout }, async () => {
  const archive = join(newDir(), 'archive')
  mkdirSync(archive)
  const config = into(archive)
  const [a, b] = await Promise.all([start({ config }), start({ config })])
  await Promise.all([sendEach(a, ['a1', 'a2', 'a3']), sendEach(b, ['b1', 'b2', 'b3'])])
  expect(await Promise.all([stop(a), stop(b)])).toEqual([0, 0])
  expect(archivedIds(archive).sort()).toEqual(['a1', 'a2', 'a3', 'b1', 'b2', 'b3'])
  expect(checked(archive)).toEqual([])
})
