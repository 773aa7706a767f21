import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { refuseForgotten } from '../../src/journal/elsewhere.ts'
import { append, newDirectory, open } from './harness.ts'

test("a Collector's own queue beside the journal is named and refuses start", async () => {
  const directory = await newDirectory()
  await mkdir(join(directory, 'auditcol'))
  await refuseForgotten(join(directory, 'auditcol'))
  await writeFile(join(directory, 'exporter_awss3__logs'), 'bbolt')
  await expect(refuseForgotten(join(directory, 'auditcol'))).rejects.toThrow(
    /has a Collector's own queue \(exporter_awss3__logs\)/
  )
})

test('undelivered records in the default journal refuse start when another one is in use', async () => {
  const directory = await newDirectory()
  const journal = await open(join(directory, 'journal'))
  const lane = await journal.bear('logs/a')
  await append(journal, 'forgotten', [lane])
  await journal.close()
  for (const other of [join(directory, 'other'), undefined]) {
    await expect(refuseForgotten(other, join(directory, 'journal'))).rejects.toThrow(
      /journal has 1 undelivered record and is not the journal in use/
    )
  }
  await refuseForgotten(join(directory, 'journal'), join(directory, 'journal'))
})

test('a default journal that has delivered everything is no hindrance', async () => {
  const directory = await newDirectory()
  const journal = await open(join(directory, 'journal'))
  await journal.bear('logs/a')
  await journal.close()
  await refuseForgotten(join(directory, 'other'), join(directory, 'journal'))
})
