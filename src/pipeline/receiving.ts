import type { Subscription } from 'rxjs'
import type { Batch, Receiver, ReceiverContext } from '../component.ts'
import type { Component } from '../config/config.ts'
import type { Arrival } from '../journal/state.ts'
import type { Log } from '../telemetry/log.ts'
import { type Arrivals, watchArrivals } from './arrivals.ts'
import { type Outcomes, watchOutcomes } from './outcomes.ts'

/** A receiver that runs. */
export interface Receiving extends Outcomes {
  readonly id: string
  readonly arrivals: Arrivals
  /** Where it listens, as it says itself. */
  readonly addresses: readonly string[]
  /** Resolves when it has ended: completed after `stopping`, or failed. */
  readonly ended: Promise<void>
  /** Stops it at once. */
  unsubscribe(): void
}

export interface ReceivingOptions {
  readonly log: Log
  readonly stopping: AbortSignal
  readonly resume: string | undefined
  /** What the journal knows of its last arrival. */
  readonly arrived: Arrival | undefined
  take(batch: Batch): void
  /** It cannot go on. */
  failed(error: Error): void
}

/** Subscribes to a receiver, the only one to do so. Resolves when it is ready; rejects when it cannot start. */
export async function startReceiver(
  { id, create, options: settings, expectEvery, silence }: Component,
  options: ReceivingOptions
): Promise<Receiving> {
  const log = options.log.with({ receiver: id })
  const addresses: string[] = []
  const outcomes: Outcomes = { accepted: 0, refused: 0 }
  const watched = watchOutcomes(outcomes, log)
  const arrivals = watchArrivals({
    ...{ log, every: expectEvery, cause: silence, before: options.arrived }
  })
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = () => {
      arrivals.stop()
      resolve()
    }
  })
  let subscription: Subscription | undefined

  await new Promise<void>((ready, refuse) => {
    const context: ReceiverContext = {
      id,
      log,
      stopping: options.stopping,
      ready: (address) => {
        addresses.push(address)
        ready()
      },
      ...(options.resume !== undefined && { resume: options.resume })
    }
    const fault = (cause: unknown) => {
      const error = new Error(`the receiver ${id}`, { cause })
      refuse(error)
      options.failed(error)
      end()
    }
    const complete = () => {
      ready()
      end()
    }
    Promise.resolve(create(settings, context)).then((receiver) => {
      const next = (batch: Batch) => {
        if (batch.logs.records > 0) arrivals.heard()
        options.take(watched(batch))
      }
      subscription = (receiver as Receiver).subscribe({ next, error: fault, complete })
    }, fault)
  })
  return Object.assign(outcomes, {
    id,
    addresses,
    arrivals,
    ended,
    unsubscribe: () => {
      arrivals.stop()
      subscription?.unsubscribe()
    }
  })
}
