import { open } from 'node:fs/promises'
import { type Frame, takesLsn } from './frame.ts'
import { openFrames } from './frame_reader.ts'
import { type Segment, segmentHeaderBytes } from './segment.ts'

/** The frames of a segment from its beginning on, as long as one follows the other, up to `end`. */
export async function* framesOf(
  segment: Pick<Segment, 'path' | 'salt' | 'firstLsn'>,
  end: number
): AsyncGenerator<{ frame: Frame; at: number }> {
  const reader = openFrames(segment.path, segment.salt)
  try {
    let at = segmentHeaderBytes
    let lsn = segment.firstLsn - 1
    for (;;) {
      const frame = await reader.read(at, end)
      if (!frame || frame.lsn !== (takesLsn(frame.type) ? lsn + 1 : lsn)) return
      yield { frame, at }
      lsn = frame.lsn
      at += frame.bytes
    }
  } finally {
    await reader.close()
  }
}

/** The bytes of a segment's header, fewer where the file is shorter. */
export async function readHeader(path: string): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(
      Buffer.alloc(segmentHeaderBytes),
      0,
      segmentHeaderBytes,
      0
    )
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
