import s3Put, { config } from '../../receivers/s3_put.ts'
import { type Heard, testReceiver } from '../contract/receiver.ts'

let puts = 0

testReceiver('s3_put', {
  receiver: (endpoint, context) => s3Put(config.parse({ endpoint, auth: 'none' }), context),
  send: (endpoint, records) => {
    const lines = Array.from({ length: records }, (_, n) => JSON.stringify({ n }))
    return put(endpoint, `${puts++}`, lines.join('\n'))
  },
  id: 's3.metadata.id',
  sendEvent: (endpoint, id, text) => put(endpoint, id, text, { 'x-amz-meta-id': id })
})

async function put(endpoint: string, key: string, body: string, headers = {}): Promise<Heard> {
  const response = await fetch(`http://${endpoint}/logs/${key}`, { method: 'PUT', body, headers })
  await response.arrayBuffer()
  if (response.status === 200) return { outcome: 'accepted' }
  const after = response.headers.get('retry-after')
  const outcome = response.status === 503 ? 'again' : 'never'
  return after === null ? { outcome } : { outcome, retryAfter: Number(after) }
}
