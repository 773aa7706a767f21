import s3Put, { config } from '../../receivers/s3_put.ts'
import { testReceiver } from '../contract/receiver.ts'

let puts = 0

testReceiver('s3_put', {
  receiver: (endpoint, context) => s3Put(config.parse({ endpoint, auth: 'none' }), context),
  async send(endpoint, records) {
    const lines = Array.from({ length: records }, (_, n) => JSON.stringify({ n }))
    const response = await fetch(`http://${endpoint}/logs/${puts++}`, {
      method: 'PUT',
      body: lines.join('\n')
    })
    await response.arrayBuffer()
    if (response.status === 200) return { outcome: 'accepted' }
    const after = response.headers.get('retry-after')
    const outcome = response.status === 503 ? 'again' : 'never'
    return after === null ? { outcome } : { outcome, retryAfter: Number(after) }
  }
})
