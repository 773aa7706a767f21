import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { start, stop, until } from '../e2e/auditcol.ts'
import { freePort } from '../free_port.ts'
import { archivedLogs } from './archived.ts'

const timeout = 120_000
const python = process.env.AUDITCOL_PYTHON

if (python === undefined) {
  console.log(
    'skipped: LiteLLM and boto3 as senders (AUDITCOL_PYTHON names no python that has them)'
  )
}

const pair = { AWS_ACCESS_KEY_ID: 'AKIDLITELLM', AWS_SECRET_ACCESS_KEY: 'not-a-real-secret' }
const env = { ...process.env, ...pair, AWS_EC2_METADATA_DISABLED: 'true' }

const config = (port: number) => `
receivers:
  s3_put:
    endpoint: 127.0.0.1:${port}
    domain: s3.internal
    open_values: true
    access_keys:
      - access_key_id: ${pair.AWS_ACCESS_KEY_ID}
        secret_access_key: ${pair.AWS_SECRET_ACCESS_KEY}
processors:
  batch: { timeout: 100ms }
exporters:
  awss3:
    s3uploader: { region: us-east-1, s3_bucket: 'file:./archive', s3_prefix: audit, compression: zstd }
service:
  pipelines:
    logs: { receivers: [s3_put], processors: [batch], exporters: [awss3] }
`

interface Archived {
  readonly key: string
  readonly name: string
  readonly body: string
  readonly line: number
  readonly identity: string | undefined
  readonly attributes: Attributes
}

/** Every record in the archive. */
function archived(dir: string): Archived[] {
  return archivedLogs(dir).flatMap(({ resource, scopeLogs }) => {
    const identity = textOf(resource.attributes, 'auditcol.identity.access_key_id')
    return scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map((record) => {
        const { body, attributes, eventName } = record as typeof record & { eventName: string }
        const { stringValue, bytesValue } = body as { stringValue?: string; bytesValue?: string }
        const { intValue } = (attribute(attributes, 's3_put.line') ?? {}) as { intValue?: string }
        return {
          key: textOf(attributes, 'aws.s3.key')!,
          name: eventName,
          body: stringValue ?? Buffer.from(bytesValue!, 'base64').toString('latin1'),
          line: Number(intValue ?? 0),
          identity,
          attributes
        }
      })
    )
  })
}

type Attributes = readonly { readonly key: string; readonly value: object }[]

function attribute(attributes: Attributes, name: string): object | undefined {
  return attributes.find(({ key }) => key === name)?.value
}

function textOf(attributes: Attributes, name: string): string | undefined {
  return (attribute(attributes, name) as { stringValue?: string } | undefined)?.stringValue
}

interface Sent {
  readonly key: string
  readonly body: string
}

/** LiteLLM in a process of its own; `sent` resolves when it has said what it is about to put. */
function runLitellm(url: string, events: number, requests: number, mode: 'one' | 'file') {
  const args = [join(import.meta.dirname, 'litellm_puts.py'), url, `${events}`, `${requests}`, mode]
  const child = spawn(python!, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let out = ''
  let complaints = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const lines = () => out.split('\n').slice(0, -1)
  const ended = once(child, 'close').then(([code]) => expect(code, complaints).toBe(0))
  return {
    ended,
    async sent(): Promise<Sent[]> {
      await Promise.race([
        until(() => lines().length >= events + requests, 'LiteLLM to begin'),
        ended
      ])
      return lines().map((line): Sent => JSON.parse(line))
    }
  }
}

const byKey = (a: Sent, b: Sent) => (a.key < b.key ? -1 : 1)

describe.skipIf(python === undefined)("LiteLLM's own S3Logger", () => {
  test('puts each event: every one is in the archive once, byte for byte', {
    timeout
  }, async () => {
    const port = await freePort()
    const auditcol = await start({ config: config(port) })
    const litellm = runLitellm(`http://127.0.0.1:${port}`, 40, 2, 'one')
    const sent = await litellm.sent()
    await litellm.ended
    expect(await stop(auditcol)).toBe(0)
    const records = archived(auditcol.dir)
    expect(records.map(({ key, body }) => ({ key, body })).sort(byKey)).toEqual(sent.sort(byKey))
    expect(new Set(records.map(({ identity }) => identity))).toEqual(new Set(['AKIDLITELLM']))
    const names = records.map(({ name }) => name)
    expect(names.filter((name) => name === 'litellm.request.acompletion')).toHaveLength(2)
    const events = records.filter(({ key }) => key.includes('/audit_logs/'))
    expect(events).toHaveLength(40)
    for (const { name, body, attributes } of events) {
      const { id, object_id, table_name, action, before_value } = JSON.parse(body)
      const table = table_name.replace(/^LiteLLM_|Table$/g, '').replaceAll(/[^a-z]/gi, '')
      expect(name.replaceAll('_', '')).toBe(
        `litellm.${table.toLowerCase()}.${action.replaceAll('_', '')}`
      )
      const text = (attribute: string) => textOf(attributes, attribute)
      expect(text('audit.record.id')).toBe(id)
      expect(text('audit.target.id')).toBe(object_id)
      expect(text('audit.actor.id')).toBe('default_user_id')
      expect(text('audit.actor.type')).toBe('user')
      expect(text('audit.outcome')).toBe('success')
      expect(text('audit.source.id')).toBe('127.0.0.1')
      expect(text('litellm.table_name')).toBe(table_name)
      expect(text('litellm.changed_by_api_key')).toBe('litellm_proxy_master_key')
      // Of every third event it is JSON in JSON.
      const once = JSON.parse(before_value)
      const { team_alias } = typeof once === 'string' ? JSON.parse(once) : once
      expect(JSON.stringify(attribute(attributes, 'litellm.before_value'))).toContain(team_alias)
    }
    expect(new Set(names).size).toBeGreaterThan(12)
  })

  test('puts files of events: each line is a record, and makes the file again', {
    timeout
  }, async () => {
    const port = await freePort()
    const auditcol = await start({ config: config(port) })
    const litellm = runLitellm(`http://127.0.0.1:${port}`, 40, 0, 'file')
    const sent = await litellm.sent()
    await litellm.ended
    expect(await stop(auditcol)).toBe(0)
    const records = archived(auditcol.dir).sort((a, b) => a.line - b.line)
    expect(records.map(({ body }) => body)).toEqual(sent.map(({ body }) => body))
    expect(records.map(({ line }) => line)).toEqual(sent.map((_, index) => index + 1))
    expect(records[0]!.key).toMatch(/^proxy\/audit_logs\/[\d-]+\/batch_[\d-]+_[0-9a-f]{32}\.jsonl$/)
  })

  test('goes on when auditcol was killed twice and is back: nothing is lost', {
    timeout
  }, async () => {
    const port = await freePort()
    let auditcol = await start({ config: config(port) })
    const litellm = runLitellm(`http://127.0.0.1:${port}`, 600, 0, 'one')
    const sent = await litellm.sent()
    const { dir } = auditcol
    for (const share of [0.2, 0.5]) {
      const some = () => new Set(archived(dir).map(({ key }) => key)).size > sent.length * share
      await until(some, 'some events', auditcol.output)
      auditcol.signal('SIGKILL')
      await auditcol.exit
      auditcol = await start({ dir })
    }
    await litellm.ended
    expect(await stop(auditcol)).toBe(0)
    const seen = new Map(archived(dir).map(({ key, body }) => [key, body]))
    expect(seen.size).toBe(600)
    for (const { key, body } of sent) expect(seen.get(key)).toBe(body)
  })
})

describe.skipIf(python === undefined)('boto3', () => {
  test('puts objects in all its ways, and hears of the rest', { timeout }, async () => {
    const port = await freePort()
    const auditcol = await start({ config: config(port) })
    const script = join(import.meta.dirname, 'boto3_puts.py')
    const { stdout } = await promisify(execFile)(python!, [script, `http://127.0.0.1:${port}`], {
      env
    })
    const said = Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    )
    const text = '{"name": "Zoë ☂"}'
    const etag = `"${createHash('md5').update(text).digest('hex')}"`
    expect(said).toEqual({
      put_object: etag,
      'without a checksum': etag,
      'a stream': etag,
      unsigned: etag,
      CRC32: etag,
      SHA1: etag,
      SHA256: etag,
      presigned: etag,
      'virtual host': etag,
      'virtual host, presigned': etag,
      'presigned for another key': 'SignatureDoesNotMatch',
      'presigned for longer': 'SignatureDoesNotMatch',
      location: null,
      list: 0,
      head: Buffer.byteLength(text),
      twice: 'PreconditionFailed',
      delete: 'NotImplemented',
      missing: 'NoSuchKey',
      'a token': 'InvalidToken',
      'wrong secret': 'SignatureDoesNotMatch'
    })
    expect(await stop(auditcol)).toBe(0)
    const records = new Map(archived(auditcol.dir).map(({ key, body }) => [key, body]))
    expect(records).toEqual(
      new Map([
        ...['a b/ü+%&=~.json', 'required', 'stream', 'unsigned'].map((key) => [key, text] as const),
        ...['CRC32', 'SHA1', 'SHA256', 'pre signed'].map((key) => [key, text] as const),
        ['a b/virtual', text],
        ['virtual presigned', text],
        ['upload_fileobj', 'bytes \xff']
      ])
    )
  })
})
