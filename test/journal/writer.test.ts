import type { FileHandle } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { RefusedError } from '../../src/component.ts'
import { writeAll } from '../../src/disk.ts'
import { frameHeaderBytes, frameType } from '../../src/journal/frame.ts'
import { createSegment } from '../../src/journal/segment.ts'
import { createWriter, type WriterOptions } from '../../src/journal/writer.ts'
import { newDirectory } from './harness.ts'

/** A real segment whose file misbehaves as told. */
async function writer(faults: Partial<FileHandle>, options: Partial<WriterOptions> = {}) {
  const directory = await newDirectory()
  const made = {
    directory,
    number: 1,
    writer: '0123456789abcdef',
    firstLsn: 1,
    snapshot: Buffer.from('{}')
  }
  const { segment, file } = await createSegment(made)
  const calls: string[] = []
  const handle = new Proxy(file, {
    get(target, name: keyof FileHandle) {
      const value = faults[name] ?? target[name]
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        calls.push(String(name))
        return (value as (...args: unknown[]) => unknown).apply(target, args)
      }
    }
  })
  const failures: Error[] = []
  const writing = createWriter({
    directory,
    writer: made.writer,
    segments: [segment],
    file: handle,
    segmentBytes: 2 ** 20,
    snapshot: () => Buffer.from('{}'),
    collect: () => undefined,
    synced: () => {},
    makeRoom: async () => {},
    fatal: (error) => failures.push(error),
    ...options
  })
  const push = (text: string, type: number = frameType.records) =>
    new Promise<number>((resolve, reject) => {
      const payload = [Buffer.from(text)]
      writing.push({
        type,
        payload,
        bytes: frameHeaderBytes + text.length,
        done: (error, { lsn }) => (error ? reject(error) : resolve(lsn))
      })
    })
  return { push, calls, failures, segment, close: writing.close, file }
}

function once(error: NodeJS.ErrnoException) {
  let thrown = false
  return (real: () => unknown) => {
    if (thrown) return real()
    thrown = true
    throw error
  }
}

test('J1: frames that wait together share one write and one fsync', async () => {
  const { push, calls, close } = await writer({})
  await push('first')
  calls.length = 0
  expect(await Promise.all([push('a'), push('b'), push('c')])).toEqual([2, 3, 4])
  expect(calls.filter((name) => name === 'datasync').length).toBeLessThanOrEqual(2)
  await close()
})

test('J1: short writes are looped over', async () => {
  const written: number[] = []
  const bytes = Buffer.alloc(100)
  const short = {
    writev: async (parts: Uint8Array[], position: number) => {
      let n = 0
      for (const part of parts) {
        for (const byte of part) {
          if (n === 7) break
          bytes[position + n++] = byte
        }
      }
      written.push(n)
      return { bytesWritten: n }
    }
  } as unknown as FileHandle
  const end = await writeAll(short, [Buffer.from('0123456789'), Buffer.from('abcdefghij')], 5)
  expect(end).toBe(25)
  expect(bytes.toString('utf8', 5, 25)).toBe('0123456789abcdefghij')
  expect(written.length).toBe(3)
})

test('J6: after a failed fsync it is not called again, all who wait are refused, and the program must end', async () => {
  const eio = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })
  let asked = 0
  const { push, failures, file } = await writer({
    datasync: async () => {
      asked++
      throw eio
    }
  })
  const answers = await Promise.allSettled([push('a'), push('b')])
  for (const answer of answers) {
    expect(answer.status === 'rejected' && answer.reason).toBeInstanceOf(RefusedError)
  }
  await expect(push('later')).rejects.toThrow('the journal has failed')
  expect(asked).toBe(1)
  expect(failures.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^syncing .*00000001.wal$/)
  ])
  await file.close()
})

test('J1: what a failed write has left is cut off, and that is synced, before anything else is written', async () => {
  const enospc = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  let whole = false
  const { push, calls, segment, close, file } = await writer({
    // All of it arrives, and the answer is an error all the same.
    async writev(this: FileHandle, parts: Uint8Array[], at: number) {
      const done = await Object.getPrototypeOf(this).writev.call(this, parts, at)
      if (!whole) throw enospc
      return done
    }
  } as unknown as Partial<FileHandle>)
  const end = segment.end
  await expect(push('refused'.repeat(100))).rejects.toThrow('writing to the journal')
  expect((await file.stat()).size).toBe(end)
  whole = true
  await push('kept')
  expect(calls.slice(0, 5)).toEqual(['writev', 'truncate', 'datasync', 'writev', 'datasync'])
  await close()
})

test('J10: a full disk refuses the records of the group, and control frames are tried again', async () => {
  const full = once(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }))
  let room = 0
  const { push, failures, segment, close } = await writer(
    {
      async writev(this: FileHandle, ...args: unknown[]) {
        const real = Object.getPrototypeOf(this).writev as (...args: unknown[]) => Promise<unknown>
        return full(() => real.apply(this, args)) as never
      }
    } as Partial<FileHandle>,
    {
      makeRoom: async () => {
        room++
      }
    }
  )
  const before = segment.end
  const [records, control] = await Promise.allSettled([
    push('audit'),
    push('{"lanes":[]}', frameType.settled)
  ])
  expect(records.status === 'rejected' && (records.reason as RefusedError).reason).toBe(
    'unavailable'
  )
  expect(control).toEqual({ status: 'fulfilled', value: 1 })
  expect(room).toBe(1)
  expect(failures).toEqual([])
  expect(await push('after')).toBe(2)
  expect(segment.end).toBeGreaterThan(before)
  await close()
})

test('J10: records that wait do not use up what the lanes need of a full disk', async () => {
  const enospc = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  const types: number[][] = []
  let full = true
  const { push, close } = await writer(
    {
      async writev(this: FileHandle, parts: Uint8Array[], at: number) {
        types.push(parts.filter(({ length }) => length === frameHeaderBytes).map((h) => h[24]!))
        // Only after a while, so that others wait behind the group.
        await new Promise((resolve) => setTimeout(resolve, 20))
        if (full) throw enospc
        return Object.getPrototypeOf(this).writev.call(this, parts, at)
      }
    } as unknown as Partial<FileHandle>,
    {
      makeRoom: async () => {
        full = false
      }
    }
  )
  const first = push('in the group')
  await new Promise((resolve) => setTimeout(resolve, 5))
  const answers = await Promise.allSettled([
    first,
    push('behind it'),
    push('{"lanes":[]}', frameType.settled)
  ])
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled'])
  expect(types).toEqual([[frameType.records], [frameType.settled]])
  await close()
})

test('J10: a disk that stays full does not keep the journal from closing', async () => {
  const enospc = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  let tries = 0
  const { push, failures, close } = await writer({
    writev: (async () => {
      tries++
      throw enospc
    }) as unknown as FileHandle['writev']
  })
  const control = push('{"lanes":[]}', frameType.settled)
  const answered = expect(control).rejects.toThrow('writing to the journal')
  await close()
  await answered
  expect(tries).toBeGreaterThan(1)
  expect(failures).toEqual([])
  await expect(push('later')).rejects.toThrow(RefusedError)
})
