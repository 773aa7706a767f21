import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/*
 * The long form of the fault tests: `npm run faults -- --kills 300 --cuts 50`. What else follows `--` goes
 * to vitest, e.g. the name of one file: `npm run faults -- --kills 300 kill`.
 */

/** How often each fault happens; of `writes` every so many-th fails. */
const counts = { kills: '100', cuts: '20', outages: '20', writes: '1', flips: '20', damages: '20' }

const { values, positionals } = parseArgs({
  options: Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name, { type: 'string', default: count }])
  ),
  allowPositionals: true
})
const env = Object.entries(values).map(([name, count]) => {
  if (!/^[1-9]\d*$/.test(`${count}`)) throw new Error(`--${name} takes a number, not ${count}`)
  return [`AUDITCOL_${name.toUpperCase()}`, `${count}`]
})
const files =
  positionals.length > 0
    ? positionals.map((name) => `test/faults/${name}`)
    : ['test/faults', 'test/model']
const { status } = spawnSync('npx', ['vitest', 'run', ...files], {
  stdio: 'inherit',
  env: { ...process.env, ...Object.fromEntries(env), AUDITCOL_MODEL: 'all' }
})
process.exitCode = status ?? 1
