import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root, runToEnd } from './auditcol.ts'
import { blocksOf } from './recipe.ts'

const { sh, yaml, json, sql } = blocksOf('docs/litellm.md')
const example = ['--config', join(root, 'examples/litellm.yaml')]
const withTable = [...example, '--config', join(root, 'examples/litellm_table.yaml')]
const env = {
  AUDITCOL_KEY_ID: 'litellm',
  AUDITCOL_KEY: 'not-a-real-secret',
  AUDITCOL_DATABASE: 'postgresql://auditcol:not-a-real-secret@db.example:5432/litellm'
}

async function validated(args: string[]) {
  const { code, output } = await runToEnd({ args: ['validate', ...args], env })
  expect(output).toBe('')
  expect(code).toBe(0)
}

test.each([
  ['examples/litellm.yaml', example],
  ['examples/litellm_table.yaml beside it', withTable]
])('%s loads as it is', (_, args) => validated(args))

test('an example without its variables names each of them', async () => {
  const { code, output } = await runToEnd({
    args: ['validate', ...withTable],
    env: { AUDITCOL_KEY_ID: '', AUDITCOL_KEY: '', AUDITCOL_DATABASE: '' }
  })
  expect(code).toBe(2)
  expect(output).toMatch(/access_keys\[0\]\.access_key_id' must not be empty/)
  expect(output).toMatch(/litellm_table: 'host' must be given, or dsn/)
})

const ours = yaml.filter((text) => !text.startsWith('litellm_settings:'))

test.each(ours)('a block of docs/litellm.md loads over the example: %s', (block) =>
  validated([...withTable, '--config', `yaml:${block}`])
)

test("docs/litellm.md has no block that a test does not run: LiteLLM's and those of the shell and of SQL are in test/foreign", () => {
  expect([sh.length, yaml.length - ours.length, json.length, sql.length]).toEqual([5, 1, 1, 1])
})

test('the policy in docs/litellm.md is what doctor prints for its bucket', async () => {
  const bucket = { S3_BUCKET: 'my-bucket', AWS_REGION: 'eu-central-1', LITELLM_S3_PATH: 'proxy' }
  const nobody = {
    ...{ AWS_EC2_METADATA_DISABLED: 'true', AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
    ...{ AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }
  }
  const { code, output } = await runToEnd({
    args: ['doctor', '--json', ...example],
    env: { ...env, ...bucket, ...nobody }
  })
  expect(code).toBe(1)
  const [{ policy, problems }] = JSON.parse(output).stores
  expect(problems).toEqual([expect.stringContaining('no usable AWS credentials')])
  expect(JSON.parse(json[0]!)).toEqual(policy)
})

test('each setting that the example has of the machine is said in its head', () => {
  for (const name of ['litellm.yaml', 'litellm_table.yaml']) {
    const text = readFileSync(join(root, 'examples', name), 'utf8')
    const [head = ''] = text.split('\n\n')
    for (const [, variable] of text.matchAll(/\$\{env:(\w+)/g)) expect(head).toContain(variable)
  }
})
