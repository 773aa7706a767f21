import { mkdtemp, readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openOutput } from '../../src/telemetry/output.ts'

const directory = await mkdtemp(join(tmpdir(), 'auditcol-output-'))

test('a line is in the file at once: the last ones come just before the process ends', async () => {
  const path = join(directory, 'auditcol.log')
  openOutput([path])('first\n')
  const write = openOutput([path])
  write('second\n')
  write('last\n')
  expect(await readFile(path, 'utf8')).toBe('first\nsecond\nlast\n')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('a file that cannot be opened is named', () => {
  const path = join(directory, 'nowhere', 'auditcol.log')
  expect(() => openOutput([path])).toThrow(`opening ${path} of service.telemetry.logs.output_paths`)
})
