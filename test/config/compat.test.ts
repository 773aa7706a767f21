import { expect, test } from 'vitest'
import { compatReference, compatSections } from '../../src/config/compat.ts'

const sections = await compatSections()

test('docs/compat.md has every key as the schemas and docs/compat/ have it: npm run docs writes it', async () => {
  await expect(compatReference(sections)).toMatchFileSnapshot('../../docs/compat.md')
})

test.each(sections)(
  'of every key of $folder $name something is said, and of no other',
  ({ problems }) => {
    expect(problems).toEqual([])
  }
)

test('what is refused says why', () => {
  for (const { name, keys } of sections) {
    for (const { key, is, note } of keys) {
      if (is !== 'same') expect(note, `${name} ${key}`).toMatch(/\w{3}/)
    }
  }
})
