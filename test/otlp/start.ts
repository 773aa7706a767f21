import { onTestFinished } from 'vitest'
import otlp, { config } from '../../receivers/otlp.ts'
import type { Batch } from '../../src/component.ts'
import { type Run, runReceiver } from '../contract/run_receiver.ts'

export interface Started extends Run {
  /** `host:port`. */
  readonly address: string
}

export interface Settling {
  /** Settles each batch at once; without it a test settles them itself. */
  readonly each?: (batch: Batch) => void
  readonly max_in_flight_size?: number
}

export function startHttp(keys: Record<string, unknown> = {}, settling?: Settling) {
  return start({ http: { endpoint: '127.0.0.1:0', ...keys } }, settling)
}

export function startGrpc(keys: Record<string, unknown> = {}, settling?: Settling) {
  return start({ grpc: { endpoint: '127.0.0.1:0', ...keys } }, settling)
}

/** A receiver that listens for the duration of a test. */
async function start(
  protocols: Record<string, unknown>,
  { each, max_in_flight_size }: Settling = {}
): Promise<Started> {
  const options = config.parse({ protocols, max_in_flight_size })
  const run = runReceiver((context) => otlp(options, context), each)
  onTestFinished(() => run.subscription.unsubscribe())
  return { ...run, address: await run.endpoint }
}

/** Takes over everything. */
export const takeAll: Settling = { each: (batch) => batch.settle() }
