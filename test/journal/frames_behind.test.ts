import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { frameHeaderBytes, frameType, writeFrameHeader } from '../../src/journal/frame.ts'
import { framesBehind } from '../../src/journal/frame_reader.ts'
import { newDirectory } from './harness.ts'

const salt = 0x12345678

function frame(lsn: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(frameHeaderBytes)
  writeFrameHeader(
    header,
    0,
    { lsn, durable: lsn, type: frameType.records, payload: [payload] },
    salt
  )
  return Buffer.concat([header, payload])
}

test('J7: frames are found behind what does not read, and frames within frames are not', async () => {
  const path = join(await newDirectory(), 'segment')
  const inner = frame(9, randomBytes(10))
  const parts = [randomBytes(777), frame(5, inner), frame(6, randomBytes(5000)), randomBytes(100)]
  await writeFile(path, Buffer.concat(parts))
  const found = await framesBehind(path, salt, 0, 5984, 4)
  expect(found.map(({ frame, at }) => [frame.lsn, at])).toEqual([
    [5, 777],
    [6, 843]
  ])
})

test('a tail made of headers that each claim all the rest costs one pass, not its square', async () => {
  const path = join(await newDirectory(), 'segment')
  // Summed one by one these would be 150 GB.
  const fakes = 100_000
  const tail = Buffer.alloc(fakes * frameHeaderBytes)
  for (let i = 0; i < fakes; i++) {
    const at = i * frameHeaderBytes
    writeFrameHeader(tail, at, { lsn: 5, durable: 5, type: 1, payload: [] }, salt)
    tail.writeUInt32LE(tail.length - at - frameHeaderBytes, at)
    tail[at + 4]! ^= 1
  }
  const last = frame(6, randomBytes(50))
  await writeFile(path, Buffer.concat([tail, last]))
  const found = await framesBehind(path, salt, 0, tail.length + last.length, 4)
  expect(found.map(({ frame }) => frame.lsn)).toEqual([6])
})
