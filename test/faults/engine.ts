import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/load_config.ts'
import { type Pipeline, startPipeline } from '../../src/pipeline/pipeline.ts'
import { createLog } from '../../src/telemetry/log.ts'
import type { Objects } from '../archive_check.ts'
import { root } from '../e2e/auditcol.ts'
import { idsIn } from '../e2e/records.ts'
import { filesOf } from './once.ts'

/*
 * The whole program in this process, where a fault test needs hundreds of starts: one receiver, an
 * archive in a directory, and the backend of test/fixtures, whose `mode` lies in the same directory.
 */

export interface Engine extends Pipeline {
  /** `host:port` of its receiver. */
  readonly http: string
  /** All that it has said. */
  said(): string
}

/** Rejects as a start of the program does. */
export async function startEngine(dir: string): Promise<Engine> {
  const { config } = await loadConfig({
    config: [`yaml:${configIn(dir)}`],
    set: [],
    logsOnly: false,
    env: {}
  })
  const lines: string[] = []
  const write = (line: string) => void lines.push(line)
  const pipeline = await startPipeline(
    config,
    createLog({ level: 'info', encoding: 'console', write })
  )
  const http = pipeline.receivers[0]!.addresses[0]!.split(' ').at(-1)!
  return Object.assign(pipeline, { http, said: () => lines.join('') })
}

/** A journal whose segments are small, an archive that tries again quickly. */
function configIn(dir: string): string {
  const quick = 'retry_on_failure: { initial_interval: 20ms, max_interval: 100ms }'
  return `
receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } }
exporters:
  awss3:
    ${quick}
    s3uploader: { region: us-east-1, s3_bucket: "file:${dir}/archive", s3_partition_format: "" }
  backend: { type: ${join(root, 'test/fixtures/backend.ts')}, directory: ${dir}, ${quick} }
service:
  journal: { directory: "${dir}/journal", max_size: 4MiB, min_free: 0 }
  pipelines: { logs: { receivers: [otlp], exporters: [awss3, backend] } }
`
}

export function archiveIn(dir: string): Objects {
  return existsSync(join(dir, 'archive')) ? filesOf(join(dir, 'archive')) : new Map()
}

/** Ids of the records in the dead letters of a journal. */
export function idsInLetters(journal: string): string[] {
  const letters = join(journal, 'dead')
  if (!existsSync(letters)) return []
  const whole = [...filesOf(letters)].filter(([name]) => name.endsWith('.letter'))
  return whole.flatMap(([, bytes]) => idsIn(bytes))
}
