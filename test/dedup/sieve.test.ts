import { expect, test } from 'vitest'
import { joinLogs } from '../../src/logs/logs.ts'
import { newDirectory, until } from '../journal/harness.ts'
import { logsOf } from './records.ts'
import { openScope, type ScopeOptions } from './scope.ts'

async function scope(options: ScopeOptions = {}) {
  return openScope(await newDirectory(), options)
}

test('a repeat is success without a second copy, whatever receiver of the scope it comes by', async () => {
  const { send, events, counts, journal } = await scope({ receivers: ['otlp', 'webhook'] })
  expect(await send(logsOf({ id: 'a' }, { id: 'b' }))).toBe('stored')
  expect(await send(logsOf({ id: 'a' }, { id: 'b' }))).toBe('stored')
  expect(await send(logsOf({ id: 'a' }), { receiver: 'webhook' })).toBe('stored')
  await journal.close()
  expect(events()).toEqual(['a created', 'b created'])
  expect(counts()).toEqual({ repeats: 2, differing: 0, conflicts: 0, withoutId: 0 })
})

test('of a request only what is new goes on, also from several chunks', async () => {
  const { send, events, journal } = await scope()
  await send(logsOf({ id: 'b' }))
  const logs = joinLogs([
    logsOf({ id: 'a' }, { id: 'b' }),
    logsOf({ id: 'b' }),
    logsOf({ id: 'c' })
  ])
  expect(await send(logs)).toBe('stored')
  await journal.close()
  expect(events()).toEqual(['b created', 'a created', 'c created'])
})

test('a request of which nothing is known goes on as the same bytes', async () => {
  const { send, batches, journal } = await scope()
  const logs = logsOf({ id: 'a' }, { id: 'b' })
  await send(logs)
  await journal.close()
  expect(batches[0]!.logs.chunks[0]).toBe(logs.chunks[0])
})

test('an id twice in one request is one record', async () => {
  const { send, events, counts, journal } = await scope()
  expect(await send(logsOf({ id: 'a' }, { id: 'a' }, { id: 'a', text: 'other' }))).toBe('stored')
  await journal.close()
  expect(events()).toEqual(['a created', 'a other!'])
  expect(counts()).toEqual({ repeats: 1, differing: 0, conflicts: 1, withoutId: 0 })
})

test('other content under a known id is stored, marked and counted, and its own repeat is left out', async () => {
  const { send, events, counts, said, journal } = await scope()
  await send(logsOf({ id: 'a' }))
  for (let time = 0; time < 2; time++)
    expect(await send(logsOf({ id: 'b' }, { id: 'a', text: 'deleted' }))).toBe('stored')
  await send(logsOf({ id: 'a' }))
  await journal.close()
  expect(events()).toEqual(['a created', 'b created', 'a deleted!'])
  expect(counts()).toEqual({ repeats: 3, differing: 0, conflicts: 1, withoutId: 0 })
  expect(said).toEqual([expect.stringMatching(/known id and other content.*records=1/)])
})

test('where a known id is enough, other content is left out and counted; of others it is still a conflict', async () => {
  const { sendAndHear, events, counts, journal } = await scope({
    receivers: ['otlp', 'table'],
    byId: ['table']
  })
  const table = { receiver: 'table' }
  await sendAndHear(logsOf({ id: 'a' }))
  const other = logsOf({ id: 'a', text: 'rebuilt' }, { id: 'b', text: 'rebuilt' }, { id: 'b' })
  expect(await sendAndHear(other, table)).toEqual({ outcome: 'stored', known: 2 })
  expect(await sendAndHear(other, table)).toEqual({ outcome: 'stored', known: 3 })
  expect(await sendAndHear(logsOf({ id: 'b' }))).toEqual({ outcome: 'stored', known: 0 })
  await journal.close()
  expect(events()).toEqual(['a created', 'b rebuilt', 'b created!'])
  expect(counts('table')).toEqual({ repeats: 1, differing: 4, conflicts: 0, withoutId: 0 })
  expect(counts()).toEqual({ repeats: 0, differing: 0, conflicts: 1, withoutId: 0 })
})

test('a record without an id is stored every time, and counted', async () => {
  const { send, events, counts, journal } = await scope()
  for (let time = 0; time < 2; time++) await send(logsOf({ text: 'nameless' }, { id: 'a' }))
  await journal.close()
  expect(events()).toEqual(['- nameless', 'a created', '- nameless'])
  expect(counts()).toEqual({ repeats: 1, differing: 0, conflicts: 0, withoutId: 2 })
})

test('of two at once the second is answered after the fsync of the first', async () => {
  const { send, events, hold, release, journal } = await scope()
  hold()
  const heard: string[] = []
  const first = send(logsOf({ id: 'a' })).then(() => heard.push('first'))
  const second = send(logsOf({ id: 'a' }, { id: 'b' })).then(() => heard.push('second'))
  const third = send(logsOf({ id: 'a' })).then(() => heard.push('third'))
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(heard).toEqual([])
  release()
  await Promise.all([first, second, third])
  expect(heard.sort()).toEqual(['first', 'second', 'third'])
  await journal.close()
  expect(events()).toEqual(['a created', 'b created'])
})

test('when the first one fails the others go themselves, and only once', async () => {
  const { send, events, counts, hold, release, journal } = await scope()
  hold()
  const first = send(logsOf({ id: 'a' }, { id: 'b' }))
  const others = [
    send(logsOf({ id: 'b' }, { text: 'nameless' })),
    send(logsOf({ id: 'b' })),
    send(logsOf({ id: 'b', text: 'deleted' }))
  ]
  release(new Error('disk gone'))
  expect(await first).toBe('disk gone')
  expect(await Promise.all(others)).toEqual(['stored', 'stored', 'stored'])
  expect(await send(logsOf({ id: 'a' }))).toBe('stored')
  await journal.close()
  expect(events().sort()).toEqual(['- nameless', 'a created', 'b created', 'b deleted!'])
  expect(counts()).toEqual({ repeats: 1, differing: 0, conflicts: 1, withoutId: 1 })
})

test('who waits hears of his own failure too', async () => {
  const { send, hold, release, journal } = await scope()
  hold()
  const waiting = send(logsOf({ id: 'a' }, { id: 'a' }))
  release(new Error('disk gone'))
  expect(await waiting).toBe('disk gone')
  expect(await send(logsOf({ id: 'a' }))).toBe('stored')
  await journal.close()
})

test('past the window a record is stored again', async () => {
  const { send, events, journal } = await scope({ window: 1000 })
  const now = Date.now()
  await send(logsOf({ id: 'old' }), { arrived: now - 1001 })
  await send(logsOf({ id: 'young' }), { arrived: now })
  await send(logsOf({ id: 'old' }, { id: 'young' }))
  await journal.close()
  expect(events()).toEqual(['old created', 'young created', 'old created'])
})

test('past max_entries the oldest are forgotten, which is said and counted, and nothing is refused', async () => {
  const { send, events, said, dedup, journal } = await scope({ max_entries: 2 })
  for (const id of ['a', 'b', 'c', 'd', 'a', 'd']) expect(await send(logsOf({ id }))).toBe('stored')
  await journal.close()
  expect(events()).toEqual(['a', 'b', 'c', 'd', 'a'].map((id) => `${id} created`))
  expect(said).toEqual([expect.stringMatching(/forgotten within their window.*max_entries/)])
  expect(dedup.scopes).toEqual([{ scope: 'shared', crowded: 3 }])
})

test("a batch's resume mark is durable, but never before all of its records are", async () => {
  const directory = await newDirectory()
  const { send, events, hold, release, journal } = await openScope(directory)
  await send(logsOf({ id: 'a' }), { resume: '1' })
  expect(journal.resume('otlp')).toBe('1')
  // Nothing of it is new: the mark moves all the same.
  await send(logsOf({ id: 'a' }), { resume: '2' })
  expect(journal.resume('otlp')).toBe('2')
  hold(1)
  const pending = send(logsOf({ id: 'b' }))
  const partly = send(logsOf({ id: 'b' }, { id: 'c' }), { resume: '3' })
  await until(() => events().includes('c created'))
  expect(journal.resume('otlp')).toBe('2')
  release(new Error('disk gone'))
  expect(await pending).toBe('disk gone')
  expect(await partly).toBe('stored')
  expect(journal.resume('otlp')).toBe('3')
  await journal.close()
  const again = await openScope(directory)
  expect(again.journal.resume('otlp')).toBe('3')
  await again.journal.close()
})
