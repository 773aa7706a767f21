import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Usage {
  readonly cpuSeconds: number
  /** Peak of the resident memory on Linux, its present size elsewhere. */
  readonly megabytes: number
}

/** What a process has used so far, all its threads together. */
export function usageOf(pid: number): Usage {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid)
}

function fromProc(pid: number): Usage {
  // The name in brackets may hold anything; utime and stime are fields 14 and 15, in ticks.
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)!.split(' ')
  const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond(),
    megabytes: Number(peak) / 1024
  }
}

let ticks: number | undefined

function ticksPerSecond(): number {
  ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  return ticks
}

/** `ps` writes CPU time as [[days-]hours:]minutes:seconds.hundredths. */
function fromPs(pid: number): Usage {
  const line = execFileSync('ps', ['-o', 'time=,rss=', '-p', String(pid)], { encoding: 'utf8' })
  const [time, kilobytes] = line.trim().split(/\s+/)
  const cpuSeconds = time!.split(/[-:]/).reduce((sum, part) => sum * 60 + Number(part), 0)
  return { cpuSeconds, megabytes: Number(kilobytes) / 1024 }
}
