import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newDir, root, until } from './auditcol.ts'

const config = `
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } } }
exporters: { mine: { type: ./mine.ts } }
service:
  telemetry: { logs: { output_paths: [stderr, auditcol.log] } }
  pipelines: { logs: { receivers: [otlp], exporters: [mine] } }
`

/** Runs auditcol with an exporter of one's own; its log is in a file, too. */
function launch(exporter: string) {
  const dir = newDir()
  const zod = join(root, 'node_modules/zod/index.js')
  writeFileSync(join(dir, 'pipeline.yaml'), config)
  writeFileSync(
    join(dir, 'mine.ts'),
    `import { z } from '${zod}'
     export const config = z.strictObject({})
     export default ${exporter}`
  )
  const child = spawn(process.execPath, [join(root, 'src/cli.ts')], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe']
  })
  const log = () => {
    const path = join(dir, 'auditcol.log')
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
  return { dir, child, log, exit: once(child, 'exit') }
}

test('a signal while a component is still starting ends the program', async () => {
  const { dir, child, exit, log } = launch(
    `async () => { (await import('node:fs')).writeFileSync('starting', ''); setInterval(() => {}, 1000); await new Promise(() => {}) }`
  )
  await until(() => existsSync(join(dir, 'starting')))
  child.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
  expect(log()).toContain('stopped before everything was ready')
})

test('nobody reading stderr ends nothing, and a log file has the last line', async () => {
  const { child, exit, log } = launch('() => async () => {}')
  await once(child.stderr, 'data')
  child.stderr.destroy()
  await until(() => log().includes('Everything is ready'))
  child.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
  expect(log()).toMatch(/lane logs\/mine: 0 records delivered\n$/)
})
