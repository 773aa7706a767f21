import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newDir, root } from './auditcol.ts'

export type Mode = 'take' | 'fail' | 'refuse' | 'hang' | 'deaf' | `fail-after-${number}`

export interface Call {
  readonly what: 'begin' | 'failed' | 'taken'
  readonly call: number
  readonly ids: readonly string[]
  readonly lane?: string
  readonly error?: string
}

/** The test's side of the exporter in test/fixtures/backend.ts. */
export interface Backend {
  /** Its configuration, to be put under a name of `exporters`; more keys may follow within the braces. */
  readonly keys: string
  become(mode: Mode): void
  calls(): Call[]
  /** Ids of what it has taken over, in that order. */
  taken(): string[]
}

export function createBackend(mode: Mode): Backend {
  const directory = join(newDir(), 'backend')
  mkdirSync(directory)
  const become = (next: Mode) => {
    // A reader must never see half a word.
    writeFileSync(join(directory, 'mode.new'), next)
    renameSync(join(directory, 'mode.new'), join(directory, 'mode'))
  }
  const calls = () => {
    const path = join(directory, 'calls')
    if (!existsSync(path)) return []
    const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1)
    return lines.map((line): Call => JSON.parse(line))
  }
  become(mode)
  return {
    keys: `type: ${join(root, 'test/fixtures/backend.ts')}, directory: ${directory}`,
    become,
    calls,
    taken: () => calls().flatMap(({ what, ids }) => (what === 'taken' ? ids : []))
  }
}

/** Attempts one after the other, quickly; what a failing backend needs in a test. */
export const quickRetries =
  'retry_on_failure: { initial_interval: 20ms, max_interval: 50ms }, sending_queue: { num_consumers: 1 }'
