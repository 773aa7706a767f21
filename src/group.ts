import { Observable } from 'rxjs'
import { type Batch, type LaneContext, PermanentError, type Processor } from './component.ts'
import { joinLogs, type Logs } from './logs/logs.ts'
import { commonSender } from './sender.ts'

export interface Grouping {
  /** A group that has reached one of these is sent; 0 is no such trigger. None at all: every batch is sent at once. */
  readonly trigger: Size
  /** No group of several batches exceeds these; 0 is no such limit. */
  readonly limit: Size
  /** Milliseconds after its first batch at which a group is sent; 0: at once. */
  readonly timeout: number
  /** Names of client metadata, lower case: batches that differ in them are not joined. */
  readonly metadata: readonly string[]
  /** Groups held at once; one more sends the oldest. 0: no such limit. */
  readonly groups: number
}

export interface Size {
  readonly records: number
  readonly bytes: number
}

/** The ledger's leaf that lists a batch's ranges has at most 64 KiB (L2). */
const maxRanges = 1_999

/**
 * Joins whole batches to bigger ones without copying, and never splits one: the records of a journal
 * frame settle together (L1). A batch that alone exceeds the limit goes on whole, and `meta.piece`
 * tells the lane to cut it for the exporter. Groups are sent oldest first, and records keep their
 * order within one set of metadata values.
 */
export function group(grouping: Grouping, lane: Pick<LaneContext['lane'], 'flush'>): Processor {
  return (source) =>
    new Observable((out) => {
      const groups = new Map<string, Group>()
      const ready: Batch[] = []
      let emitting = false
      let ended = false

      const input = source.subscribe({
        next(batch) {
          take(batch)
          emit()
        },
        error(cause) {
          for (const held of groups.values()) clearTimeout(held.timer)
          const error = cause instanceof Error ? cause : new Error(String(cause))
          for (const held of groups.values()) for (const batch of held.batches) batch.settle(error)
          groups.clear()
          out.error(cause)
        },
        complete() {
          for (const held of [...groups.values()]) close(held)
          ended = true
          emit()
        }
      })
      input.add(lane.flush.subscribe(sendOldest))
      return () => {
        input.unsubscribe()
        for (const held of groups.values()) clearTimeout(held.timer)
        groups.clear()
      }

      function take(batch: Batch): void {
        const key = keyOf(batch, grouping.metadata)
        const open = groups.get(key)
        if (open !== undefined && !fits(open, batch, grouping.limit)) close(open)
        const held = groups.get(key) ?? begin(key)
        add(held, batch)
        if (isDue(held, grouping)) close(held)
      }

      function begin(key: string): Group {
        const oldest = groups.values().next().value
        if (oldest !== undefined && groups.size === grouping.groups) close(oldest)
        const held: Group = { key, batches: [], ranges: [], records: 0, bytes: 0 }
        groups.set(key, held)
        if (!sendsAtOnce(grouping)) held.timer = setTimeout(send, grouping.timeout, held)
        return held
      }

      function send(held: Group): void {
        close(held)
        emit()
      }

      function sendOldest(): void {
        const oldest = groups.values().next().value
        if (oldest !== undefined) send(oldest)
      }

      function close(held: Group): void {
        clearTimeout(held.timer)
        groups.delete(held.key)
        ready.push(joined(held, grouping.limit))
      }

      // Whoever gets a batch may settle it at once, and the reader may then send the next one from
      // within this call: it waits for its turn, or a long run of them would exhaust the stack.
      function emit(): void {
        if (emitting) return
        emitting = true
        for (let batch = ready.shift(); batch !== undefined; batch = ready.shift()) out.next(batch)
        emitting = false
        if (ended) out.complete()
      }
    })
}

interface Group {
  readonly key: string
  readonly batches: Batch[]
  /** Journal positions of all its batches, sorted, adjacent ones merged. */
  ranges: [first: number, last: number][]
  records: number
  bytes: number
  timer?: NodeJS.Timeout
}

function keyOf({ meta }: Batch, names: readonly string[]): string {
  return names.length === 0 ? '' : JSON.stringify(names.map((name) => meta.client?.[name] ?? []))
}

function fits(held: Group, { logs, meta }: Batch, limit: Size): boolean {
  const more: Size = { records: held.records + logs.records, bytes: held.bytes + logs.bytes }
  return !exceeds(more, limit) && held.ranges.length + (meta.covers?.length ?? 0) <= maxRanges
}

function add(held: Group, batch: Batch): void {
  held.batches.push(batch)
  held.records += batch.logs.records
  held.bytes += batch.logs.bytes
  for (const [first, last] of batch.meta.covers ?? []) {
    const end = held.ranges.at(-1)
    if (end === undefined || first > end[1] + 1) held.ranges.push([first, last])
    else if (first === end[1] + 1) end[1] = last
    else held.ranges = merged([...held.ranges, [first, last]])
  }
}

function merged(ranges: [number, number][]): [number, number][] {
  const result: [number, number][] = []
  for (const range of ranges.sort(([a], [b]) => a - b)) {
    const end = result.at(-1)
    if (end !== undefined && range[0] <= end[1] + 1) end[1] = Math.max(end[1], range[1])
    else result.push(range)
  }
  return result
}

function isDue(held: Group, grouping: Grouping): boolean {
  const { trigger, limit } = grouping
  return sendsAtOnce(grouping) || reaches(held, trigger) || reaches(held, limit)
}

function sendsAtOnce({ timeout, trigger }: Grouping): boolean {
  return timeout === 0 || (trigger.records === 0 && trigger.bytes === 0)
}

function reaches(size: Size, { records, bytes }: Size): boolean {
  return (records > 0 && size.records >= records) || (bytes > 0 && size.bytes >= bytes)
}

function exceeds(size: Size, { records, bytes }: Size): boolean {
  return (records > 0 && size.records > records) || (bytes > 0 && size.bytes > bytes)
}

function joined({ batches, ranges, records, bytes }: Group, limit: Size): Batch {
  const first = batches[0]!
  const tooBig = exceeds({ records, bytes }, limit)
  if (batches.length === 1 && !tooBig && first.meta.piece === undefined) return first
  const { receiver, arrived } = first.meta
  const refused = batches.flatMap(({ meta }) => meta.refused ?? [])
  const routed = batches.reduce((sum, { meta }) => sum + (meta.routed ?? 0), 0)
  return {
    logs: joinLogs(batches.map(({ logs }) => logs)),
    meta: {
      receiver,
      arrived,
      ...commonSender(batches.map(({ meta }) => meta)),
      ...(ranges.length > 0 && { covers: ranges }),
      ...(first.meta.accepted !== undefined && { accepted: acceptedIn(batches) }),
      ...(routed > 0 && { routed }),
      ...(refused.length > 0 && { refused }),
      ...(tooBig && { piece: pieceOf(limit) })
    },
    settle: (error) => settleAll(batches, error)
  }
}

function acceptedIn(batches: readonly Batch[]): number {
  return batches.reduce((sum, { logs, meta }) => sum + (meta.accepted ?? logs.records), 0)
}

function pieceOf({ records, bytes }: Size): { records?: number; bytes?: number } {
  return { ...(records > 0 && { records }), ...(bytes > 0 && { bytes }) }
}

function settleAll(batches: readonly Batch[], error: Error | undefined): void {
  let offset = 0
  for (const batch of batches) {
    batch.settle(ownError(error, offset, batch.logs))
    offset += batch.logs.records
  }
}

/** Record indices count within the joined batch; each member hears of its own, counted from its own first record. */
function ownError(error: Error | undefined, offset: number, logs: Logs): Error | undefined {
  if (!(error instanceof PermanentError) || error.records === undefined) return error
  const records = error.records
    .filter((index) => index >= offset && index < offset + logs.records)
    .map((index) => index - offset)
  if (records.length === 0 && error.rest === 'delivered') return undefined
  return new PermanentError(error.message, { cause: error.cause, records, rest: error.rest })
}
