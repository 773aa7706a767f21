import { describe, expect, onTestFinished, test } from 'vitest'
import { credentials, startVersitygw } from '../archive/versitygw.ts'
import { type Auditcol, newDir, start, until } from '../e2e/auditcol.ts'
import { idsIn, idsOf, requestOf, send } from '../e2e/records.ts'
import { readerOf, type Stored } from './bucket.ts'

const timeout = 90_000
const binary = process.env.AUDITCOL_VERSITYGW
if (binary === undefined) {
  console.log('skipped: the pipeline into a real S3 server (AUDITCOL_VERSITYGW names no versitygw)')
}

describe.skipIf(binary === undefined)('the pipeline into a real S3 server', () => {
  test.each([
    ['zstd', '.json.zst'],
    ['gzip', '.json.gz'],
    ['none', '.json']
  ])(
    'SIGTERM drains: what was accepted lies in the bucket, as it was sent, compression %s',
    { timeout },
    async (compression, ending) => {
      const s3 = await startS3()
      const auditcol = await start({ config: toS3(s3.endpoint, { compression }), env: credentials })
      const groups = [idsOf('a', 100), idsOf('b', 1), idsOf('c', 500)]
      for (const ids of groups)
        expect(await send(auditcol.http, ids)).toMatchObject({ status: 200 })
      auditcol.signal('SIGTERM')
      expect(await auditcol.exit).toBe(0)

      const objects = (await s3.objects()).sort((a, b) => (firstId(a) < firstId(b) ? -1 : 1))
      const sent = groups.flatMap((ids) => JSON.parse(requestOf(ids)).resourceLogs)
      const found = objects.flatMap(({ content }) => JSON.parse(`${content}`).resourceLogs)
      expect(found).toMatchObject(sent)
      const encoding = compression === 'none' ? undefined : compression
      for (const { key, contentType, contentEncoding } of objects) {
        expect(key).toMatch(/^audit\/year=\d{4}\/month=\d\d\/day=\d\d\/hour=\d\d\/[^/]+$/)
        expect(key.endsWith(ending), key).toBe(true)
        expect({ contentType, contentEncoding }).toEqual({
          contentType: 'application/json',
          contentEncoding: encoding
        })
      }
      expect(auditcol.output()).toContain(
        `lane logs/awss3: 601 records delivered, objects ${objects.length}, `
      )
    }
  )

  test('kill -9 while sending, three times over: nothing acknowledged is lost', {
    timeout
  }, async () => {
    const s3 = await startS3()
    const dir = newDir()
    const config = toS3(s3.endpoint, { compression: 'zstd' })
    const acknowledged: string[] = []
    for (const round of ['first', 'second', 'third']) {
      const auditcol = await start({ dir, config, env: credentials })
      const already = (await s3.objects()).length
      const sending = sendUntilItEnds(auditcol, round, acknowledged)
      const atLeast = acknowledged.length + 300
      await until(() => acknowledged.length > atLeast)
      await until(async () => (await s3.objects()).length > already)
      auditcol.signal('SIGKILL')
      await sending
    }
    const last = await start({ dir, env: credentials })
    last.signal('SIGTERM')
    expect(await last.exit).toBe(0)

    expect(acknowledged.length).toBeGreaterThan(900)
    const stored = new Set(await storedIds(s3))
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([])
    // Every object is whole: one that was cut short would not be JSON any more.
    for (const { content } of await s3.objects()) JSON.parse(`${content}`)
  })

  test('the server stopped and started again: records wait, arrive later, each of them once', {
    timeout
  }, async () => {
    const s3 = await startS3()
    const auditcol = await start({ config: toS3(s3.endpoint), env: credentials })
    await sendEach(auditcol, idsOf('before', 10))
    await until(async () => (await storedIds(s3)).length === 10)
    const before = await s3.objects()

    await s3.down()
    await sendEach(auditcol, idsOf('during', 20))
    await until(() => auditcol.output().includes('storing in s3://logs failed, nothing is lost'))
    await s3.up()
    await sendEach(auditcol, idsOf('after', 10))
    await until(async () => (await storedIds(s3)).length >= 40)

    auditcol.signal('SIGTERM')
    expect(await auditcol.exit).toBe(0)
    const sent = [...idsOf('before', 10), ...idsOf('during', 20), ...idsOf('after', 10)]
    expect((await storedIds(s3)).sort()).toEqual(sent.sort())
    const bytesOf = new Map((await s3.objects()).map(({ key, bytes }) => [key, bytes]))
    for (const { key, bytes } of before) expect(bytesOf.get(key)).toEqual(bytes)
  })

  test('the server away at start is a warning; the journal keeps the records until it is there', {
    timeout
  }, async () => {
    const s3 = await startS3()
    await s3.down()
    const auditcol = await start({ config: toS3(s3.endpoint), env: credentials })
    await sendEach(auditcol, idsOf('early', 5))
    await until(() => /reaching s3:\/\/logs: .*; what is sealed waits/.test(auditcol.output()))
    await s3.up()
    await until(async () => (await storedIds(s3)).length >= 5)
    auditcol.signal('SIGTERM')
    expect(await auditcol.exit).toBe(0)
    expect((await storedIds(s3)).sort()).toEqual(idsOf('early', 5))
  })

  test('stopped while the server is away: the records stay, and the next start delivers them', {
    timeout
  }, async () => {
    const s3 = await startS3()
    const first = await start({ config: toS3(s3.endpoint), env: credentials })
    await s3.down()
    await sendEach(first, idsOf('kept', 5))
    await until(() => first.output().includes('storing in s3://logs failed, nothing is lost'))
    first.signal('SIGTERM')
    // Later than a second: not the same signal once more, but the word not to wait any longer.
    const again = setInterval(() => first.signal('SIGTERM'), 500)
    expect(await first.exit).toBe(0)
    clearInterval(again)
    expect(first.output()).toContain('5 wait in the journal')

    await s3.up()
    const second = await start({ dir: first.dir, env: credentials })
    await until(async () => (await storedIds(s3)).length >= 5)
    second.signal('SIGTERM')
    expect(await second.exit).toBe(0)
    expect((await storedIds(s3)).sort()).toEqual(idsOf('kept', 5))
  })

  test('credentials that the server refuses: the reason is told, the secret is not, nothing is lost', {
    timeout
  }, async () => {
    const s3 = await startS3()
    const wrong = { ...credentials, AWS_SECRET_ACCESS_KEY: 'not-the-secret' }
    const first = await start({ config: toS3(s3.endpoint), env: wrong })
    await sendEach(first, ['refused'])
    await until(() => first.output().includes('storing in s3://logs failed, nothing is lost'))
    expect(first.output()).toMatch(/signature|denied/i)
    expect(first.output()).not.toContain('not-the-secret')
    first.signal('SIGKILL')
    await first.exit
    expect(await s3.objects()).toEqual([])

    const second = await start({ dir: first.dir, env: credentials })
    second.signal('SIGTERM')
    expect(await second.exit).toBe(0)
    expect(await storedIds(s3)).toEqual(['refused'])
  })
})

/** A server for the duration of the test, with a look into its bucket. */
async function startS3() {
  const server = await startVersitygw(binary!)
  onTestFinished(() => server.stop())
  return { ...server, ...readerOf(server.endpoint) }
}

type S3 = Awaited<ReturnType<typeof startS3>>

function toS3(endpoint: string, uploader: Record<string, string> = {}): string {
  const s3uploader = {
    endpoint,
    region: 'us-east-1',
    s3_bucket: 'logs',
    s3_prefix: 'audit',
    s3_partition_format: 'year=%Y/month=%m/day=%d/hour=%H',
    s3_force_path_style: true,
    retry_max_attempts: 1,
    ...uploader
  }
  return `
receivers:
  otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } }
processors:
  batch: { timeout: 50ms }
exporters:
  awss3:
    s3uploader: ${JSON.stringify(s3uploader)}
    retry_on_failure: { initial_interval: 50ms, max_interval: 200ms }
service:
  pipelines:
    logs: { receivers: [otlp], processors: [batch], exporters: [awss3] }
`
}

async function sendEach(auditcol: Auditcol, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(await send(auditcol.http, [id])).toMatchObject({ status: 200 })
}

/** Several senders, each with one request at a time, until auditcol is gone. Adds ids that were acknowledged. */
async function sendUntilItEnds(
  { http }: Auditcol,
  round: string,
  acknowledged: string[]
): Promise<void> {
  const sender = async (name: string) => {
    for (let i = 0; ; i++) {
      const ids = idsOf(`${round}-${name}-${i}`, 5)
      const heard = await send(http, ids).catch(() => undefined)
      if (heard === undefined) return
      if (heard.status === 200) acknowledged.push(...ids)
    }
  }
  await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(sender))
}

function firstId({ content }: Stored): string {
  return idsIn(content)[0] ?? ''
}

async function storedIds({ objects }: S3): Promise<string[]> {
  return (await objects()).flatMap(({ content }) => idsIn(content))
}
