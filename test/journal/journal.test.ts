import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { PermanentError, RefusedError } from '../../src/component.ts'
import { append, crashed, deliver, listen, newDirectory, open, textOf, until } from './harness.ts'

const bornArchive = {
  do: 'archive',
  archive: 's3://x',
  root: '.auditcol/w/l/',
  genesis: { at: 1, host: 'here', version: '0', writer: 'w', lane: 'l', laneName: 'logs/a' }
} as const

describe('J2: a frame goes to the lanes it was accepted for, and no others', () => {
  test('after a restart as before', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    const a = await journal.bear('logs/a')
    const b = await journal.bear('logs/b')
    await append(journal, 'for both', [a, b])
    await append(journal, 'for b', [b])
    await journal.close()

    const again = await open(directory)
    const seenByA = listen(again.lanes.get('logs/a')!)
    const seenByB = listen(again.lanes.get('logs/b')!)
    await until(() => seenByB.batches.length === 2)
    expect(seenByA.batches.map(textOf)).toEqual(['for both'])
    expect(seenByB.batches.map(textOf)).toEqual(['for both', 'for b'])
    await again.close()
  })

  test('with its envelope: receiver, arrival time, client metadata, address, identity', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    const lane = await journal.bear('logs/a')
    const client = { tenant: ['x', 'y'] }
    const meta = { client, address: '10.0.0.1', identity: { sub: 'me' }, arrived: 12345 }
    await append(journal, 'one', [lane], meta)
    const again = await open(await crashed(directory))
    const seen = listen(again.lanes.get('logs/a')!)
    await until(() => seen.batches.length === 1)
    expect(seen.batches[0]!.meta).toMatchObject({ receiver: 'otlp', ...meta })
    await journal.close()
    await again.close()
  })
})

describe('J3: only a birth sets the end of the journal for a new lane', () => {
  test('it sees nothing from before, and everything after, also when it was never read', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    const old = await journal.bear('logs/old')
    await append(journal, 'before', [old])
    const born = await journal.bear('logs/new')
    await append(journal, 'after', [old, born])
    const again = await open(await crashed(directory))
    const seen = listen(again.lanes.get('logs/new')!)
    await until(() => seen.batches.length > 0)
    expect(seen.batches.map(textOf)).toEqual(['after'])
    expect(again.lanes.get('logs/new')!.id).toBe(born.id)
    await journal.close()
    await again.close()
  })

  test('a lane that ended and comes again has another id', async () => {
    const journal = await open(await newDirectory())
    const first = await journal.bear('logs/a')
    await journal.end(first, 'abandoned')
    const second = await journal.bear('logs/a')
    expect(second.id).not.toBe(first.id)
    await journal.close()
  })
})

describe('J4: positions are a low-water mark and the settled ranges above it', () => {
  test('what was settled out of order is not given again after a restart', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    const lane = await journal.bear('logs/a')
    for (const text of ['1', '2', '3', '4']) await append(journal, text, [lane])
    const seen = listen(lane)
    await until(() => seen.batches.length === 4)
    seen.batches[0]!.settle()
    seen.batches[2]!.settle()
    await journal.close()

    const again = await open(directory)
    const rest = listen(again.lanes.get('logs/a')!)
    await until(() => rest.batches.length === 2)
    expect(rest.batches.map(textOf)).toEqual(['2', '4'])
    expect(again.lanes.get('logs/a')!.behind.records).toBe(2)
    await again.close()
  })

  test('snapshots carry them, resume marks and archives into new segments', async () => {
    const directory = await newDirectory()
    const journal = await open(directory, { segmentBytes: 4096 })
    const lane = await journal.bear('logs/a')
    await lane.book.write(bornArchive)
    await append(journal, 'marked', [lane], { resume: 'offset 7' })
    for (let i = 0; i < 20; i++) await append(journal, 'x'.repeat(1000), [lane])
    const again = await open(await crashed(directory))
    expect(again.resume('otlp')).toBe('offset 7')
    expect(again.lanes.get('logs/a')!.book.archives.get('s3://x')).toMatchObject({
      root: '.auditcol/w/l/',
      next: 1,
      queue: [{ kind: 'genesis', after: 1 }]
    })
    expect(again.lanes.get('logs/a')!.behind.records).toBe(21)
    await journal.close()
    await again.close()
  })
})

describe('J7: a torn tail is cut, damage stops the start', () => {
  test('whatever part of the last write is missing, everything acknowledged is there', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    const lane = await journal.bear('logs/a')
    await append(journal, 'acknowledged', [lane])
    const segment = (path: string) => join(path, '00000001.wal')
    const { size } = await stat(segment(directory))
    void append(journal, 'in the last write', [lane])
    await journal.close()
    const whole = await readFile(segment(directory))
    for (let end = size; end < whole.length; end += 7) {
      const copy = await crashed(directory)
      await writeFile(segment(copy), whole.subarray(0, end))
      const again = await open(copy)
      expect(again.lanes.get('logs/a')!.behind.records).toBeGreaterThanOrEqual(1)
      const seen = listen(again.lanes.get('logs/a')!)
      await until(() => seen.batches.length > 0)
      expect(textOf(seen.batches[0]!)).toBe('acknowledged')
      await again.close()
    }
  })

  test('a flipped bit below what is known to be durable names segment, offset and frames', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    const lane = await journal.bear('logs/a')
    await append(journal, 'first', [lane])
    await append(journal, 'second', [lane])
    await journal.close()
    const path = join(directory, '00000001.wal')
    const bytes = await readFile(path)
    bytes[bytes.indexOf('first')]! ^= 1
    await writeFile(path, bytes)
    await expect(open(directory)).rejects.toThrow(
      /00000001\.wal is damaged at byte \d+ to \d+: the acknowledged frame 2 does not read; 1 record for logs\/a\..*auditcol repair/
    )
    expect(await readFile(path)).toEqual(bytes)
  })

  test('the last acknowledged group is known to be durable after a moment without requests', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    const lane = await journal.bear('logs/a')
    await append(journal, 'only', [lane])
    const path = join(directory, '00000001.wal')
    const before = (await stat(path)).size
    await new Promise<void>((resolve) => {
      const look = async () => ((await stat(path)).size > before ? resolve() : setTimeout(look, 5))
      void look()
    })
    const copy = await crashed(directory)
    const bytes = await readFile(join(copy, '00000001.wal'))
    bytes[bytes.indexOf('only')]! ^= 1
    await writeFile(join(copy, '00000001.wal'), bytes)
    await expect(open(copy)).rejects.toThrow(/damaged/)
    await journal.close()
  })
})

describe('J6: recovery', () => {
  test('copies what is above the highest durable lsn to a new segment, before anybody reads', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    const lane = await journal.bear('logs/a')
    await append(journal, 'the last group', [lane])
    const copy = await crashed(directory)
    const bytes = await readFile(join(copy, '00000001.wal'))
    const end = bytes.indexOf('the last group') + 'the last group'.length
    await writeFile(join(copy, '00000001.wal'), bytes.subarray(0, end))
    const again = await open(copy)
    expect(await readdir(copy)).toContain('00000002.wal')
    expect((await readFile(join(copy, '00000002.wal'))).includes('the last group')).toBe(true)
    const seen = listen(again.lanes.get('logs/a')!)
    await until(() => seen.batches.length === 1)
    expect(textOf(seen.batches[0]!)).toBe('the last group')
    await journal.close()
    await again.close()
  })

  test('a segment whose making was cut short is no segment', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    const lane = await journal.bear('logs/a')
    await append(journal, 'kept', [lane])
    const copy = await crashed(directory)
    await writeFile(join(copy, '00000002.wal.new'), 'half a header')
    const again = await open(copy)
    expect(again.lanes.get('logs/a')!.behind.records).toBe(1)
    await journal.close()
    await again.close()
  })
})

describe('J8: a segment goes when every lane has passed it', () => {
  test('and not before', async () => {
    const directory = await newDirectory()
    const journal = await open(directory, { segmentBytes: 4096 })
    const fast = await journal.bear('logs/fast')
    const slow = await journal.bear('logs/slow')
    const seenFast = listen(fast)
    const seenSlow = listen(slow)
    for (let i = 0; i < 30; i++) await append(journal, 'x'.repeat(1000), [fast, slow])
    await until(() => seenFast.batches.length === 30 && seenSlow.batches.length === 30)
    for (const batch of seenFast.batches) batch.settle()
    await until(() => fast.behind.records === 0)
    await append(journal, 'later', [slow])
    expect(await readdir(directory)).toContain('00000001.wal')
    for (const batch of seenSlow.batches) batch.settle()
    await until(() => journal.segments().length === 1)
    await until(() => slow.behind.records === 0)
    await journal.close()
    const again = await open(directory)
    expect(again.lanes.get('logs/slow')!.behind.records).toBe(0)
    await again.close()
  })

  test('and is gone when the journal is closed, though many go at once', async () => {
    const directory = await newDirectory()
    const journal = await open(directory, { segmentBytes: 4096 })
    const lane = await journal.bear('logs/a')
    for (let i = 0; i < 60; i++) await append(journal, 'x'.repeat(1000), [lane])
    deliver(lane)
    await until(() => lane.behind.records === 0)
    await journal.close()
    const left = (await readdir(directory)).filter((name) => name.endsWith('.wal'))
    const known = journal.segments().map(({ number }) => `${number}`.padStart(8, '0'))
    expect(left).toEqual(known.map((number) => `${number}.wal`))
  })
})

describe('J10: a full disk', () => {
  test('recovery writes a segment, so the reserve is given back before it', async () => {
    const directory = await newDirectory()
    await (await open(directory)).close()
    expect(await readdir(directory)).toContain('reserve')
    // A recovery that cannot end shows what it had at its disposal.
    await mkdir(join(directory, '00000002.wal.new'))
    await expect(open(directory)).rejects.toThrow()
    expect(await readdir(directory)).not.toContain('reserve')
  })
})

describe('J8: a lane that only control frames have led on', () => {
  test('finds the next frame on the disk, though the segment it read last is gone', async () => {
    const directory = await newDirectory()
    const journal = await open(directory, { segmentBytes: 4096 })
    const lane = await journal.bear('logs/a')
    const seen = listen(lane, 2 ** 26)
    await append(journal, 'small', [lane])
    await until(() => seen.batches.length === 1)
    seen.batches[0]!.settle()
    for (let i = 0; i < 80; i++) {
      await lane.book.write({ do: 'committed', archive: `s3://bucket-${i}`, commit: 1 })
    }
    await until(() => journal.segments()[0]!.number > 1)
    // More than is kept in memory, so that it is read from the disk.
    await append(journal, 'x'.repeat(9 * 2 ** 20), [lane])
    await until(() => seen.batches.length === 2 || seen.stopped !== undefined)
    expect(seen.stopped).toBeUndefined()
    expect(seen.batches[1]!.logs.bytes).toBe(9 * 2 ** 20)
    await journal.close()
  })
})

describe('J9: one owner', () => {
  test('a second one is refused in one sentence, until the first has let go', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    await expect(open(directory)).rejects.toThrow(/in use by another process/)
    await journal.close()
    await (await open(directory)).close()
  })

  test('a directory that cannot be used is named', async () => {
    const directory = await newDirectory()
    await mkdir(join(directory, 'lock'))
    await expect(open(directory)).rejects.toThrow(`opening the journal ${directory}`)
    await writeFile(join(directory, 'file'), '')
    const under = join(directory, 'file', 'journal')
    await expect(open(under)).rejects.toThrow(`opening the journal ${under}`)
  })
})

describe('J11: files and versions', () => {
  test('only the owner can read them', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    for (const name of await readdir(directory)) {
      expect([name, (await stat(join(directory, name))).mode & 0o777]).toEqual([name, 0o600])
    }
    await journal.close()
  })

  test('an unknown version stops the start', async () => {
    const directory = await newDirectory()
    await (await open(directory)).close()
    const path = join(directory, '00000001.wal')
    const bytes = await readFile(path)
    bytes.writeUInt32LE(99, 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
    await writeFile(path, bytes)
    await expect(open(directory)).rejects.toThrow(/has version 99/)
  })
})

describe('limits', () => {
  test('past max_size senders are refused and nothing is dropped', async () => {
    const journal = await open(await newDirectory(), { maxSize: 3000 })
    const lane = await journal.bear('logs/a')
    await append(journal, 'x'.repeat(2000), [lane])
    await expect(append(journal, 'x'.repeat(2000), [lane])).rejects.toThrow(RefusedError)
    expect(lane.behind.records).toBe(1)
    await journal.close()
  })

  test('a journal smaller than a segment takes more once all is delivered, whatever the sizes', async () => {
    const journal = await open(await newDirectory(), { maxSize: 3000 })
    const lane = await journal.bear('logs/a')
    deliver(lane)
    for (const size of [2000, 2000, 5000, 100, 2900, 2000]) {
      await append(journal, 'x'.repeat(size), [lane])
      await until(() => lane.behind.records === 0)
    }
    await until(() => journal.bytes < 3000)
    await journal.close()
  })
})

describe('L2: read-ahead is the distance from the low-water mark', () => {
  test('a full window stops the reader until the oldest is settled', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    const lane = await journal.bear('logs/a')
    for (let i = 0; i < 10; i++) await append(journal, `${i}`.padEnd(1000, '.'), [lane])
    const seen = listen(lane, 4000)
    await until(() => seen.full > 0)
    const ahead = seen.batches.length
    expect(ahead).toBeLessThan(5)
    seen.batches[1]!.settle()
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen.batches.length).toBe(ahead)
    seen.batches[0]!.settle()
    await until(() => seen.batches.length > ahead)
    for (let i = 2; i < 10; i++) {
      await until(() => seen.batches.length > i)
      seen.batches[i]!.settle()
    }
    expect(seen.batches.map((batch) => textOf(batch)[0]).join('')).toBe('0123456789')
    expect(seen.batches.map(({ meta }) => meta.covers![0]![0])).toEqual(
      seen.batches.map((_, i) => (i === 0 ? 2 : seen.batches[i - 1]!.meta.covers![0]![1] + 1))
    )
    await journal.close()
  })
})

describe('a batch that cannot be delivered', () => {
  test('stops its lane, stays in the journal, and others go on', async () => {
    const directory = await newDirectory()
    const journal = await open(directory)
    const bad = await journal.bear('logs/bad')
    const good = await journal.bear('logs/good')
    const seenByBad = listen(bad)
    const seenByGood = listen(good)
    await append(journal, 'one', [bad, good])
    await until(() => seenByBad.batches.length === 1)
    seenByBad.batches[0]!.settle(new PermanentError('never'))
    expect(seenByBad.stopped?.message).toBe('never')
    await append(journal, 'two', [bad, good])
    await until(() => seenByGood.batches.length === 2)
    expect(seenByBad.batches.length).toBe(1)
    await journal.close()
    const again = await open(directory)
    expect(again.lanes.get('logs/bad')!.behind.records).toBe(2)
    await again.close()
  })
})

test('draining completes a lane when everything durable has been read', async () => {
  const journal = await open(await newDirectory())
  const lane = await journal.bear('logs/a')
  const seen = listen(lane)
  await append(journal, 'one', [lane])
  lane.reader.drain()
  await until(() => seen.completed)
  expect(seen.batches.map(textOf)).toEqual(['one'])
  await journal.close()
})
