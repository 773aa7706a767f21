import { decodeBase64, decodeHex } from './json_binary.ts'
import { readInteger } from './json_integer.ts'
import {
  copyString,
  found,
  type JsonReader,
  letterF,
  letterT,
  literal,
  passNumber,
  quote,
  refuse,
  startsNumber
} from './json_reader.ts'
import { type Field, kinds } from './schema.ts'
import {
  closeField,
  openField,
  type Writer,
  writeDouble,
  writeFixed32,
  writeUint32,
  writeVarint64
} from './wire.ts'

/** Reads the JSON value of a field that is no message and writes the field. */
export function putScalar(json: JsonReader, writer: Writer, { kind, number }: Field): void {
  if (kind === kinds.string) {
    const from = openField(writer, number, 1)
    copyString(json, writer)
    closeField(writer, from, 1)
  } else if (kind >= kinds.bytes) putBinary(json, writer, kind, number)
  else if (kind === kinds.bool) {
    const first = json.bytes[json.at]
    const yes = first === letterT
    if (!yes && first !== letterF) refuse(json, json.at, `${found(json)}, expected true or false`)
    literal(json, yes ? 'true' : 'false')
    writeUint32(writer, number << 3)
    writeUint32(writer, yes ? 1 : 0)
  } else if (kind === kinds.double) {
    const value = readDouble(json, writer)
    writeUint32(writer, (number << 3) | 1)
    writeDouble(writer, value)
  } else putInteger(json, writer, kind, number)
}

function putInteger(json: JsonReader, writer: Writer, kind: number, number: number): void {
  const start = json.at
  const named = kind === kinds.severity ? severityNamed(json, writer) : undefined
  const { low, high } = named ?? readInteger(json, writer, kind === kinds.fixed64)
  if (kind === kinds.uint32 || kind === kinds.fixed32) {
    if (high !== 0) refuse(json, start, 'outside of 0 to 4294967295')
  } else if (kind === kinds.severity && high !== (low >>> 31 === 1 ? 0xffffffff : 0)) {
    refuse(json, start, 'outside of 32 bits')
  }
  if (kind === kinds.fixed32) {
    writeUint32(writer, (number << 3) | 5)
    writeFixed32(writer, low)
  } else if (kind === kinds.fixed64) {
    writeUint32(writer, (number << 3) | 1)
    writeFixed32(writer, low)
    writeFixed32(writer, high)
  } else {
    writeUint32(writer, number << 3)
    writeVarint64(writer, low, high)
  }
}

const levels = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']
/** SEVERITY_NUMBER_INFO is 9, SEVERITY_NUMBER_INFO2 is 10 and so on. */
const severities = new Map([['SEVERITY_NUMBER_UNSPECIFIED', 0]])
for (const [index, level] of levels.entries()) {
  for (let step = 1; step <= 4; step++)
    severities.set(`SEVERITY_NUMBER_${level}${step === 1 ? '' : step}`, index * 4 + step)
}

/** Enums are numbers in OTLP; proto3 JSON writers elsewhere send the name. Undefined: no name, nothing is read. */
function severityNamed(json: JsonReader, writer: Writer) {
  const start = json.at
  if (json.bytes[start] !== quote || json.bytes[start + 1] !== 0x53) return undefined
  const name = stringAt(json, writer)
  const low = severities.get(name)
  return low === undefined
    ? refuse(json, start, `unknown severity ${JSON.stringify(name.slice(0, 40))}`)
    : { low, high: 0 }
}

function readDouble(json: JsonReader, writer: Writer): number {
  const start = json.at
  if (json.bytes[start] !== quote) {
    if (!startsNumber(json.bytes[start])) refuse(json, start, `${found(json)}, expected a number`)
    passNumber(json)
    return finite(json, start, asciiText(json.bytes, start, json.at))
  }
  const text = stringAt(json, writer)
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return Number(text)
  if (!/^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(text)) refuse(json, start, 'not a number')
  return finite(json, start, text)
}

function finite(json: JsonReader, start: number, text: string): number {
  const value = Number(text)
  return Number.isFinite(value) ? value : refuse(json, start, 'number outside of 64-bit doubles')
}

/** Bytes are decoded where their text was written, which is longer than they are. */
function putBinary(json: JsonReader, writer: Writer, kind: number, number: number): void {
  const start = json.at
  const from = openField(writer, number, 1)
  copyString(json, writer)
  const { bytes, at } = writer
  if (kind === kinds.bytes) {
    const end = decodeBase64(bytes, from, at)
    if (end < 0) refuse(json, start, 'not base64')
    writer.at = end
  } else {
    const digits = kind === kinds.traceId ? 32 : 16
    if (at !== from && at - from !== digits)
      refuse(json, start, `${at - from} hex digits, must be ${digits} or none`)
    const end = decodeHex(bytes, from, at)
    if (end < 0) refuse(json, start, 'not hex digits')
    writer.at = end
  }
  closeField(writer, from, 1)
}

function stringAt(json: JsonReader, writer: Writer): string {
  const from = writer.at
  copyString(json, writer)
  const text = asciiText(writer.bytes, from, writer.at)
  writer.at = from
  return text
}

function asciiText(bytes: Uint8Array, from: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString('latin1')
}
