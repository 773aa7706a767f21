import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listLetters, readLetter } from '../../src/journal/letters.ts'
import { append, crashed, deliver, listen, newDirectory, open, until } from './harness.ts'

const letter = (covers: [number, number][]) => ({
  ...{ by: 'awss3', at: 'exporter' as const, reason: 'too old' },
  ...{ arrived: 1, receiver: 'otlp', covers }
})

/** A lane with one frame under way, and a letter for its only record. */
async function withLetter(options = {}) {
  const directory = await newDirectory()
  const journal = await open(directory, options)
  const lane = await journal.bear('logs/a')
  await append(journal, 'a record', [lane])
  const seen = listen(lane)
  await until(() => seen.batches.length === 1)
  const [batch] = seen.batches
  const covers = batch!.meta.covers!.map(([first, last]): [number, number] => [first, last])
  const id = await journal.letters.write(lane, letter(covers), batch!.logs)
  return { directory, journal, lane, batch: batch!, covers, id }
}

test('L5: a letter holds the records and where they came from', async () => {
  const { directory, journal, lane, batch, covers, id } = await withLetter()
  const { head, logs } = await readLetter(directory, id)
  expect(head).toMatchObject({ id, lane: lane.id, laneName: 'logs/a', reason: 'too old', covers })
  expect(Buffer.from(logs.chunks[0]!)).toEqual(Buffer.from(batch.logs.chunks[0]!))
  await journal.close()
})

test('L6: a letter whose frame was settled stays; one that no settled frame names is removed at recovery', async () => {
  const { directory, journal, lane, batch, covers, id } = await withLetter()
  const copy = await crashed(directory)
  await import('node:fs/promises').then(({ cp }) =>
    cp(join(directory, 'dead'), join(copy, 'dead'), { recursive: true })
  )
  await writeFile(join(copy, 'dead', 'half.letter.new'), 'x')
  const again = await open(copy)
  expect(await listLetters(copy)).toEqual([])
  expect(await readdir(join(copy, 'dead'))).toEqual([])
  await again.close()

  lane.reader.refused(covers, [id], 1)
  batch.settle()
  await journal.close()
  const kept = await open(directory)
  expect((await listLetters(directory)).map((head) => head.id)).toEqual([id])
  await kept.close()
})

test('L6: a crash between the replay frame and the removal of its letter gives no second copy', async () => {
  const { directory, journal, lane, batch, covers, id } = await withLetter()
  lane.reader.refused(covers, [id], 1)
  batch.settle()
  await journal.close()

  const second = await open(directory)
  const before = await readLetter(directory, id)
  await second.replay(id)
  const path = join(directory, 'dead', `${id}.letter`)
  await second.close()
  // As if the removal had not reached the disk.
  await writeFile(
    path,
    Buffer.concat([Buffer.from(`${JSON.stringify(before.head)}\n`), ...before.logs.chunks])
  )
  const third = await open(directory)
  expect(await listLetters(directory)).toEqual([])
  await expect(third.replay(id)).rejects.toThrow(`reading the dead letter ${id}`)
  expect(third.lanes.get('logs/a')!.behind.records).toBe(1)
  deliver(third.lanes.get('logs/a')!)
  await third.close()
})

test('L5: dead letters are bounded', async () => {
  const { journal, lane, batch, covers } = await withLetter({ maxDeadLetters: 400 })
  await expect(journal.letters.write(lane, letter(covers), batch.logs)).rejects.toThrow(
    'the dead letters have reached max_dead_letters (400 bytes)'
  )
  await journal.close()
})

test('a letter that is damaged, and a name that is none, are named', async () => {
  const { directory, journal, id } = await withLetter()
  const path = join(directory, 'dead', `${id}.letter`)
  const { head } = await readLetter(directory, id)
  await writeFile(path, `${JSON.stringify(head)}\nshort`)
  await expect(readLetter(directory, id)).rejects.toThrow(`the dead letter ${id} is damaged`)
  await expect(readLetter(directory, '../../etc/passwd')).rejects.toThrow(
    'is no id of a dead letter'
  )
  await journal.close()
})
