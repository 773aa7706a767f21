import { expect, test } from 'vitest'
import { z } from 'zod'
import { byteSize, duration } from '../../src/config/fields.ts'
import { keyTable } from '../../src/config/key_table.ts'
import { componentsReference } from '../../src/config/reference.ts'

test('docs/components.md has every key as the schemas have it: npm run docs writes it', async () => {
  await expect(await componentsReference()).toMatchFileSnapshot('../../docs/components.md')
})

test('a row says key, type, default and what it is for', () => {
  const schema = z.strictObject({
    wait: duration().prefault('5s').describe('How long.'),
    idle: duration().default(1500),
    limit: byteSize().optional().describe('How much.'),
    mode: z.enum(['', 'a|b']).default('').describe('Which way.'),
    name: z.string().describe('What.'),
    old: z.never().optional().describe('Refused: gone.'),
    orEmpty: z.preprocess((value) => value ?? {}, z.strictObject({})),
    inner: z.strictObject({ deep: z.boolean().default(false).describe('Here.') }).prefault({}),
    tags: z.record(z.string(), z.string()).default({}),
    list: z.array(z.strictObject({ id: z.int() })).default([]),
    kind: z.discriminatedUnion('type', [
      z.strictObject({ type: z.literal('x') }),
      z.strictObject({ type: z.literal('y'), more: z.string().optional() })
    ])
  })
  expect(keyTable(schema).split('\n').slice(2)).toEqual([
    '| `wait` | duration | `5s` | How long. |',
    '| `idle` | duration | `1500ms` |  |',
    '| `limit` | size |  | How much. |',
    '| `mode` | `""`, `a\\|b` | `""` | Which way. |',
    '| `name` | string | required | What. |',
    '| `old` | refused |  | Refused: gone. |',
    '| `orEmpty` | map |  |  |',
    '| `inner` | map |  |  |',
    '| `inner.deep` | boolean | `false` | Here. |',
    '| `tags` | map of string |  |  |',
    '| `list` | list of map | `[]` |  |',
    '| `list[].id` | integer | required |  |',
    '| `kind` | map | required |  |',
    '| `kind.type` | `x` | required |  |',
    '| `kind.type` | `y` | required |  |',
    '| `kind.more` | string |  |  |'
  ])
})
