import { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { createHeldBytes } from '../../src/otlp/held_bytes.ts'
import { readBody } from '../../src/otlp/http_body.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

test.each([
  ['chunked', {}],
  ['announced', { 'content-length': '300000' }]
])('a body that comes byte by byte (%s) costs its bytes, not an object for each', (_, headers) => {
  const request = Object.assign(new EventEmitter(), { headers }) as unknown as IncomingMessage
  const held = createHeldBytes(1e6)
  let read: unknown
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  readBody(request, undefined, { limit: 1e6, held, share: held.share() }, (body) => {
    read = body
  })
  for (let i = 0; i < 300_000; i++) request.emit('data', Buffer.of(i))
  collectGarbage()
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5e6)
  request.emit('end')
  expect(read).toEqual(Buffer.alloc(300_000).map((_, i) => i))
})
