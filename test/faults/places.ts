import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { frameType } from '../../src/journal/frame.ts'

/** A bit of a journal, and what it belongs to. */
export interface Place {
  /** Within the journal's directory. */
  readonly file: string
  readonly at: number
  readonly bit: number
  /** `intent lsn`, `header salt`, `spool body`. */
  readonly what: string
}

interface Field {
  readonly file: string
  readonly what: string
  readonly from: number
  readonly end: number
}

/** Some bits of every field of every kind of frame and file; of the last frames and the snapshots, those of each. */
export function placesIn(journal: string, some: number): Place[] {
  const fields = ['', 'spool', 'dead'].flatMap((folder) =>
    readdirSync(join(journal, folder))
      .filter((name) => /\.(wal|spool|letter)$/.test(name))
      .flatMap((name) => fieldsOf(journal, join(folder, name)))
  )
  return [...Map.groupBy(fields, ({ what }) => what).values()].flatMap((alike) =>
    Array.from({ length: alike[0]!.what.startsWith('last') ? 1 : some }, () => anyBit(alike))
  )
}

function fieldsOf(journal: string, file: string): Field[] {
  const bytes = readFileSync(join(journal, file))
  if (file.endsWith('.wal')) return [...headerFields(file), ...framesIn(file, bytes)]
  if (file.endsWith('.spool')) {
    const footer = bytes.length - 16
    const intent = footer - bytes.readUInt32LE(footer)
    return [
      { file, what: 'spool body', from: 0, end: intent },
      { file, what: 'spool intent', from: intent, end: footer },
      { file, what: 'spool footer', from: footer, end: bytes.length }
    ]
  }
  const line = bytes.indexOf(10)
  return [
    { file, what: 'letter head', from: 0, end: line + 1 },
    { file, what: 'letter records', from: line + 1, end: bytes.length }
  ]
}

function headerFields(file: string): Field[] {
  const ends = { magic: 8, version: 12, zero: 16, salt: 32, writer: 40, 'first lsn': 48, crc32: 64 }
  let from = 0
  return Object.entries(ends).map(([name, end]) => {
    const field = { file, what: `header ${name}`, from, end }
    from = end
    return field
  })
}

const names = new Map<number, string>(Object.entries(frameType).map(([name, type]) => [type, name]))

function framesIn(file: string, bytes: Buffer): Field[] {
  const starts: number[] = []
  for (let at = 64; at < bytes.length; at += 28 + bytes.readUInt32LE(at)) starts.push(at)
  return starts.flatMap((at, index) => {
    const type = names.get(bytes[at + 24]!)
    const left = starts.length - index
    const name = left <= 4 ? `last but ${left - 1} of ${file}, ${type}` : `${type}`
    const parts = {
      length: 4,
      crc32: 8,
      lsn: 16,
      'durable lsn': 24,
      type: 25,
      version: 26,
      encoding: 27,
      zero: 28
    }
    let from = at
    const fields = Object.entries({ ...parts, payload: 28 + bytes.readUInt32LE(at) }).map(
      ([part, end]) => {
        const field = { file, what: `${name} ${part}`, from, end: at + end }
        from = at + end
        return field
      }
    )
    return fields.filter(({ from, end }) => from < end)
  })
}

function anyBit(fields: readonly Field[]): Place {
  const { file, what, from, end } = fields[Math.floor(Math.random() * fields.length)]!
  const at = from + Math.floor(Math.random() * (end - from))
  return { file, what, at, bit: Math.floor(Math.random() * 8) }
}
