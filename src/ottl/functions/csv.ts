import { Fault } from '../errors.ts'

export const quoteModes = ['strict', 'lazyQuotes', 'ignoreQuotes']

/** The fields of one row. Line breaks outside of quotes belong to the field in which they stand. */
export function parseCsv(row: string, delimiter: string, mode: string): string[] {
  if (mode === 'ignoreQuotes') return row.split(delimiter)
  const text = row.replace(/^[\r\n]+|[\r\n]+$/g, '').replaceAll('\r\n', '\n')
  if (text === '') throw new Fault('there is no row in the string')
  const fields: string[] = []
  let at = 0
  for (;;) {
    const field =
      text[at] === '"' ? quoted(text, at + 1, delimiter, mode) : bare(text, at, delimiter, mode)
    fields.push(field.value)
    if (field.end >= text.length) return fields
    at = field.end + delimiter.length
  }
}

interface FieldEnd {
  readonly value: string
  readonly end: number
}

function bare(text: string, at: number, delimiter: string, mode: string): FieldEnd {
  const found = text.indexOf(delimiter, at)
  const end = found < 0 ? text.length : found
  const value = text.slice(at, end)
  if (mode === 'strict' && value.includes('"')) throw new Fault('a quote in a field without quotes')
  return { value, end }
}

/** Up to the quote that a delimiter or the end follows; two quotes are one. */
function quoted(text: string, from: number, delimiter: string, mode: string): FieldEnd {
  let value = ''
  for (let at = from; at < text.length; at++) {
    if (text[at] !== '"') value += text[at]
    else if (text[at + 1] === '"') {
      value += '"'
      at++
    } else if (at + 1 === text.length || text.startsWith(delimiter, at + 1))
      return { value, end: at + 1 }
    else if (mode === 'strict') throw new Fault('text behind a quoted field')
    else value += '"'
  }
  if (mode === 'strict') throw new Fault('a quoted field does not end')
  return { value, end: text.length }
}
