import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFailed, onTestFinished, test } from 'vitest'
import { frameType } from '../../src/journal/frame.ts'
import { scanSegment } from '../../src/journal/scan.ts'
import { framesOf } from '../../src/journal/segment_frames.ts'
import { credentials, startVersitygw, type Versitygw } from '../archive/versitygw.ts'
import { type Objects, problemsOf } from '../archive_check.ts'
import { type Auditcol, runToEnd, start, stop, until } from '../e2e/auditcol.ts'
import { pipelineOf } from '../e2e/pipeline.ts'
import { filesOf, idsOfRecords } from './once.ts'
import { missingOf, startSenders } from './sender.ts'

/** `npm run faults -- --damages 60` asks for more. */
const damages = Number(process.env.AUDITCOL_DAMAGES ?? 6)
const timeout = 60_000 + damages * 20_000
const recordsPerRequest = 5

const binary = process.env.AUDITCOL_VERSITYGW
if (binary === undefined) {
  console.log('skipped: repair against a real S3 server (AUDITCOL_VERSITYGW names no versitygw)')
}

/** What is damaged in turn, and what the store does when the process is killed. */
const kinds = ['intent', 'records', 'commit', 'snapshot', 'committed'] as const
const stores = [away, standing, atWork]

test.skipIf(binary === undefined)(
  `${damages} damaged frames, repaired with objects sealed, stored and not committed: lost is what a gap names, nothing is twice`,
  { timeout },
  async () => {
    const s3 = await startVersitygw(binary!)
    onTestFinished(async () => {
      s3.goOn()
      await s3.stop()
    })
    let auditcol = await start({ config: pipelineInto(s3.endpoint), env: credentials })
    const { dir } = auditcol
    const told: string[] = []
    onTestFailed(() => void process.stdout.write(`${told.join('\n')}\n${auditcol.output()}`))
    const senders = startSenders({
      http: () => auditcol.http,
      senders: 4,
      recordsPerRequest,
      padding: 300,
      pause: 2
    })
    const more = (records: number) => {
      const before = senders.acknowledged.size
      return until(() => senders.acknowledged.size > before + records)
    }
    let damagedRecords = 0
    for (let round = 0; round < damages; round++) {
      await more(100)
      await sleep(Math.random() * 50)
      await stores[round % stores.length]!(s3, more, auditcol)
      const kind = await damageOne(join(dir, 'journal'), kinds[round % kinds.length]!)
      if (kind === 'records') damagedRecords++
      const before = filesOf(s3.bucket)
      const { code, output } = await runToEnd({ dir, args: ['repair', '--yes'], env: credentials })
      told.push(`round ${round}, ${kind}: ${output}`)
      expect(code, output).toBe(0)
      expect(output).not.toContain('may be stored twice')
      await rename(dir, output)
      auditcol = await start({ dir, env: credentials })
      await more(20)
      expectKept(before, filesOf(s3.bucket))
    }
    await senders.stop()
    expect(await stop(auditcol), auditcol.output()).toBe(0)
    if (auditcol.output().includes('wait in the journal')) {
      // What failed at the stop is left to the next start.
      expect(await stop(await start({ dir, env: credentials }))).toBe(0)
    }

    const objects = filesOf(s3.bucket)
    expect(problemsOf(objects)).toEqual([])
    const ids = idsOfRecords(objects)
    const seen = new Set<string>()
    const twice = ids.filter((id) => seen.has(id) || !seen.add(id))
    expect(twice.filter((id) => !senders.unanswered.has(id))).toEqual([])
    const lost = missingOf(senders.acknowledged, ids)
    const named = recordsInGaps(objects)
    expect(lost.length).toBeLessThanOrEqual(Math.min(named, damagedRecords * recordsPerRequest))
    process.stderr.write(
      `faults: ${damages} damages, ${senders.acknowledged.size} records acknowledged, ` +
        `${lost.length} lost of ${named} that gaps name, 0 stored twice, ${objects.size} objects\n`
    )
  }
)

type More = (records: number) => Promise<void>

/** Objects are sealed and none is stored. */
async function away(s3: Versitygw, more: More, auditcol: Auditcol) {
  await s3.down()
  await more(300)
  await kill(auditcol)
  await s3.up()
}

/** PUTs and commits that nobody has heard of arrive after the kill. */
async function standing(s3: Versitygw, more: More, auditcol: Auditcol) {
  s3.pause()
  await more(300)
  await kill(auditcol)
  s3.goOn()
}

async function atWork(_: Versitygw, more: More, auditcol: Auditcol) {
  await more(50)
  await kill(auditcol)
}

async function kill(auditcol: Auditcol) {
  auditcol.signal('SIGKILL')
  expect(await auditcol.exit).toBe(-1)
}

/** Flips a bit of a frame that is known to be durable: of this kind, or where there is none of any. */
async function damageOne(journal: string, kind: string): Promise<string> {
  const frames: { path: string; at: number; bytes: number; lsn: number; kind: string }[] = []
  let durable = 0
  for (const name of readdirSync(journal).filter((one) => one.endsWith('.wal'))) {
    const path = join(journal, name)
    const scanned = (await scanSegment(Number(name.slice(0, 8)), path))!
    for await (const { frame, at } of framesOf(scanned, scanned.size)) {
      durable = Math.max(durable, frame.durable)
      const { bytes, lsn, type } = frame
      frames.push({ path, at, bytes, lsn, kind: kindOf(type) })
    }
  }
  const known = frames.filter((frame) => frame.lsn <= durable && frame.kind !== 'synced')
  const alike = known.filter((frame) => frame.kind === kind)
  const candidates = alike.length > 0 ? alike : known
  const hit = candidates[Math.floor(Math.random() * candidates.length)]!
  const content = readFileSync(hit.path)
  content[hit.at + Math.floor(Math.random() * hit.bytes)]! ^= 1 << Math.floor(Math.random() * 8)
  writeFileSync(hit.path, content)
  return hit.kind
}

function kindOf(type: number): string {
  return Object.entries(frameType).find(([, known]) => known === type)![0]
}

/** The only state that had the lane's name is lost: an operator gives it back. */
async function rename(dir: string, output: string) {
  const lost = /`auditcol journal rename (lost\/\d+) /.exec(output)?.[1]
  if (lost === undefined) return
  const { code } = await runToEnd({ dir, args: ['journal', 'rename', lost, 'logs/awss3'] })
  expect(code).toBe(0)
}

/** No number is given again: what was there is there with the same bytes. */
function expectKept(before: Objects, after: Objects) {
  const other = [...before].filter(([key, bytes]) => !after.get(key)?.equals(bytes))
  expect(other.map(([key]) => key)).toEqual([])
}

/** A gap that cannot count its records may stand for one request in each of its frames. */
function recordsInGaps(objects: Objects): number {
  const commits = [...objects].filter(([key]) => key.includes('/commits/'))
  const leaves: { kind: string; records?: number; covers: [number, number][] }[] = commits
    .flatMap(([, text]) => text.toString().trimEnd().split('\n'))
    .map((line) => JSON.parse(line))
  return leaves
    .filter(({ kind }) => kind === 'gap')
    .reduce((sum, { records, covers }) => {
      const frames = covers.reduce((all, [first, last]) => all + last - first + 1, 0)
      return sum + (records ?? frames * recordsPerRequest)
    }, 0)
}

function pipelineInto(endpoint: string): string {
  const quick =
    'timeout: 500ms, retry_on_failure: { initial_interval: 20ms, max_interval: 200ms }, ' +
    'sending_queue: { num_consumers: 2 }'
  const s3uploader =
    `s3uploader: { region: us-east-1, s3_bucket: logs, endpoint: "${endpoint}", ` +
    's3_force_path_style: true, retry_mode: nop, compression: zstd, s3_partition_format: "" }'
  const processors = 'batch: { timeout: 50ms, send_batch_size: 100 }'
  return pipelineOf({ awss3: `${quick}, ${s3uploader}` }, { processors })
}
