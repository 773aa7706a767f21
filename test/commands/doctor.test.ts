import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import '../archive/open_s3.ts'
import { doctor } from '../../src/commands/doctor.ts'
import { ConfigErrors } from '../../src/config/errors.ts'
import { lockJournal } from '../../src/journal/lock.ts'
import { type FakeS3, startFakeS3 } from '../fake_s3.ts'

let s3: FakeS3
let directory: string
beforeEach(async () => {
  s3 = await startFakeS3()
  directory = mkdtempSync(join(tmpdir(), 'doctor-'))
})
afterEach(async () => {
  await s3.stop()
  rmSync(directory, { recursive: true, force: true })
})

const bucket = (more = '') =>
  `{ s3_bucket: logs, s3_prefix: audit, endpoint: "${s3.endpoint}", s3_force_path_style: true ${more} }`

/** What it prints about one exporter, and its exit code. */
async function examined(awss3: string, { journal = '', json = false } = {}) {
  const config = `yaml:
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }
exporters: { awss3: { ${awss3} } }
service:
  journal: { directory: "${directory}/journal" ${journal} }
  pipelines: { logs: { receivers: [otlp], exporters: [awss3] } }
`
  let output = ''
  const options = { config: [config], set: [], logsOnly: false, env: process.env }
  const code = await doctor(options, json, (text) => {
    output += text
  })
  return { code, output }
}

test('a healthy store: a row for each check with what it means, exit code 0, and nothing is left', async () => {
  const { code, output } = await examined(`s3uploader: ${bucket()}`)
  expect(code).toBe(0)
  expect(output).toMatch(/^awss3 \(--config yaml:3:14\) into s3:\/\/logs$/m)
  expect(output).toMatch(
    /^ {2}create_only {2}ok {2}1 of 8 creations of one key at once won; an object is never overwritten/m
  )
  expect(output).toMatch(/^ {2}object_lock {2}no {2}it is off.*; objects cannot be kept from/m)
  expect(output).not.toContain('"Statement"')
  expect(s3.keys()).toEqual([])
  expect(existsSync(join(directory, 'journal'))).toBe(false)
})

test.each([
  ['layout: litellm', 'layout: litellm'],
  ['key_template: \'{attributes["id"]}\'', 'key_template without \\{number\\}']
])(
  '%s refuses start on a store that overwrites or does not let us read, and doctor says so before',
  async (key, by) => {
    s3.ways.overwrites = true
    s3.ways.denied.add('read')
    const { code, output } = await examined(`s3uploader: ${bucket(`, ${key}`)}`)
    expect(code).toBe(1)
    expect(output).toMatch(/^ {2}create_only {2}no, required/m)
    expect(output).toMatch(new RegExp(`problem: ${by} asks for create_only, which is no`))
    expect(output).toMatch(
      new RegExp(`problem: ${by} asks for read, which is unknown .*allow s3:GetObject`)
    )
  }
)

test('it probes in a folder of its own', async () => {
  s3.ways.denied.add('delete')
  await examined(`s3uploader: ${bucket()}`)
  expect(s3.keys()).toEqual([expect.stringMatching(/^audit\/\.auditcol\/doctor\/probe\/[\w-]+$/)])
})

test('what is denied is printed as a policy: the missing part, and the whole', async () => {
  s3.ways.denied.add('read').add('bucket')
  const { code, output } = await examined(`s3uploader: ${bucket()}`)
  expect(code).toBe(0)
  const [missing, whole] = output.split('the least that it needs:').map((part) => {
    return JSON.parse(part.slice(part.indexOf('{')))
  })
  expect(missing.Statement).toEqual([
    { Effect: 'Allow', Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::logs/audit/*' },
    {
      Effect: 'Allow',
      Action: ['s3:GetBucketVersioning', 's3:GetBucketObjectLockConfiguration'],
      Resource: 'arn:aws:s3:::logs'
    }
  ])
  expect(whole.Statement[0].Action).toEqual(['s3:PutObject', 's3:GetObject'])
})

describe('exit code 1, and what is wrong', () => {
  test('a required check that is not ok', async () => {
    s3.ways.overwrites = true
    const { code, output } = await examined(`require: [create_only, read], s3uploader: ${bucket()}`)
    expect(code).toBe(1)
    expect(output).toMatch(/^ {2}create_only {2}no, required {2}8 of 8/m)
    expect(output).toMatch(
      /^ {2}problem: require asks for create_only, which is no \(8 of 8 .*\): take a store whose PUT/m
    )
  })

  test('Object Lock that is configured, in a bucket without it', async () => {
    const lock = ', object_lock: { legal_hold: true }'
    const { code, output } = await examined(`s3uploader: ${bucket(lock)}`)
    expect(code).toBe(1)
    expect(output).toContain('problem: object_lock asks for object_lock, which is no')
  })

  test('a store in which nothing can be stored', async () => {
    s3.ways.denied.add('put')
    const { code, output } = await examined(`s3uploader: ${bucket()}`)
    expect(code).toBe(1)
    expect(output).toContain('problem: nothing is stored: denied: needs s3:PutObject')
  })

  test('a store that is not there, and the policy all the same', async () => {
    s3.buckets.clear()
    const { code, output } = await examined(`s3uploader: ${bucket()}`)
    expect(code).toBe(1)
    expect(output).toContain('problem: reaching s3://logs: bucket "logs" does not exist')
    expect(output).toContain('"arn:aws:s3:::logs/audit/*"')
  })

  test('a journal with less free space than min_free, or where no directory can be', async () => {
    const archive = `s3uploader: { s3_bucket: "file:${directory}/archive" }`
    const full = await examined(archive, { journal: ', min_free: 900000TiB' })
    expect(full).toMatchObject({ code: 1 })
    expect(full.output).toMatch(/^ {2}free_space {3}no {2}\d+ MiB free, min_free is/m)
    writeFileSync(join(directory, 'journal'), '')
    const file = await examined(archive)
    expect(file).toMatchObject({ code: 1 })
    expect(file.output).toMatch(/^ {2}directory {4}no {2}.*journal is no directory/m)
    expect(file.output).toMatch(/^ {2}fsync {8}no {2}fails \(ENOTDIR\)/m)
  })
})

test('the journal of a running collector is looked at and left as it is', async () => {
  const journal = join(directory, 'journal')
  mkdirSync(journal, { mode: 0o755 })
  writeFileSync(join(journal, 'lock'), '')
  const archive = `s3uploader: { s3_bucket: "file:${directory}/archive" }`
  const { code, output } = await examined(archive)
  expect(code).toBe(0)
  expect(output).toMatch(/^ {2}lock {9}ok {2}free$/m)
  expect(output).toMatch(/^ {2}permissions {2}ok {2}0755, the next start makes it 0700$/m)
  expect(output).toMatch(/^ {2}fsync {8}ok {2}works, \d+\.\d ms$/m)
  expect(readdirSync(journal)).toEqual(['lock'])
  const owner = await lockJournal(journal)
  expect((await examined(archive)).output).toContain('a process has it: a collector is running')
  owner!.release()
})

test.each([
  ['', 'nothing yet: no journal has been begun'],
  [
    'journal: false',
    'without a journal its arrivals are told by the log of the running process alone'
  ]
])('what is not known of a receiver is no problem: %s', async (service, answer) => {
  const config = `yaml:
receivers: { otlp: { protocols: { http: }, expect_every: 1h } }
exporters: { debug: }
service:
  ${service || `journal: { directory: "${directory}/journal" }`}
  pipelines: { logs: { receivers: [otlp], exporters: [debug] } }
`
  let output = ''
  const options = { config: [config], set: [], logsOnly: false, env: process.env }
  const code = await doctor(options, false, (text) => {
    output += text
  })
  expect(code).toBe(0)
  expect(output).toContain(`receiver otlp: ${answer}\n`)
})

test('buckets that records name are said to be probed later', async () => {
  const mapped = 'resource_attrs_to_s3: { s3_bucket: team }'
  const named = await examined(`${mapped}, s3uploader: ${bucket()}`)
  expect(named.output).toContain('buckets that records name in team are probed when one is named')
  const all = await examined(`${mapped}, s3uploader: { endpoint: "${s3.endpoint}" }`)
  expect(all).toMatchObject({ code: 0 })
  expect(all.output).toContain('into the bucket that each record names')
})

test('--json says the same', async () => {
  const { code, output } = await examined(`s3uploader: ${bucket()}`, { json: true })
  const report = JSON.parse(output)
  expect([code, report.ok]).toEqual([0, true])
  expect(report.stores[0]).toMatchObject({
    exporter: 'awss3',
    store: 's3://logs',
    findings: { create_only: { result: 'ok' }, object_lock: { result: 'no' } },
    problems: []
  })
  expect(report.journal.checks.map(({ check }: { check: string }) => check)).toContain('fsync')
})

test('a bad configuration is told as everywhere', async () => {
  await expect(examined('s3uploader: { s3_bucket: "" }')).rejects.toThrow(ConfigErrors)
})
