import protobuf from 'protobufjs'

/** A request as plain data: names as in OTLP/JSON, 64-bit integers as decimal strings. */
export interface RequestData {
  resourceLogs: object[]
}

const root = protobuf.loadSync(new URL('../fixtures/otlp_logs.proto', import.meta.url).pathname)
const type = root.lookupType('ExportLogsServiceRequest')

/** Protobuf bytes as protobufjs writes them. */
export function encodeSecond(data: RequestData): Uint8Array {
  return type.encode(type.fromObject(data)).finish()
}

/** What protobufjs reads; throws what it throws. */
export function decodeSecond(bytes: Uint8Array): RequestData {
  const data = type.toObject(type.decode(bytes), { longs: String, arrays: false })
  return { resourceLogs: [], ...data }
}
