import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Auditcol, newDir, runToEnd, start, stop, until } from './auditcol.ts'
import { createBackend, quickRetries } from './backend.ts'
import { pipelineOf, sendEach } from './pipeline.ts'

const timeout = 60_000

/** Two lanes, of which one is dead and has three records to deliver. */
async function withDeadLane() {
  const dead = createBackend('fail')
  const well = createBackend('take')
  const exporters = { dead: `${dead.keys}, ${quickRetries}`, well: well.keys }
  const auditcol = await start({ config: pipelineOf(exporters) })
  await sendEach(auditcol, ['a', 'b', 'c'])
  await until(() => well.taken().length === 3)
  return { dead, well, exporters, auditcol }
}

function journal({ dir }: Auditcol, ...args: string[]) {
  return runToEnd({ dir, args: ['journal', ...args] })
}

const shown = (directory: string) => [
  expect.stringMatching(`^journal ${directory} \\(writer [0-9a-f]{16}\\)$`),
  'segments:',
  expect.stringMatching(/^ {2}00000001\.wal {2}frames 1 to \d+ {2}\d/),
  'lanes:',
  expect.stringMatching(
    /^ {2}logs\/dead \([0-9a-f]{16}\) {2}3 records undelivered, .*, oldest accepted \d{4}-\d\d-\d\dT/
  ),
  expect.stringMatching(/^ {2}logs\/well \([0-9a-f]{16}\) {2}0 records undelivered, 0 bytes$/),
  'receivers:',
  expect.stringMatching(/^ {2}otlp {2}last record \d{4}-\d\d-\d\dT/)
]

test('journal shows segments, lanes, the oldest record and the last one, of a journal in use and of one at rest', {
  timeout
}, async () => {
  const { auditcol } = await withDeadLane()
  const running = await journal(auditcol)
  expect(running).toMatchObject({ code: 0 })
  expect(running.output.trimEnd().split('\n')).toEqual(shown('./journal'))
  expect(await stop(auditcol)).toBe(0)
  const rested = await journal(auditcol, 'show', '--directory', 'journal')
  expect(rested).toMatchObject({ code: 0 })
  expect(rested.output.trimEnd().split('\n')).toEqual(shown('journal'))
})

test('of a journal whose process was killed, too', { timeout }, async () => {
  const { auditcol } = await withDeadLane()
  auditcol.signal('SIGKILL')
  await auditcol.exit
  const { code, output } = await journal(auditcol)
  expect(code).toBe(0)
  expect(output).toContain('3 records undelivered')
})

test('where there is no journal every command says so, and makes nothing there', {
  timeout
}, async () => {
  const dir = newDir()
  mkdirSync(join(dir, 'other'))
  const commands = [
    ['journal'],
    ['journal', 'abandon', 'logs/a'],
    ['journal', 'rename', 'logs/a', 'logs/b'],
    ['void', '1'],
    ['repair', '--yes'],
    ['dead-letters'],
    ['dead-letters', 'show', '00000000000000aa-0000000000000001-a1'],
    ['dead-letters', 'export'],
    ['dead-letters', 'export', '--output', 'letters.json'],
    ['dead-letters', 'replay'],
    ['dead-letters', 'remove', '00000000000000aa-0000000000000001-a1', '--yes']
  ]
  for (const command of commands) {
    for (const directory of ['./mistyped', './other']) {
      const { code, output } = await runToEnd({ dir, args: [...command, '--directory', directory] })
      expect({ command, code, output }).toEqual({
        ...{ command, code: 1 },
        output: `auditcol: there is no journal in ${directory}\n`
      })
    }
  }
  expect(readdirSync(dir, { recursive: true })).toEqual(['other'])
})

test('L7: a lane gone from the configuration with undelivered records refuses start, and loses nothing by it', {
  timeout
}, async () => {
  const { auditcol, dead, exporters } = await withDeadLane()
  expect(await stop(auditcol)).toBe(0)
  const refused = await runToEnd({
    dir: auditcol.dir,
    config: pipelineOf({ well: exporters.well })
  })
  expect(refused.code).toBe(1)
  expect(refused.output).toContain(
    'auditcol: 3 records undelivered for logs/dead: restore it in the configuration, ' +
      'or run `auditcol journal abandon logs/dead`, or `auditcol journal rename logs/dead <new name>`\n'
  )
  dead.become('take')
  const restored = await start({ dir: auditcol.dir, config: pipelineOf(exporters) })
  await until(() => dead.taken().length >= 3)
  expect(await stop(restored)).toBe(0)
  expect(dead.taken()).toEqual(['a', 'b', 'c'])
})

test('L7: journal abandon gives them up, and a lane of that name is a new one afterwards', {
  timeout
}, async () => {
  const { auditcol, dead, well, exporters } = await withDeadLane()
  expect(await stop(auditcol)).toBe(0)
  const done = await journal(auditcol, 'abandon', 'logs/dead')
  expect(done).toMatchObject({
    code: 0,
    output: 'logs/dead is abandoned: 3 undelivered records given up\n'
  })
  const without = await start({
    dir: auditcol.dir,
    config: pipelineOf({ well: exporters.well })
  })
  await sendEach(without, ['while-away'])
  expect(await stop(without)).toBe(0)

  dead.become('take')
  const again = await start({ dir: auditcol.dir, config: pipelineOf(exporters) })
  await sendEach(again, ['d'])
  expect(await stop(again)).toBe(0)
  expect(dead.taken()).toEqual(['d'])
  const lanes = new Set(dead.calls().flatMap(({ lane }) => lane ?? []))
  expect(lanes.size).toBe(2)
  expect(well.taken()).toEqual(['a', 'b', 'c', 'while-away', 'd'])
})

test('L7: journal rename lets the records go on under the new name', { timeout }, async () => {
  const { auditcol, dead, exporters } = await withDeadLane()
  expect(await stop(auditcol)).toBe(0)
  const done = await journal(auditcol, 'rename', 'logs/dead', 'logs/renamed')
  expect(done).toMatchObject({ code: 0, output: 'logs/dead is now logs/renamed\n' })
  dead.become('take')
  const config = pipelineOf({ renamed: exporters.dead, well: exporters.well })
  const renamed = await start({ dir: auditcol.dir, config })
  await until(() => dead.taken().length >= 3)
  expect(await stop(renamed)).toBe(0)
  expect(dead.taken()).toEqual(['a', 'b', 'c'])
  expect(new Set(dead.calls().flatMap(({ lane }) => lane ?? [])).size).toBe(1)
})

test('a lane that has delivered everything just ends with its configuration', {
  timeout
}, async () => {
  const { auditcol, dead, exporters } = await withDeadLane()
  dead.become('take')
  expect(await stop(auditcol)).toBe(0)
  const config = pipelineOf({ dead: exporters.dead })
  const next = await start({ dir: auditcol.dir, config })
  await until(() => dead.taken().length >= 3)
  expect(next.output()).toContain('lane=logs/well')
  expect(await stop(next)).toBe(0)
  const { output } = await journal(auditcol)
  expect(output).not.toContain('logs/well')
})

test('abandon and rename refuse what is in use, unknown or taken', { timeout }, async () => {
  const { auditcol } = await withDeadLane()
  const inUse = await journal(auditcol, 'abandon', 'logs/dead')
  expect(inUse.code).toBe(1)
  expect(inUse.output).toContain('logs/dead is in use: stop auditcol')
  const unknown = await journal(auditcol, 'abandon', 'logs/deed')
  expect(unknown).toMatchObject({
    code: 1,
    output: 'auditcol: the journal has no lane logs/deed (its lanes: logs/dead, logs/well)\n'
  })
  expect(await stop(auditcol)).toBe(0)
  const taken = await journal(auditcol, 'rename', 'logs/dead', 'logs/well')
  expect(taken.code).toBe(1)
  expect(taken.output).toContain('there is a lane logs/well already')
  expect((await journal(auditcol)).output).toContain('logs/dead')
})
