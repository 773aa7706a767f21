import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'

export const root = resolve(import.meta.dirname, '../..')
const cli = join(root, 'src/cli.ts')

/** Most of a start is spent on compiling: half a second of a core, dozens of times. */
const compileCache = join(root, 'node_modules/.cache/auditcol-tests')

/** A machine that is busy with other things is slow, not broken. */
export const patienceMs = 30_000

export interface Auditcol {
  /** `host:port` of the first listener of each kind. */
  readonly http: string
  readonly grpc: string
  /** What it has printed so far, both streams. */
  output(): string
  signal(name: NodeJS.Signals): void
  /** Its exit code; -1 when a signal has ended it. */
  readonly exit: Promise<number>
  /** The most memory it has had, in bytes; 0 where the system does not tell. */
  memoryPeak(): number
  /** Its working directory. */
  readonly dir: string
}

export interface Start {
  /** Text of its pipeline.yaml; without one `args` say where it is. */
  readonly config?: string
  readonly args?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly dir?: string
}

/** A directory for the duration of the test. */
export function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'auditcol-e2e-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true, maxRetries: 10 }))
  return dir
}

/** Starts auditcol and waits until it is ready; whatever becomes of it, it is gone after the test. */
export async function start(options: Start): Promise<Auditcol> {
  const running = launch(options)
  const { output, exit } = running
  const ready = () => output().includes('Everything is ready')
  let ended: number | undefined
  exit.then((code) => {
    ended = code
  })
  await until(() => ready() || ended !== undefined, 'auditcol to be ready', output)
  if (!ready()) throw new Error(`auditcol ended with ${ended}: ${output()}`)
  const address = (kind: string) => new RegExp(`listens on ${kind} (\\S+)`).exec(output())?.[1]
  return { ...running, http: address('HTTP') ?? '', grpc: address('gRPC') ?? '' }
}

/** Runs auditcol until it ends by itself. */
export async function runToEnd(
  options: Start
): Promise<{ code: number; output: string; dir: string }> {
  const { exit, output, dir } = launch(options)
  const code = await exit
  return { code, output: output(), dir }
}

/** Ends it as Ctrl-C does, and returns its exit code. */
export async function stop(auditcol: Auditcol): Promise<number> {
  auditcol.signal('SIGINT')
  return auditcol.exit
}

/** Waits for a condition; `seen` tells what was there instead when it never holds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what = String(condition),
  seen: () => string = () => ''
): Promise<void> {
  const limit = Date.now() + patienceMs
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error(`waited in vain for ${what}: ${seen()}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function launch({ config, args, env, dir = newDir() }: Start) {
  if (config !== undefined) writeFileSync(join(dir, 'pipeline.yaml'), config)
  const child = spawn(process.execPath, [cli, ...(args ?? ['run'])], {
    cwd: dir,
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const parts: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => parts.push(part))
  }
  const exit = exitOf(child)
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exit
  })
  return {
    dir,
    exit,
    output: () => parts.join(''),
    signal: (name: NodeJS.Signals) => void child.kill(name),
    memoryPeak: () => peakOf(child.pid!)
  }
}

function peakOf(pid: number): number {
  const path = `/proc/${pid}/status`
  if (!existsSync(path)) return 0
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(path, 'utf8'))?.[1]) * 1024
}

/** `close`, not `exit`: by then all that it printed has been read. */
async function exitOf(child: ChildProcess): Promise<number> {
  const [code] = await once(child, 'close')
  return code ?? -1
}
