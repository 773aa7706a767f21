import * as fs from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Observable, type Subscriber, throwError } from 'rxjs'
import { afterEach, expect, onTestFinished, test, vi } from 'vitest'
import type { Batch, Context } from '../../src/component.ts'
import type { Component, Config, Kind } from '../../src/config/config.ts'
import { deliveryKeys } from '../../src/config/delivery.ts'
import { startPipeline } from '../../src/pipeline/pipeline.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { opaque, sent } from '../batches.ts'

/** While set, no file can be synced. */
let fault: Error | undefined

vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof fs>()
  const open: typeof fs.open = async (path, flags, mode) => {
    const handle = await real.open(path, flags, mode)
    const datasync = handle.datasync.bind(handle)
    handle.datasync = () => (fault ? Promise.reject(fault) : datasync())
    return handle
  }
  return { ...real, open }
})

afterEach(() => {
  fault = undefined
})

const log = createLog({ level: 'error', encoding: 'console', write: () => {} })

function component(kind: Kind, id: string, create: Component['create']): Component {
  const delivery = {
    sending_queue: deliveryKeys.sending_queue.parse({ num_consumers: 1 }),
    retry_on_failure: deliveryKeys.retry_on_failure.parse({}),
    timeout: 0
  }
  return { id, kind, type: id, options: {}, memory: () => 0, create, place: '', delivery }
}

function configOf(receiver: Component['create'], exporter: Component['create'], directory: string) {
  const byId = (one: Component) => new Map([[one.id, one]])
  return {
    receivers: byId(component('receiver', 'in', receiver)),
    processors: new Map(),
    connectors: new Map(),
    exporters: byId(component('exporter', 'out', exporter)),
    extensions: new Map(),
    pipelines: [{ id: 'logs', receivers: ['in'], processors: [], exporters: ['out'] }],
    extensionsInUse: [],
    journal: { directory, max_size: 2 ** 30, min_free: 0 }
  } as unknown as Config
}

async function newDirectory(): Promise<string> {
  const directory = await fs.mkdtemp(join(tmpdir(), 'auditcol-pipeline-'))
  onTestFinished(() => fs.rm(directory, { recursive: true, force: true }))
  return directory
}

/** A receiver that is in the test's hand, and completes when it is stopped. */
function inHand() {
  const held: { out?: Subscriber<Batch> } = {}
  const create = (_: unknown, { ready, stopping }: Context) =>
    new Observable<Batch>((out) => {
      held.out = out
      ready('here')
      stopping.addEventListener('abort', () => out.complete())
    })
  return { create, take: (batch: Batch) => held.out!.next(batch), held }
}

const never = new AbortController().signal

test('a receiver that fails while it runs ends the program, and stopping does not wait for it', async () => {
  const receiver = inHand()
  const config = configOf(receiver.create, () => async () => {}, await newDirectory())
  const pipeline = await startPipeline(config, log)
  receiver.held.out!.error(new Error('the socket is gone'))
  await expect(pipeline.failed).rejects.toThrow('the receiver in')
  await pipeline.stop(never)
})

test('a receiver that cannot start is named, and the journal is free again', async () => {
  const directory = await newDirectory()
  const failing = () => throwError(() => new Error('address in use'))
  const config = configOf(failing, () => async () => {}, directory)
  for (let i = 0; i < 2; i++)
    await expect(startPipeline(config, log)).rejects.toThrow('the receiver in')
})

test('J6: when the journal has failed, senders are refused and lanes deliver no more', async () => {
  const receiver = inHand()
  const exported: number[] = []
  const config = configOf(
    receiver.create,
    () => async (batch: Batch) => {
      exported.push(batch.logs.records)
      // The first one is under way when the fsync fails.
      if (exported.length === 1) await new Promise((resolve) => setTimeout(resolve, 100))
    },
    await newDirectory()
  )
  const pipeline = await startPipeline(config, log)
  const batches = [1, 2, 3].map((records) => sent(opaque(records)))
  for (const batch of batches) receiver.take(batch)
  await vi.waitFor(() => expect(exported).toEqual([1]))
  fault = Object.assign(new Error('EIO: i/o error, fdatasync'), { code: 'EIO' })
  const refused = sent(opaque(4))
  receiver.take(refused)
  await expect(pipeline.failed).rejects.toThrow(/^syncing /)
  await pipeline.stop(never)
  expect(refused.outcomes.map((error) => error?.message)).toEqual(['the journal has failed'])
  expect(exported).toEqual([1])
})
