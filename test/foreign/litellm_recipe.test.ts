import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { credentials, startVersitygw, type Versitygw } from '../archive/versitygw.ts'
import { newDir, runToEnd, start, stop, until } from '../e2e/auditcol.ts'
import { blocksOf, commandsIn } from '../e2e/recipe.ts'
import { freePort } from '../free_port.ts'
import {
  owner,
  type Postgres,
  postgresBin,
  sayWithoutPostgres,
  startPostgres
} from '../litellm_table/postgres.ts'
import { killedLitellm } from './killed_litellm.ts'

const { AUDITCOL_PYTHON: python, AUDITCOL_VERSITYGW: versitygw } = process.env
const tools = ['jq', 'psql', 'openssl'].filter((tool) => spawnSync(tool, ['--version']).error)
const isHere = python && versitygw && postgresBin && tools.length === 0
if (!python || !versitygw)
  console.log(
    'skipped: the recipe for LiteLLM (AUDITCOL_PYTHON and AUDITCOL_VERSITYGW name no programs)'
  )
if (tools.length > 0) console.log(`skipped: the recipe for LiteLLM (no ${tools.join(', no ')})`)
sayWithoutPostgres('the recipe for LiteLLM')

const { sh, sql, yaml } = blocksOf('docs/litellm.md')
const [settings, starting, withTable, check, waiting] = sh as [
  string,
  string,
  string,
  string,
  string
]
const sent = 30
const queued = 15

describe.skipIf(!isHere)('docs/litellm.md, from top to bottom', () => {
  let postgres: Postgres
  let s3: Versitygw
  beforeAll(async () => {
    postgres = await startPostgres()
    s3 = await startVersitygw(versitygw!)
  }, 120_000)
  afterAll(async () => {
    await postgres?.stop()
    await s3?.stop()
  })

  test("LiteLLM's own logger, killed with events queued: its bucket has every event of its table", {
    timeout: 240_000
  }, async () => {
    const bucket = join(dirname(s3.bucket), 'my-bucket')
    mkdirSync(bucket)
    const database = await postgres.database(false)
    await postgres.query(database, sql[0]!)
    const dsn = `postgresql://auditcol:...@127.0.0.1:${postgres.port}/${database}`
    const env = { ...environmentOf(settings), ...credentials, AUDITCOL_DATABASE: dsn }
    const port = await freePort()
    // What is this machine's and not the reader's; and rows are taken sooner.
    const here = setting({
      'receivers::s3_put::endpoint': `127.0.0.1:${port}`,
      'exporters::awss3::s3uploader::endpoint': s3.endpoint,
      'exporters::awss3::s3uploader::region': 'us-east-1',
      'exporters::awss3::s3uploader::s3_force_path_style': 'true'
    })
    const alsoHere = setting({
      'receivers::litellm_table::tls::insecure': 'true',
      'receivers::litellm_table::min_age': '10s',
      'receivers::litellm_table::poll_interval': '200ms'
    })

    const [doctor, first] = commandsIn(starting)
    const asked = await runToEnd({ args: [...doctor!, ...here], env })
    expect(asked.code, asked.output).toBe(0)
    const { dir } = asked
    expect(await stop(await start({ dir, args: [...first!, ...here], env }))).toBe(0)

    const [both] = commandsIn(withTable)
    const auditcol = await start({ dir, args: [...both!, ...here, ...alsoHere], env })
    const configured = join(dir, 'litellm.yaml')
    writeFileSync(configured, yaml.find((text) => text.startsWith('litellm_settings:'))!)
    const events = await killedLitellm({
      ...{ url: `http://127.0.0.1:${port}`, postgres, database, sent, queued, configured },
      env
    })
    expect(events).toHaveLength(sent + queued)
    const filled = () =>
      [...auditcol.output().matchAll(/(\d+) events? filled in that no PUT brought/g)]
        .map(([, count]) => Number(count))
        .reduce((sum, count) => sum + count, 0)
    await until(() => filled() >= queued, 'the events in the queue', auditcol.output)
    expect(await stop(auditcol)).toBe(0)
    expect(auditcol.output()).toContain(`lane logs/awss3: ${sent + queued} records delivered`)

    const checked = () => {
      const work = newDir()
      const ownerDsn = `postgresql://${owner.user}:${owner.password}@127.0.0.1:${postgres.port}/${database}`
      const PATH = `${awsOver(dirname(s3.bucket), work)}:${postgresBin}:${process.env.PATH}`
      return spawnSync('sh', ['-c', check], {
        ...{ cwd: work, encoding: 'utf8' },
        env: { ...process.env, ...env, AUDITCOL_DATABASE: ownerDsn, PATH }
      })
    }
    expect(checked()).toMatchObject({ stdout: '', stderr: '', status: 0 })
    const day = join(bucket, 'proxy/audit_logs')
    const files = readdirSync(day, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.json')
    )
    expect(files).toHaveLength(sent + queued)
    const { id } = JSON.parse(readFileSync(join(day, files[0]!), 'utf8'))
    rmSync(join(day, files[0]!))
    expect(checked()).toMatchObject({ stdout: `${id}\n`, stderr: '', status: 0 })

    const [journal] = commandsIn(waiting)
    const left = await runToEnd({ dir, args: [...journal!, ...here], env })
    expect(left.code, left.output).toBe(0)
    expect(left.output).toMatch(/logs\/awss3.* 0 records/)
  })
})

/** The variables that a block of the page exports. */
function environmentOf(block: string): Record<string, string> {
  const names = ['AUDITCOL_KEY_ID', 'AUDITCOL_KEY', 'S3_BUCKET', 'AWS_REGION', 'LITELLM_S3_PATH']
  const text = execFileSync('sh', ['-ec', `${block}\nprintenv ${names.join(' ')}`], {
    encoding: 'utf8'
  })
  return Object.fromEntries(
    text
      .trimEnd()
      .split('\n')
      .map((value, index) => [names[index], value])
  )
}

function setting(keys: Record<string, string>): string[] {
  return Object.entries(keys).flatMap(([key, value]) => ['--set', `${key}=${value}`])
}

/** A directory with an `aws` that knows `aws s3 sync s3://bucket/prefix directory`, from where the server has its files. */
function awsOver(buckets: string, work: string): string {
  const bin = join(work, 'bin')
  mkdirSync(bin)
  const script = `#!/bin/sh\n[ "$1 $2" = 's3 sync' ] && exec cp -r "${buckets}/\${3#s3://}" "$4"\n`
  writeFileSync(join(bin, 'aws'), script)
  chmodSync(join(bin, 'aws'), 0o755)
  return bin
}
