import { status } from '@grpc/grpc-js'
import otlp, { config } from '../../receivers/otlp.ts'
import { type Heard, testReceiver } from '../contract/receiver.ts'
import { idName, logsOf } from '../dedup/records.ts'
import { grpcClient } from '../otlp/grpc_client.ts'
import { otlpRequest } from '../otlp/request.ts'

const requestWith = (id: string, text: string) => Buffer.concat(logsOf({ id, text }).chunks)

testReceiver('otlp over HTTP', {
  receiver: (endpoint, context) =>
    otlp(config.parse({ protocols: { http: { endpoint } } }), context),
  send: (endpoint, records) => post(endpoint, otlpRequest(records)),
  id: idName,
  sendEvent: (endpoint, id, text) => post(endpoint, requestWith(id, text))
})

testReceiver('otlp over gRPC', {
  receiver: (endpoint, context) =>
    otlp(config.parse({ protocols: { grpc: { endpoint } } }), context),
  send: (endpoint, records) => call(endpoint, otlpRequest(records)),
  id: idName,
  sendEvent: (endpoint, id, text) => call(endpoint, requestWith(id, text))
})

async function post(endpoint: string, body: Buffer): Promise<Heard> {
  const response = await fetch(`http://${endpoint}/v1/logs`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: new Uint8Array(body)
  })
  await response.arrayBuffer()
  if (response.status === 200) return { outcome: 'accepted' }
  const after = response.headers.get('retry-after')
  const outcome = [429, 503].includes(response.status) ? 'again' : 'never'
  return after === null ? { outcome } : { outcome, retryAfter: Number(after) }
}

async function call(endpoint: string, body: Buffer): Promise<Heard> {
  const client = grpcClient(endpoint, { 'grpc.use_local_subchannel_pool': 1 })
  const { code, message, retryAfter } = await client.send(body)
  client.close()
  if (code === status.OK) return { outcome: 'accepted' }
  const passing = code === status.UNAVAILABLE || code === status.RESOURCE_EXHAUSTED
  // An UNAVAILABLE of the client's own: nobody answered.
  if (passing && retryAfter === undefined) throw new Error(message)
  return passing ? { outcome: 'again', retryAfter: retryAfter! } : { outcome: 'never' }
}
