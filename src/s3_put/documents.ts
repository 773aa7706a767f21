import { isUtf8 } from 'node:buffer'

/** A part of a body that becomes a record. */
export interface Part {
  /** The text that the sender wrote, or its bytes where it wrote none. */
  readonly body: string | Uint8Array
  /** What it means as JSON; undefined: it is none, or too large to be looked into. */
  readonly json?: unknown
  /** Of a file of lines: which, from 1. What is not there was an empty line. */
  readonly line?: number
}

export interface Parts {
  readonly parts: readonly Part[]
  /** Of a file of lines: pieces between line feeds, the empty one after a last line feed too. */
  readonly lines?: number
}

/** Larger texts are kept and not looked into: JSON takes up to 20 times its text in memory. */
export const parseMax = 2 * 1024 * 1024

/**
 * A body taken apart so that its bytes can be put together again: one JSON text, or JSON in each line,
 * or neither. `linesMax` limits what many short lines may cost; a longer file stays whole.
 */
export function partsOf(body: Uint8Array, linesMax: number): Parts {
  if (body.length === 0 || !isUtf8(body)) return { parts: [{ body }] }
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString()
  const json = parse(text)
  if (json !== undefined) return { parts: [{ body: text, json }] }
  const lines = linesOf(text, linesMax)
  if (lines !== undefined) return lines
  return { parts: [{ body: text.length > parseMax && /^\s*[[{]/.test(text) ? text : body }] }
}

/** Undefined: some line is no JSON, or there are too many. */
function linesOf(text: string, linesMax: number): Parts | undefined {
  if (!text.includes('\n')) return undefined
  const parts: Part[] = []
  let lines = 0
  for (let at = 0; at <= text.length; ) {
    const end = text.indexOf('\n', at)
    const body = text.slice(at, end < 0 ? text.length : end)
    at += body.length + 1
    lines++
    if (body === '') continue
    const json = parse(body)
    if (json === undefined || parts.length >= linesMax) return undefined
    parts.push({ body, json, line: lines })
  }
  return parts.length > 0 ? { parts, lines } : undefined
}

/** JSON has no undefined: it is none. */
function parse(text: string): unknown {
  if (text.length > parseMax) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
