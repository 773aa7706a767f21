import { spawnSync } from 'node:child_process'
import { appendFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished, type TestContext } from 'vitest'
import { newDir } from '../e2e/auditcol.ts'

/** Skips the test, and says so in one line, where this machine cannot mount what it needs. */
export function skipUnlessMounts(context: TestContext, what: string, ...tools: string[]): void {
  const reason = cannotMount(...tools)
  if (!reason) return
  process.stderr.write(`skipped, ${what}: ${reason}\n`)
  context.skip(`${what}: ${reason}`)
}

/** Why this machine cannot mount, or undefined; `tools` are the programs needed beside mount itself. */
function cannotMount(...tools: string[]): string | undefined {
  if (process.platform !== 'linux') return `${process.platform} has no such mounts`
  if (process.getuid?.() !== 0) return 'not root'
  const missing = ['mount', 'umount', ...tools].find(
    (tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0
  )
  if (missing) return `no ${missing}`
  // In a container even root may not mount.
  const dir = newDir()
  const tried = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', dir])
  if (tried.status !== 0) return `mounting: ${tried.stderr}`.trim()
  spawnSync('umount', [dir])
  return undefined
}

/** A directory for the duration of the test on a disk of its own with so many bytes. */
export function smallDisk(bytes: number): string {
  const dir = join(newDir(), 'disk')
  mkdirSync(dir)
  mount('-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir)
  return dir
}

/** A file system of 64 MiB of its own, in a file within this directory; both are there until the test has finished. */
export function fileSystemIn(directory: string): { image: string; at: string } {
  const image = join(directory, 'disk')
  writeFileSync(image, '')
  truncateSync(image, 64 * 2 ** 20)
  run('mkfs.ext4', '-q', '-F', image)
  const at = join(directory, 'mounted')
  mkdirSync(at)
  mount('-o', 'loop', image, at)
  return { image, at }
}

/** Takes all the space that a disk has left. */
export function fill(path: string): void {
  for (const bytes of [2 ** 20, 2 ** 12]) {
    try {
      for (;;) appendFileSync(path, Buffer.alloc(bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
}

/** Mounts until the test has finished; the last argument is the place. */
export function mount(...args: string[]): void {
  run('mount', ...args)
  onTestFinished(() => {
    spawnSync('umount', ['--lazy', args.at(-1)!])
  })
}

export function run(command: string, ...args: string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr ?? error}`)
}
