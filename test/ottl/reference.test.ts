import { expect, test } from 'vitest'
import { functions } from '../../src/ottl/functions/registry.ts'
import { ottlReference } from '../../src/ottl/reference.ts'

test('docs/ottl.md has every path, name and function as the code has them: npm run docs writes it', async () => {
  await expect(ottlReference()).toMatchFileSnapshot('../../docs/ottl.md')
})

test('the functions that real configurations use are there', () => {
  const counted = [
    ...['set', 'delete_key', 'replace_pattern', 'merge_maps', 'replace_all_patterns'],
    ...[
      'ParseJSON',
      'IsMatch',
      'IsString',
      'Concat',
      'Split',
      'Len',
      'Trim',
      'Int',
      'Time',
      'Now',
      'UnixNano'
    ]
  ]
  const names = functions.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(counted))
  expect(new Set(names).size).toBe(names.length)
})
