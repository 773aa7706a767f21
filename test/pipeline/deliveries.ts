import { vi } from 'vitest'
import type { Batch, Exporter } from '../../src/component.ts'
import { createDelivery, type DeliveryOptions } from '../../src/pipeline/delivery.ts'
import { createLog } from '../../src/telemetry/log.ts'

export const retry = {
  enabled: true,
  initial_interval: 1000,
  randomization_factor: 0.5,
  multiplier: 2,
  max_interval: 5000,
  max_elapsed_time: 0
}

export function delivery(exporter: Exporter, options: Partial<DeliveryOptions> = {}) {
  const lines: string[] = []
  const log = createLog({
    level: 'info',
    encoding: 'console',
    write: (line) => lines.push(line)
  })
  const idle = vi.fn()
  const given = { id: 'backend', exporter, consumers: 1, retry, timeout: 0, log, idle, ...options }
  return { ...stateOf(createDelivery(given)), lines, idle }
}

/** The delivery, its getters still live. */
function stateOf(made: ReturnType<typeof createDelivery>) {
  return { made, take: made.take, finish: made.finish, halt: made.halt, abort: made.abort }
}

/** An exporter that fails as told and then takes everything; it notes when it was called. */
export function failing(...errors: Error[]) {
  const at: number[] = []
  const batches: Batch[] = []
  const exporter: Exporter = async (batch) => {
    at.push(Date.now())
    batches.push(batch)
    const error = errors.shift()
    if (error) throw error
  }
  const waits = () => at.slice(1).map((time, index) => time - at[index]!)
  return { exporter, waits, batches }
}
