import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listLetters, readLetter } from '../../src/journal/letter_file.ts'
import { crashed, letterOf, open, until, withLetter } from './harness.ts'

test('L5: a letter holds the records and where they came from', async () => {
  const { directory, journal, lane, batch, covers, id } = await withLetter()
  const { head, logs } = (await readLetter(directory, id))!
  expect(head).toMatchObject({ id, lane: lane.id, laneName: 'logs/a', reason: 'too old', covers })
  expect(Buffer.from(logs.chunks[0]!)).toEqual(Buffer.from(batch.logs.chunks[0]!))
  await journal.close()
})

test('L6: a letter whose frame was settled stays; one that no settled frame names is removed at recovery', async () => {
  const { directory, journal, id, settle } = await withLetter()
  const copy = await crashed(directory)
  await writeFile(join(copy, 'dead', 'half.letter.new'), 'x')
  const again = await open(copy)
  expect(await listLetters(copy)).toEqual({ heads: [], damaged: [] })
  expect(await readdir(join(copy, 'dead'))).toEqual([])
  await again.close()

  settle()
  await journal.close()
  const kept = await open(directory)
  expect((await listLetters(directory)).heads.map((head) => head.id)).toEqual([id])
  await kept.close()
})

test('L5: dead letters are bounded', async () => {
  const { journal, lane, batch, covers, settle, id } = await withLetter({ maxDeadLetters: 400 })
  const write = () => journal.letters.write(lane, letterOf(covers), batch.logs)
  await expect(write()).rejects.toThrow(
    'the dead letters have reached max_dead_letters (400 bytes)'
  )
  // One that is replayed makes room for another.
  settle()
  await until(() => journal.lanes.get('logs/a')!.behind.records === 0)
  await expect.poll(() => journal.letterEnds.replay(id)).toBe('replayed')
  await write()
  await journal.close()
})

test('a letter that is damaged, and a name that is none, are named', async () => {
  const { directory, journal, id } = await withLetter()
  const path = join(directory, 'dead', `${id}.letter`)
  const { head } = (await readLetter(directory, id))!
  await writeFile(path, `${JSON.stringify(head)}\nshort`)
  await expect(readLetter(directory, id)).rejects.toThrow(`the dead letter ${id} is damaged`)
  expect(await listLetters(directory)).toEqual({ heads: [], damaged: [id] })
  await expect(readLetter(directory, '../../etc/passwd')).rejects.toThrow(
    'is no id of a dead letter'
  )
  await journal.close()
})
