import { randomInt } from 'node:crypto'
import { printBytes } from './prints.ts'

/** Finds prints by their bytes. */
export interface PrintTable {
  /** The place of an entry with the print that stands here, -1: none. */
  find(bytes: Buffer, at: number): number
  /** Of entries with one print the last one put is found. */
  put(place: number): void
  /** Forgets the entry, unless another with its print was put later. */
  remove(place: number): void
}

/** A slot is four bytes, and at least half of them are free: what is sought is a step or two away. */
const slotsPerEntry = 2

/** Bytes of a table of so many entries. */
export function tableBytes(max: number): number {
  return 4 * slotsOf(max)
}

/**
 * Over the prints that stand at `offset` of entries of `entryBytes`. Open addressing, and removing
 * moves what follows instead of leaving a stone: the table is as fast after years as when it was new.
 */
export function createPrintTable(
  max: number,
  entries: Buffer,
  entryBytes: number,
  offset: number
): PrintTable {
  const slots = new Int32Array(slotsOf(max)).fill(-1)
  const last = slots.length - 1
  const shift = Math.clz32(last)
  // Senders choose prints by trying: without this they could have many begin at one slot.
  const salt = randomInt(2 ** 32)

  const homeOf = (bytes: Buffer, at: number) =>
    Math.imul(bytes.readInt32LE(at) ^ salt, bytes.readInt32LE(at + 4) | 1) >>> shift

  const printAt = (place: number) => place * entryBytes + offset

  /** Its slot, or the free one where it would stand. */
  const slotOf = (bytes: Buffer, at: number) => {
    let slot = homeOf(bytes, at)
    while (slots[slot] !== -1 && !isPrint(entries, printAt(slots[slot]!), bytes, at))
      slot = (slot + 1) & last
    return slot
  }

  return {
    find: (bytes, at) => slots[slotOf(bytes, at)]!,
    put: (place) => {
      slots[slotOf(entries, printAt(place))] = place
    },
    remove: (place) => {
      let slot = slotOf(entries, printAt(place))
      if (slots[slot] !== place) return
      for (let next = (slot + 1) & last; slots[next] !== -1; next = (next + 1) & last) {
        // What stands behind its home and not behind the free slot must stay.
        const home = homeOf(entries, printAt(slots[next]!))
        if (((next - home) & last) < ((next - slot) & last)) continue
        slots[slot] = slots[next]!
        slot = next
      }
      slots[slot] = -1
    }
  }
}

/** A power of two. */
function slotsOf(max: number): number {
  return 2 ** Math.ceil(Math.log2(slotsPerEntry * max))
}

function isPrint(a: Buffer, from: number, b: Buffer, at: number): boolean {
  for (let i = 0; i < printBytes; i++) if (a[from + i] !== b[at + i]) return false
  return true
}
