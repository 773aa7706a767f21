import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

/*
 * The long form of the fault tests: `npm run faults -- --kills 300`. What follows `--` goes to vitest,
 * e.g. the name of one file: `npm run faults -- --kills 300 kill`.
 */

const { values, positionals } = parseArgs({
  options: { kills: { type: 'string', default: '100' } },
  allowPositionals: true
})
if (!/^[1-9]\d*$/.test(values.kills)) throw new Error(`--kills takes a number, not ${values.kills}`)
const files =
  positionals.length > 0 ? positionals.map((name) => `test/faults/${name}`) : ['test/faults']
const { status } = spawnSync('npx', ['vitest', 'run', ...files], {
  stdio: 'inherit',
  env: { ...process.env, AUDITCOL_KILLS: values.kills }
})
process.exitCode = status ?? 1
