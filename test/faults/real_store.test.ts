import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFailed, onTestFinished, test } from 'vitest'
import { credentials, startVersitygw, type Versitygw } from '../archive/versitygw.ts'
import { start, stop, until } from '../e2e/auditcol.ts'
import { pipelineOf } from '../e2e/pipeline.ts'
import { expectOnce, filesOf } from './once.ts'
import { startSenders } from './sender.ts'

/** `npm run faults -- --outages 50` asks for more, of each kind. */
const outages = Number(process.env.AUDITCOL_OUTAGES ?? 1)
const timeout = 60_000 + outages * 15_000

const binary = process.env.AUDITCOL_VERSITYGW
if (binary === undefined) {
  console.log('skipped: outages of a real S3 server (AUDITCOL_VERSITYGW names no versitygw)')
}

test.skipIf(binary === undefined)(
  `a real S3 server killed, away, stopped and slowed ${outages} times each under load: every record once`,
  { timeout },
  async () => {
    const s3 = await startVersitygw(binary!)
    onTestFinished(async () => {
      s3.goOn()
      await s3.stop()
    })
    const auditcol = await start({ config: pipelineInto(s3.endpoint), env: credentials })
    onTestFailed(() => void process.stdout.write(auditcol.output()))
    const senders = startSenders({
      http: () => auditcol.http,
      senders: 4,
      recordsPerRequest: 5,
      padding: 300,
      pause: 2
    })
    const more = (records: number) => {
      const before = senders.acknowledged.size
      return until(() => senders.acknowledged.size > before + records)
    }
    for (let outage = 0; outage < outages; outage++) {
      for (const kind of [killed, away, standing, slow]) {
        await more(50)
        // Somewhere within a PUT or a commit: at another place each time.
        await sleep(Math.random() * 50)
        await kind(s3, () => more(100))
      }
    }
    await senders.stop()
    expect(await stop(auditcol)).toBe(0)
    if (auditcol.output().includes('wait in the journal')) {
      // What failed at the stop is left to the next start.
      expect(await stop(await start({ dir: auditcol.dir, env: credentials }))).toBe(0)
    }
    expectOnce(`${outages * 4} outages of versitygw`, filesOf(s3.bucket), senders)
    // Nobody had to wait for the bucket: senders are answered by the journal.
    expect(senders.refused).toEqual([])
    expect(senders.unanswered.size).toBe(0)
  }
)

type More = () => Promise<void>

async function killed(s3: Versitygw, more: More) {
  await s3.kill()
  await more()
  await s3.up()
}

async function away(s3: Versitygw, more: More) {
  await s3.down()
  await more()
  await s3.up()
}

/** Longer than an attempt may take, so that it is repeated while the first one may still arrive. */
async function standing(s3: Versitygw, more: More) {
  s3.pause()
  await more()
  await sleep(1500)
  s3.goOn()
}

async function slow(s3: Versitygw, more: More) {
  const enough = more().then(() => true)
  while (!(await Promise.race([enough, sleep(20).then(() => false)]))) {
    s3.pause()
    await sleep(80)
    s3.goOn()
  }
}

function pipelineInto(endpoint: string): string {
  const quick = 'timeout: 500ms, retry_on_failure: { initial_interval: 20ms, max_interval: 200ms }'
  const s3uploader =
    `s3uploader: { region: us-east-1, s3_bucket: logs, endpoint: "${endpoint}", ` +
    's3_force_path_style: true, retry_mode: nop, compression: zstd, s3_partition_format: "" }'
  const processors = 'batch: { timeout: 50ms, send_batch_size: 100 }'
  return pipelineOf({ awss3: `${quick}, ${s3uploader}` }, { processors })
}
