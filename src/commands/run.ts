import { type LoadOptions, loadConfig } from '../config/load_config.ts'
import { serveControl } from '../journal/control.ts'
import { type Pipeline, startPipeline } from '../pipeline/pipeline.ts'
import { createLog } from '../telemetry/log.ts'
import { openOutput } from '../telemetry/output.ts'
import { reasonOf } from '../telemetry/reason.ts'
import { banner, summary } from './banner.ts'
import { answerRunning } from './journal.ts'

/** How long stopping may take before what is left stays in the journal; Kubernetes gives 30 s by default. */
const drainMs = 20_000
/** npm passes a signal on that the terminal has sent already: a second one within this time is the same. */
const sameSignalMs = 1_000

/** Runs the pipeline until a signal or a failure. Resolves with the exit code. */
export async function run(options: LoadOptions): Promise<number> {
  const { config, notes } = await loadConfig(options)
  const { level, encoding, output_paths, initial_fields } = config.telemetry.logs
  const log = createLog({ level, encoding, write: openOutput(output_paths) }, initial_fields)
  for (const note of notes) log[note.level](note.text)
  const signals = watchSignals()
  let pipeline: Pipeline | undefined
  try {
    pipeline = await Promise.race([startPipeline(config, log), signals.first])
  } catch (error) {
    process.stderr.write(`auditcol: ${reasonOf(error)}\n`)
    return 1
  }
  if (!pipeline) {
    log.info('stopped before everything was ready')
    return 0
  }
  const { journal } = pipeline
  const control =
    config.journal &&
    (await serveControl(config.journal.directory, log, (request) =>
      answerRunning(journal!, pipeline, log, request)
    ))
  for (const line of banner(config, pipeline)) log.info(line)
  let failure: Error | undefined
  const failed = pipeline.failed.catch((error: Error) => {
    failure = error
  })
  await Promise.race([signals.first, failed])
  if (failure) log.error('stopping', { error: reasonOf(failure) })
  else log.info('stopping: answering what is in flight, delivering what there is')
  const before = failure
  await pipeline.stop(AbortSignal.any([AbortSignal.timeout(drainMs), signals.second]))
  if (failure && !before) log.error('stopping has failed', { error: reasonOf(failure) })
  if (control) control.close()
  for (const line of summary(pipeline)) log.info(line)
  return failure || pipeline.lanes.some(({ stopped }) => stopped) ? 1 : 0
}

/** The first SIGINT or SIGTERM drains, a later second one ends at once. */
function watchSignals() {
  const second = new AbortController()
  let since: number | undefined
  const first = new Promise<undefined>((resolve) => {
    const on = () => {
      if (since === undefined) {
        since = performance.now()
        resolve(undefined)
      } else if (performance.now() - since > sameSignalMs) second.abort()
    }
    process.on('SIGINT', on)
    process.on('SIGTERM', on)
  })
  return { first, second: second.signal }
}
