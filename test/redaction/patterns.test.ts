import { RE2JS } from 're2js'
import { describe, expect, test } from 'vitest'
import { type PatternName, patternNames, patterns } from '../../src/redaction/patterns.ts'
import { patternsReference } from '../../src/redaction/reference.ts'
import { shippedRules } from '../../src/redaction/rules.ts'
import { secretsOf } from './secrets.ts'

/** What looks like a secret of the kind, and is none. */
const others: Record<PatternName, string[]> = {
  private_key: [`-----BEGIN ${'PUBLIC'} KEY-----\nMFkw\n-----END PUBLIC KEY-----`, 'PRIVATE KEY'],
  jwt: ['eyJhbGciOiJIUzI1NiJ9', 'eyJ.eyJ.x', 'heyJude.wav.zip.bak'],
  aws_access_key: [`AK${'IA'}TOO5HORT`, 'ASIA PACIFIC REGION 1234', 'akiaiosfodnn7example'],
  aws_secret_key: ['a'.repeat(40), 'aws_secret_access_key=short', 'secret_access_key_id: 4'],
  aws_session_token: ['aws_session_token=short', 'session token'],
  gcp_api_key: ['AIzaShort', 'aizawl'],
  google_oauth: ['ya29.short', 'ya29'],
  azure_client_secret: ['FAQ~1', 'abc8Q~short'],
  azure_sas: ['?sig=short', 'config=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
  github_token: ['ghp_short', 'high_availability_of_the_service'],
  gitlab_token: ['glpat-short', 'gl-pat'],
  slack_token: ['xoxo', 'xoxo-kisses', 'xapp-1'],
  slack_webhook: ['https://hooks.slack.com/services/', 'hooks.slack.com'],
  stripe_key: ['sk_live_short', 'pk_live_4eC39HqLyjWDarjtT1zdp7dc'],
  sendgrid_key: ['SG.short.short', 'msg.message_identifier_12345.message_identifier_12345'],
  npm_token: ['npm_config_registry', 'npm_token'],
  pypi_token: ['pypi-mirror', 'pypi'],
  huggingface_token: ['hf_hub_download', 'half_life'],
  databricks_token: ['dapi', 'dapi0123'],
  digitalocean_token: ['dop_v1_short', 'api_v1_users'],
  vault_token: ['hvs.short', 'hvs'],
  anthropic_key: ['sk-ant-short', 'want-a-long-list-of-many-words'],
  openai_key: ['sk-proj-short', 'task-project-management-and-planning'],
  llm_key: ['gsk_short', 'xai-team'],
  litellm_key: [
    'sk-1234',
    'task-management-and-planning-board',
    'risk-assessment-of-the-new-model'
  ],
  connection_string: ['postgres://db:5432/prod', 'mysql://root@db/prod', 'password policy; none'],
  basic_auth_url: ['http://host:8080/a@b', 'https://user@host/', 'a://b'],
  bearer: ['bearer of bad news', 'Bearer authentication', 'forbearer aaaaaaaaaaaaaaaaaaaaaa'],
  basic_auth: ['basic authentication', 'Authorization: Bearer x'],
  named_secret: [
    ...['max_tokens: 4096', 'changed_by_api_key=0123456789', 'password_changed_at=2027-01-15'],
    ...['{"password": null}', '{"api_key":false}', 'password=****', 'the secret of success']
  ]
}

const secrets = [1, 2, 3, 4, 5].flatMap(secretsOf)

describe.each(patternNames)('%s', (name) => {
  const [rule] = shippedRules([name], { hmac_key: '' })

  test.each(secrets.filter(({ kind }) => kind === name))(
    'finds $text, and masks no more than what is secret',
    ({ text, value }) => {
      const changes = rule!.find(`before ${text} after`)
      expect(changes).toHaveLength(1)
      const [{ start, end, by }] = changes as [(typeof changes)[number]]
      const taken = `before ${text} after`.slice(start, end)
      expect(taken).toContain(value)
      expect(text).toContain(taken)
      expect(by).toBe(`<masked:${name}>`)
    }
  )

  test.each(others[name])('leaves %s alone', (text) => {
    expect(rule!.find(text)).toEqual([])
  })

  test('is RE2, and has anchors that no escape of JSON changes', () => {
    const { expression, anchors } = patterns[name]
    expect(() => RE2JS.compile(expression)).not.toThrow()
    for (const anchor of anchors) {
      expect(anchor).toBe(anchor.toLowerCase())
      expect(anchor).not.toMatch(/["\\]/)
    }
  })
})

describe('what is known by its key alone', () => {
  const under = (name: PatternName, key: string, value: string) =>
    shippedRules([name], { hmac_key: '' })[0]!.findUnder!(key, value).length > 0

  test.each([
    ['aws_secret_key', 'SecretAccessKey', 'a'.repeat(40)],
    ['aws_session_token', 'aws_session_token', 'a'.repeat(80)],
    ['basic_auth', 'http.request.header.authorization', 'Basic dXNlcjpwYXNz'],
    ['named_secret', 'client_secret', 'x'],
    ['named_secret', 'litellm.api-key', 'hunter2'],
    ['named_secret', 'OPENAI_API_KEY', 'hunter2']
  ] as const)('%s under %s', (name, key, value) => {
    expect(under(name, key, value)).toBe(true)
  })

  test.each([
    ['aws_secret_key', 'SecretAccessKey', 'a'.repeat(41)],
    ['named_secret', 'changed_by_api_key', 'hunter2'],
    ['named_secret', 'max_tokens', '4096'],
    ['named_secret', 'secretary', 'Alice'],
    ['named_secret', 'password', ''],
    ['named_secret', 'password', '<masked:named_secret>'],
    ['named_secret', 'password', '****']
  ] as const)('not %s under %s: %s', (name, key, value) => {
    expect(under(name, key, value)).toBe(false)
  })
})

test('docs/redaction_patterns.md has every pattern as the code has it: npm run docs writes it', async () => {
  await expect(patternsReference()).toMatchFileSnapshot('../../docs/redaction_patterns.md')
})
