import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { problemsOf } from '../archive_check.ts'
import { type FakeS3, startFakeS3 } from '../fake_s3.ts'
import { runToEnd, start, stop, until } from './auditcol.ts'
import { pipelineOf, sendEach } from './pipeline.ts'

const timeout = 60_000
const env = {
  AWS_ACCESS_KEY_ID: 'akey',
  AWS_SECRET_ACCESS_KEY: 'skey12345',
  AWS_REGION: 'us-east-1'
}

function into({ endpoint }: FakeS3, bucket = 'logs'): string {
  const s3uploader =
    `s3uploader: { s3_bucket: ${bucket}, endpoint: "${endpoint}", s3_force_path_style: true, ` +
    'retry_mode: nop, s3_partition_format: "" }'
  const retry = 'retry_on_failure: { initial_interval: 20ms, max_interval: 50ms }'
  return pipelineOf({ awss3: `${retry}, ${s3uploader}` })
}

test('A7: an object that the store refuses for good stops its archive until it is voided', {
  timeout
}, async () => {
  const s3 = await startFakeS3()
  s3.fail('too large')
  const auditcol = await start({ config: into(s3), env })
  const { dir } = auditcol
  await sendEach(auditcol, ['a'])
  await until(() => auditcol.output().includes('part of the lane has stopped'))
  await sendEach(auditcol, ['b'])
  const shown = await runToEnd({ dir, args: ['journal'] })
  await until(() => s3.keys().length === 0)
  expect(shown.output).toMatch(/records undelivered/)
  expect(shown.output).toMatch(/^ {4}stopped: storing \S+/m)

  const wrong = await runToEnd({ dir, args: ['void', '7'] })
  expect(wrong).toMatchObject({ code: 1 })
  expect(wrong.output).toMatch(
    /there is no open object 7: open are 1 of s3:\/\/logs \(logs\/awss3\)/
  )
  const done = await runToEnd({ dir, args: ['void', '1', '--reason', 'too large for the store'] })
  expect(done).toMatchObject({ code: 0 })
  expect(done.output).toContain('object 1 of s3://logs (logs/awss3) is void')

  await until(() => s3.keys().some((key) => /-000000000002\.json$/.test(key)))
  expect(await stop(auditcol)).toBe(0)
  const leaves = s3
    .keys()
    .filter((key) => key.includes('/commits/'))
    .map((key) => s3.object(key)!.toString())
    .join('')
  expect(leaves).toMatch(/"kind":"void","number":1,.*"reason":"too large for the store"/)
  const kept = readdirSync(join(dir, 'journal/dead')).find((name) => name.endsWith('000000000001'))!
  expect(readFileSync(join(dir, 'journal/dead', kept), 'utf8')).toContain('event(a)')
  await s3.stop()
})

test('L7: what is sealed and not stored counts as undelivered, at rest and with its lane gone', {
  timeout
}, async () => {
  const { s3, auditcol, dir } = await stoppedWithSealed()
  expect(auditcol.output()).toContain('0 records delivered; 2 wait in the journal')
  const { output } = await runToEnd({ dir, args: ['journal'] })
  expect(output).toMatch(/2 records undelivered, \d+ bytes, oldest accepted \d{4}-/)
  expect(output).toMatch(/sealed of them: 2 records in 2 objects, waiting for a store/)

  const without = pipelineOf({ debug: '' })
  const refused = await runToEnd({ dir, args: ['run', '--config', `yaml:${without}`], env })
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.output).toContain('2 records undelivered for logs/awss3: restore it')

  s3.misbehave(() => undefined)
  const again = await start({ dir, env })
  await until(() => s3.keys().filter((key) => !key.includes('.auditcol/')).length === 2)
  expect(await stop(again)).toBe(0)
  await s3.stop()
})

test('A7: bytes of voided objects are kept at once, each by itself, and outlive their lane', {
  timeout
}, async () => {
  const s3 = await startFakeS3()
  s3.misbehave(() => 'slow down')
  const mistyped = await start({ config: into(s3, 'lgos'), env })
  const { dir } = mistyped
  await sendEach(mistyped, ['a'])
  await until(() => mistyped.output().includes('storing in s3://lgos failed'))
  expect(await stop(mistyped)).toBe(0)
  const corrected = await start({ dir, config: into(s3), env })
  await sendEach(corrected, ['b'])
  await until(() => corrected.output().includes('storing in s3://l'))
  expect(await stop(corrected)).toBe(0)

  const keptOf = async (archive: string) => {
    const done = await runToEnd({ dir, args: ['void', '1', '--archive', archive] })
    expect(done).toMatchObject({ code: 0 })
    return /are kept in (\S+)/.exec(done.output)![1]!
  }
  const kept = [await keptOf('s3://lgos'), await keptOf('s3://logs')]
  const directory = ['--directory', join(dir, 'journal')]
  const ended = await runToEnd({ dir, args: ['journal', 'abandon', 'logs/awss3', ...directory] })
  expect(ended).toMatchObject({ code: 0 })
  expect(readdirSync(join(dir, 'journal/spool'))).toEqual([])
  const bodies = kept.map((path) => readFileSync(join(dir, path), 'utf8'))
  expect(bodies[0]).toContain('event(a)')
  expect(bodies[1]).toContain('event(b)')
  await s3.stop()
})

test('L7: an exporter that stores nothing is refused where sealed objects wait', {
  timeout
}, async () => {
  const { s3, dir } = await stoppedWithSealed()
  await runToEnd({ dir, args: ['journal', 'rename', 'logs/awss3', 'logs/debug'] })
  const debug = { dir, config: pipelineOf({ debug: '' }) }
  const refused = await runToEnd({ ...debug, args: ['run'] })
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.output).toContain('2 records undelivered for logs/debug, sealed for s3://logs')

  await runToEnd({ dir, args: ['journal', 'rename', 'logs/debug', 'logs/awss3'] })
  s3.misbehave(() => undefined)
  const again = await start({ dir, config: into(s3), env })
  await until(() => s3.keys().filter((key) => !key.includes('.auditcol/')).length === 2)
  expect(await stop(again)).toBe(0)
  await s3.stop()
})

test('A9: what is sealed is void when its lane is abandoned, and its bytes are kept', {
  timeout
}, async () => {
  const { s3, dir } = await stoppedWithSealed()
  const done = await runToEnd({ dir, args: ['journal', 'abandon', 'logs/awss3'], env })
  expect(done.output).toContain('logs/awss3 is abandoned: 2 undelivered records given up')
  expect((await runToEnd({ dir, args: ['journal'] })).output).toContain('0 records undelivered')
  const gone = ['run', '--config', `yaml:${pipelineOf({ debug: '' })}`]
  expect((await runToEnd({ dir, args: gone, env })).output).toContain(
    'gaps that no archive shows yet for logs/awss3: restore it'
  )

  s3.misbehave(() => undefined)
  const again = await start({ dir, env })
  await until(() => s3.keys().some((key) => key.includes('/commits/')))
  expect(await stop(again)).toBe(0)
  const objects = new Map(s3.keys().map((key) => [key, s3.object(key)!]))
  expect(problemsOf(objects)).toEqual([])
  const leaves = [...objects.values()].join('').match(/"kind":"\w+"/g)
  expect(leaves).toEqual(['"kind":"genesis"', '"kind":"void"', '"kind":"void"'])
  const kept = readdirSync(join(dir, 'journal/dead')).filter((name) => /-\d{12}$/.test(name))
  expect(kept).toHaveLength(2)
  await s3.stop()
})

/** Two records are sealed, the store takes nothing, and auditcol has stopped. */
async function stoppedWithSealed() {
  const s3 = await startFakeS3()
  s3.misbehave(() => 'slow down')
  const auditcol = await start({ config: into(s3), env })
  const { dir } = auditcol
  await sendEach(auditcol, ['a', 'b'])
  await until(() => auditcol.output().includes('storing in s3://logs failed'))
  expect(await stop(auditcol)).toBe(0)
  return { s3, auditcol, dir }
}
