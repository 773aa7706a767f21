import { spawnSync } from 'node:child_process'
import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newDir, root, start, stop, until } from './auditcol.ts'
import { archivedIds, send } from './records.ts'

const recipe = /## Check it by hand\n.*?```sh\n(.*?)```/s.exec(
  readFileSync(join(root, 'docs/archive.md'), 'utf8')
)![1]!

test("the archive's documentation has a check that works on what the shipped pipeline.yaml writes, and sees one wrong byte", {
  timeout: 60_000
}, async (context) => {
  const missing = ['jq', 'sha256sum'].filter((tool) => spawnSync(tool, ['--version']).error)
  if (missing.length > 0) {
    process.stderr.write(`skipped, the check by hand: no ${missing.join(', no ')}\n`)
    return context.skip(`no ${missing.join(', no ')}`)
  }
  const dir = newDir()
  const archive = join(dir, 'archive')
  const set = [
    'receivers::otlp::protocols::grpc::endpoint=127.0.0.1:0',
    'receivers::otlp::protocols::http::endpoint=127.0.0.1:0',
    'processors::batch::timeout=10ms'
  ].flatMap((override) => ['--set', override])
  const auditcol = await start({ dir, args: ['--config', join(root, 'pipeline.yaml'), ...set] })
  for (const id of ['a', 'b']) {
    expect(await send(auditcol.http, [id])).toMatchObject({ status: 200 })
    await until(() => archivedIds(archive).includes(id))
  }
  expect(await stop(auditcol)).toBe(0)

  const keys = readdirSync(archive, { recursive: true, encoding: 'utf8' })
  const objects = keys.filter((key) => key.endsWith('.json.zst')).sort()
  expect(objects).toHaveLength(2)
  const check = () => spawnSync('sh', ['-c', recipe], { cwd: archive, encoding: 'utf8' })
  const whole = check()
  expect(whole.stdout.trimEnd().split('\n').sort()).toEqual(objects.map((key) => `${key}: OK`))
  expect(whole.status).toBe(0)
  appendFileSync(join(archive, objects[0]!), 'x')
  const wrong = check()
  expect(wrong.stdout).toContain(`${objects[0]}: FAILED`)
  expect(wrong.status).not.toBe(0)
})
