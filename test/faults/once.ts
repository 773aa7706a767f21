import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect } from 'vitest'
import { type Objects, problemsOf } from '../archive_check.ts'
import { idsIn, plain } from '../e2e/records.ts'
import type { FakeS3 } from '../fake_s3.ts'
import { missingOf, type Senders } from './sender.ts'

/**
 * The archive is whole, and has every record once, but those whose sender never heard its 200; where
 * the receiver knows ids, those too.
 */
export function expectOnce(
  what: string,
  objects: Objects,
  senders: Senders,
  knownIds = false
): void {
  expect(problemsOf(objects)).toEqual([])
  const ids = idsOfRecords(objects)
  expect(missingOf(senders.acknowledged, ids)).toEqual([])
  const seen = new Set<string>()
  const twice = ids.filter((id) => seen.has(id) || !seen.add(id))
  expect(twice.filter((id) => knownIds || !senders.unanswered.has(id))).toEqual([])
  process.stderr.write(
    `faults: ${what}, ${senders.acknowledged.size} records acknowledged, 0 lost, ` +
      `0 stored twice (${twice.length} of requests without an answer), ${objects.size} objects\n`
  )
}

/** Ids of all records in an archive's objects. */
export function idsOfRecords(objects: Objects): string[] {
  return [...objects]
    .filter(([key]) => !key.includes('.auditcol/'))
    .flatMap(([, bytes]) => idsIn(plain(bytes)))
}

/** An archive in a directory, without what is being written or was removed meanwhile. */
export function filesOf(directory: string): Objects {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\/\.(tmp|sgwtmp)\b/.test(entry.parentPath))
    .map((entry) => join(entry.parentPath, entry.name))
  return new Map(
    files.flatMap((path) => {
      const bytes = bytesOf(path)
      return bytes === undefined ? [] : [[relative(directory, path), bytes]]
    })
  )
}

function bytesOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export function objectsIn(s3: FakeS3): Objects {
  return new Map(s3.keys().map((key) => [key, s3.object(key)!]))
}
