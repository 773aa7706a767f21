import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newDir, root, runToEnd, start, stop } from './auditcol.ts'
import { pipelineOf } from './pipeline.ts'
import { archivedIds, send } from './records.ts'

const timeout = 60_000

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

test('--version and --help', { timeout }, async () => {
  const [shown, help] = await Promise.all([
    runToEnd({ args: ['--version'] }),
    runToEnd({ args: ['--help'] })
  ])
  expect(shown).toMatchObject({ code: 0, output: `auditcol ${version}\n` })
  expect(help.code).toBe(0)
  for (const word of ['run', 'validate', 'journal', '--config', '--set', '--logs-only', 'Exit']) {
    expect(help.output).toContain(word)
  }
})

test('the README has all commands and options as --help has them, and so have the usage errors', {
  timeout
}, async () => {
  const { output } = await runToEnd({ args: ['--help'] })
  const usage = /Usage: .*(?=\n\nExit codes)/s.exec(output)![0]
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`\`\`\`\n${usage}\n\`\`\``)
  const wrong = [['journal', 'x'], ['void'], ['dead-letters', 'x']].map((args) => [
    ...args,
    '--directory',
    'y'
  ])
  for (const args of wrong) {
    const { output } = await runToEnd({ args })
    const [, command, verbs] = /usage: auditcol ([\w-]+) (.*)/.exec(output)!
    for (const verb of verbs!.match(/(?<!--)\b[a-z]{4,}\b|--[a-z]+/g)!) {
      expect(usage).toMatch(
        verb.startsWith('--') ? `  ${verb}` : new RegExp(`auditcol ${command} \\[?${verb}`)
      )
    }
  }
})

test('validate is silent when all is well, and starts nothing', { timeout }, async () => {
  const args = ['validate', '--config', join(root, 'pipeline.yaml')]
  expect(await runToEnd({ args })).toMatchObject({ code: 0, output: '' })
})

test('bad usage is exit code 2 and one line', { timeout }, async () => {
  const cases: [args: string[], reason: string][] = [
    [['fly'], 'unknown command fly'],
    [['run', 'away'], 'unexpected argument away'],
    [['--sett', 'a=b'], '--sett'],
    [['journal', 'abandon'], 'usage: auditcol journal'],
    [['validate', '--directory', 'x'], '--directory belongs to'],
    [['run', '--yes'], '--yes belongs to repair, dead-letters remove'],
    [['dead-letters', 'show', 'x', '--since', '1h'], '--since belongs to dead-letters list'],
    [['journal', '--lane', 'logs/a'], '--lane belongs to void']
  ]
  const runs = await Promise.all(cases.map(([args]) => runToEnd({ args })))
  for (const [index, { code, output }] of runs.entries()) {
    expect(code).toBe(2)
    expect(output).toContain(cases[index]![1])
    expect(output.trim().split('\n')).toHaveLength(1)
  }
})

test('several --config are merged in order, --set comes last, run is the default', {
  timeout
}, async () => {
  const dir = newDir()
  writeFileSync(join(dir, 'base.yaml'), pipelineOf({ debug: 'verbosity: basic' }))
  writeFileSync(
    join(dir, 'archive.yaml'),
    `
exporters:
  awss3: { s3uploader: { region: eu-central-1, s3_bucket: 'file:./one', s3_prefix: here } }
service:
  pipelines: { logs: { exporters: [awss3] } }
`
  )
  const auditcol = await start({
    dir,
    env: { MORE: 'service: { journal: { directory: ./elsewhere } }' },
    args: [
      ...['--config', 'base.yaml', '--config', 'file:archive.yaml', '--config', 'env:MORE'],
      ...['--config', 'yaml:service::journal::max_size: 1GiB'],
      ...['--set', 'exporters::awss3::s3uploader::s3_bucket=file:./two'],
      ...['--set', 'exporters.awss3.marshaler=json_lines']
    ]
  })
  expect(auditcol.output()).toContain('journal ./elsewhere: at most 1.0 GiB')
  expect(auditcol.output()).toContain('lane logs/awss3 delivers to file:./two')
  expect(auditcol.output()).not.toContain('logs/debug')
  expect(await send(auditcol.http, ['merged'])).toMatchObject({ status: 200 })
  expect(await stop(auditcol)).toBe(0)
  expect(archivedIds(join(dir, 'two'))).toEqual(['merged'])
})
