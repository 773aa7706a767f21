import { frameHeaderBytes, frameType } from './frame.ts'
import type { JournalLane } from './lane.ts'
import { applyFrame, type JournalState, type Settled } from './state.ts'
import type { Entry, Place, Writer } from './writer.ts'

/** What the journal says of itself in frames; the state changes when they are durable. */
export interface ControlFrames {
  /** Resolves when the frame is durable and the state shows it. */
  write(type: number, value: unknown): Promise<Place>
  /** There is something to collect. */
  touch(): void
  readonly touched: boolean
  /** What all lanes have settled since the last such frame (J4). */
  collect(): Entry | undefined
}

export function createControlFrames(
  state: JournalState,
  lanes: ReadonlyMap<string, JournalLane>,
  writer: () => Pick<Writer, 'push'>
): ControlFrames {
  let touched = false

  const control = (
    type: number,
    value: unknown,
    done: (error: Error | undefined, place: Place) => void
  ): Entry => {
    const payload = Buffer.from(JSON.stringify(value))
    return {
      type,
      payload: [payload],
      bytes: frameHeaderBytes + payload.length,
      done: (error, place) => {
        if (!error) applyFrame(state, { lsn: place.lsn, type, payload })
        done(error, place)
      }
    }
  }

  return {
    write: (type, value) =>
      new Promise((resolve, reject) => {
        writer().push(
          control(type, value, (error, place) => (error ? reject(error) : resolve(place)))
        )
      }),
    touch: () => {
      touched = true
    },
    get touched() {
      return touched
    },
    collect: () => {
      if (!touched) return undefined
      touched = false
      const settled = [...lanes.values()]
        .map((lane) => ({ lane: lane.index, ...lane.reader.collect() }))
        .filter(({ ranges }) => ranges.length > 0)
      const frame: Settled = { lanes: settled }
      return settled.length > 0 ? control(frameType.settled, frame, () => {}) : undefined
    }
  }
}
