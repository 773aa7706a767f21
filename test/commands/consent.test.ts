import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { consent } from '../../src/commands/consent.ts'

function terminal(isTTY: boolean) {
  const input = Object.assign(new PassThrough(), { isTTY })
  const output = Object.assign(new PassThrough(), { isTTY })
  const shown: string[] = []
  output.on('data', (part) => shown.push(String(part)))
  return { input, output, shown }
}

test.each([
  ['y', true],
  ['Yes', true],
  [' y ', true],
  ['n', false],
  ['', false],
  ['yet', false]
])('a person who answers %j', async (typed, expected) => {
  const { input, output, shown } = terminal(true)
  const answer = consent('repair it?', { input, output })
  input.write(`${typed}\n`)
  expect(await answer).toBe(expected)
  expect(shown.join('')).toContain('repair it? [y/N] ')
})

test('an input that ends before an answer is a no', async () => {
  const { input, output } = terminal(true)
  const answer = consent('repair it?', { input, output })
  input.end()
  expect(await answer).toBe(false)
})

test('without a terminal nobody is asked, whatever stands in the input', async () => {
  const { input, output, shown } = terminal(false)
  input.write('y\n')
  expect(await consent('repair it?', { input, output })).toBe(false)
  expect(shown).toEqual([])
})
