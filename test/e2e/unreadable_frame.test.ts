import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { frameHeaderBytes, frameStart } from '../../src/journal/frame.ts'
import { decodeHeader, segmentHeaderBytes } from '../../src/journal/segment.ts'
import { logsFromJson } from '../../src/logs/from_json.ts'
import { problemsOf } from '../archive_check.ts'
import { filesOf } from '../faults/once.ts'
import { append, open } from '../journal/harness.ts'
import { newDir, runToEnd, start, stop, until } from './auditcol.ts'
import { createBackend } from './backend.ts'
import { pipelineOf } from './pipeline.ts'
import { archivedIds, requestOf } from './records.ts'

test('a frame that does not read, of whatever version, is a dead letter with its bytes, and its lane goes on', {
  timeout: 60_000
}, async () => {
  const dir = newDir()
  const journal = await open(join(dir, 'journal'))
  const lane = await journal.bear('logs/backend')
  await append(journal, 'this is no OTLP', [lane])
  const sound = logsFromJson(Buffer.from(requestOf(['a'])))
  await append(journal, Buffer.concat(sound.chunks).toString('latin1'), [lane])
  await journal.close()

  const backend = createBackend('take')
  const auditcol = await start({ dir, config: pipelineOf({ backend: backend.keys }) })
  await until(() => backend.taken().length === 1)
  expect(await stop(auditcol)).toBe(0)
  expect(backend.taken()).toEqual(['a'])
  const letters = async (...args: string[]) =>
    (await runToEnd({ dir, args: ['dead-letters', ...args] })).output
  const list = await letters()
  expect(list).toMatch(/by journal {2}1 record {2}the frame does not read: /)
  const [id = ''] = list.split(' ')
  const bytesValue = Buffer.from('this is no OTLP').toString('base64')
  expect(await letters('show', id)).toContain(`"bytesValue":"${bytesValue}"`)
  const { resourceLogs } = JSON.parse(await letters('export'))
  expect(resourceLogs[0].scopeLogs[0].logRecords[0].body).toEqual({ bytesValue })
  expect(await letters('replay')).toBe(
    'on the way again: 0 dead letters with 0 records; 1 left, bytes that no component can read: export them\n'
  )
})

test('a frame whose envelope does not read is a dead letter of every lane that may own it; covers and counts stay dense', {
  timeout: 60_000
}, async () => {
  const dir = newDir()
  const directory = join(dir, 'journal')
  const journal = await open(directory)
  const lanes = [await journal.bear('logs/backend'), await journal.bear('logs/awss3')]
  for (const id of ['a', 'spoilt', 'b']) {
    const { chunks } = logsFromJson(Buffer.from(requestOf([id])))
    await append(journal, Buffer.concat(chunks).toString('latin1'), lanes)
  }
  await journal.close()
  const payload = spoilEnvelope(join(directory, '00000001.wal'), 'event(spoilt)')

  const backend = createBackend('take')
  const archive = join(dir, 'archive')
  const s3uploader = `s3uploader: { region: us-east-1, s3_bucket: "file:${archive}", s3_partition_format: "" }`
  const config = pipelineOf({ backend: backend.keys, awss3: s3uploader })
  const auditcol = await start({ dir, config })
  await until(() => backend.taken().length === 2 && archivedIds(archive).length === 2)
  expect(await stop(auditcol)).toBe(0)
  expect(backend.taken()).toEqual(['a', 'b'])
  expect(archivedIds(archive)).toEqual(['a', 'b'])
  expect(problemsOf(filesOf(archive))).toEqual([])

  const { output } = await runToEnd({ dir, args: ['dead-letters', 'export'] })
  const lines = output.trimEnd().split('\n')
  const bytesValue = payload.toString('base64')
  expect(
    lines.map((line) => JSON.parse(line).resourceLogs[0].scopeLogs[0].logRecords[0].body)
  ).toEqual([{ bytesValue }, { bytesValue }])
  const list = (await runToEnd({ dir, args: ['dead-letters'] })).output
  expect(
    list.match(/logs\/(backend|awss3) .* by journal {2}1 record .*nothing tells who sent it/g)
  ).toHaveLength(2)
  const again = await start({ dir })
  expect(again.output()).toContain('0 records waiting')
  expect(await stop(again)).toBe(0)
})

/** Writes the frame that holds this text as if its envelope had been wrong from the beginning. Returns its payload. */
function spoilEnvelope(path: string, text: string): Buffer {
  const bytes = readFileSync(path)
  const { salt } = decodeHeader(bytes, path)
  for (let at = segmentHeaderBytes; at < bytes.length; ) {
    const end = at + frameHeaderBytes + frameStart(bytes, at).length
    const payload = bytes.subarray(at + frameHeaderBytes, end)
    if (payload.includes(text)) {
      payload.write('[', 4)
      bytes.writeUInt32LE(crc32(bytes.subarray(at + 8, end), crc32(salt)), at + 4)
      writeFileSync(path, bytes)
      return payload
    }
    at = end
  }
  throw new Error(`no frame of ${path} has ${text}`)
}
