import { isUtf8 } from 'node:buffer'
import { InvalidLogs } from './check.ts'
import { findField, type JsonField } from './json_fields.ts'
import {
  another,
  close,
  closeList,
  colon,
  expect,
  type JsonReader,
  letterN,
  literal,
  open,
  openList,
  peek,
  refuse,
  skipJson
} from './json_reader.ts'
import { putScalar } from './json_scalars.ts'
import { type Logs, noLogs } from './logs.ts'
import {
  anyValueMessage,
  depthLimit,
  firstMessage,
  logRecordMessage,
  requestMessage
} from './schema.ts'
import { closeField, newWriter, openField, type Writer, written } from './wire.ts'

/*
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: proto3 JSON with ids in hex and
 * enums as numbers. The bytes go from JSON to protobuf in one pass, without an object in between;
 * what is written passes checkLogs.
 */

interface Conversion {
  readonly json: JsonReader
  readonly writer: Writer
  records: number
}

/** OTLP/JSON (an ExportLogsServiceRequest object) as logs. Throws InvalidLogs. */
export function logsFromJson(bytes: Uint8Array): Logs {
  if (!isUtf8(bytes)) throw new InvalidLogs('JSON is not valid UTF-8')
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const json = { bytes: plain, at: 0 }
  // Protobuf is smaller than its JSON, so the writer hardly ever has to grow.
  const conversion = { json, writer: writerFor(bytes.length + 64), records: 0 }
  putMessage(conversion, requestMessage, 0)
  if (peek(json) !== -1) refuse(json, json.at, 'more after the end of the JSON object')
  if (conversion.writer.at === 0) return noLogs
  const chunk = written(conversion.writer)
  return { chunks: [chunk], bytes: chunk.length, records: conversion.records }
}

/** What is kept for the next request; a larger one gets memory of its own. */
const keptMax = 1024 * 1024
let kept = newWriter(64 * 1024)

/** One conversion ends before the next begins, so that all can write to the same memory: a sixth of the time of small ones. */
function writerFor(size: number): Writer {
  if (size > keptMax) return newWriter(size)
  if (kept.bytes.length < size || kept.bytes.length > 2 * keptMax) kept = newWriter(size)
  kept.at = 0
  return kept
}

/** The fields of one object; `depth` counts messages from the request on. */
function putMessage(conversion: Conversion, message: number, depth: number): void {
  const { json } = conversion
  expect(json, open)
  if (message === logRecordMessage) conversion.records++
  if (peek(json) === close) {
    json.at++
    return
  }
  let seen = 0
  do {
    const start = json.at
    const field = findField(json, conversion.writer, message)
    expect(json, colon)
    const first = peek(json)
    if (field === undefined) skipJson(json, conversion.writer)
    else if (first === letterN) literal(json, 'null')
    else {
      const once = message === anyValueMessage ? 1 : 1 << field.number
      if ((seen & once) !== 0) refuse(json, json.at, again(message))
      seen |= once
      putField(conversion, field, depth, start)
    }
  } while (another(json, close))
}

function putField(conversion: Conversion, field: JsonField, depth: number, start: number): void {
  const { json } = conversion
  if (!field.repeated) {
    putOne(conversion, field, depth, start)
    return
  }
  expect(json, openList)
  if (peek(json) === closeList) {
    json.at++
    return
  }
  do {
    if (peek(json) === letterN) refuse(json, json.at, 'null in a list')
    putOne(conversion, field, depth, start)
  } while (another(json, closeList))
}

function putOne(conversion: Conversion, field: JsonField, depth: number, start: number): void {
  const { json, writer } = conversion
  if (field.kind < firstMessage) {
    putScalar(json, writer, field)
    return
  }
  if (depth === depthLimit) refuse(json, start, `messages nested more than ${depthLimit} deep`)
  const from = openField(writer, field.number, field.room)
  putMessage(conversion, field.kind - firstMessage, depth + 1)
  closeField(writer, from, field.room)
}

function again(message: number): string {
  return message === anyValueMessage ? 'a second value, must be one at most' : 'given twice'
}
