/** A kind of secret that is known by its form. */
export interface Pattern {
  readonly finds: string
  /** RE2. Of a match only the first group that took part is masked; without groups all of it. */
  readonly expression: string
  /**
   * Texts of which one is in every match, in lower case: a text without any is not looked at further.
   * None has a quote or a backslash, which JSON would escape.
   */
  readonly anchors: readonly string[]
  /** What says nothing by itself is known by the key that it stands under. */
  readonly under?: { readonly key: string; readonly value: string }
}

const awsSecretKey = '(?:secret_?access_?key|aws_?secret(?:_?key)?)'
const awsSessionToken = 'aws_?(?:session|security)_?token'

/** Whole names, so that `max_tokens`, `changed_by_api_key` and `password_changed_at` are none. */
const secretName =
  '(?:aws_|db_|user_|x-)?(?:password|passwd|passphrase|client[_-]?secret|secret[_-]?key|secret|session[_-]?token|access[_-]?token|refresh[_-]?token|auth[_-]?token|api[_-]?key|private[_-]?key|master[_-]?key)'

/** As in the environment, behind any prefix: `OPENAI_API_KEY`. */
const variableName =
  '[A-Z0-9_]*(?:PASSWORD|PASSWD|SECRET|SECRET_KEY|_TOKEN|API_KEY|PRIVATE_KEY|ACCESS_KEY|MASTER_KEY)'

/** Not `****` and not a mask of ours. */
const bareValue = '([^\\s"\'<>&,;{}\\[\\]()*][^\\s"\'<>&,;{}\\[\\]()]{3,})'

const pemEnd = '-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----'

/** The shipped patterns, in the order in which they are tried: a value has the name of the first. */
export const patterns = {
  private_key: {
    finds: 'a private key in PEM or PGP armour, cut ones too',
    // A key ends at the next dashes: a search for its end through all the text, from each of many beginnings, would take for ever.
    expression: `-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----(?:(?:[^-]|-[A-Za-z0-9])*${pemEnd}|[A-Za-z0-9+/=\\s\\\\]*)`,
    anchors: ['private key']
  },
  jwt: {
    finds: 'a JSON Web Token, signed or encrypted',
    expression: 'eyJ[A-Za-z0-9_-]{8,}(?:\\.[A-Za-z0-9_-]*){2,4}',
    anchors: ['eyj']
  },
  aws_access_key: {
    finds: 'an AWS access key id',
    expression: '(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}',
    anchors: ['akia', 'asia', 'abia', 'acca']
  },
  aws_secret_key: {
    finds: 'an AWS secret access key behind its name; alone it looks like any base64',
    expression: `(?i)${awsSecretKey}["']*\\s*[:=]>?\\s*["']*([A-Za-z0-9/+]{40})`,
    anchors: ['secret_access', 'secretaccess', 'aws_secret', 'awssecret', 'secret_accesskey'],
    under: { key: `(?i)${awsSecretKey}$`, value: '^[A-Za-z0-9/+]{40}$' }
  },
  aws_session_token: {
    finds: 'an AWS session token, by its beginning or behind its name',
    expression: `(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=]{60,}|(?i:${awsSessionToken})["']*\\s*[:=]>?\\s*["']*([A-Za-z0-9/+=]{60,})`,
    anchors: [
      'fwogzxivyxdz',
      'iqojb3jpz2lu',
      'session_token',
      'sessiontoken',
      'security_token',
      'securitytoken'
    ],
    under: { key: `(?i)${awsSessionToken}$`, value: '^[A-Za-z0-9/+=]{60,}$' }
  },
  gcp_api_key: {
    finds: 'a Google API key',
    expression: 'AIza[A-Za-z0-9_-]{35}',
    anchors: ['aiza']
  },
  google_oauth: {
    finds: 'a Google OAuth access token or client secret',
    expression: 'ya29\\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}',
    anchors: ['ya29.', 'gocspx-']
  },
  azure_client_secret: {
    finds: 'the client secret of an Entra application',
    expression: '[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}',
    anchors: ['q~']
  },
  azure_sas: {
    finds: 'the signature in a URL with shared access',
    expression: '[?&]sig=([A-Za-z0-9%+/=]{40,})',
    anchors: ['sig=']
  },
  github_token: {
    finds: 'a GitHub token of any kind',
    expression: 'gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}',
    anchors: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_']
  },
  gitlab_token: {
    finds: 'a GitLab token of any kind',
    expression: 'gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat)-[A-Za-z0-9_-]{20,}',
    anchors: [
      'glpat-',
      'gldt-',
      'glrt-',
      'glcbt-',
      'glptt-',
      'glft-',
      'glimt-',
      'glagent-',
      'glsoat-'
    ]
  },
  slack_token: {
    finds: 'a Slack token of any kind',
    expression: 'xox[a-z]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}',
    anchors: ['xox', 'xapp-']
  },
  slack_webhook: {
    finds: 'the secret path of a Slack webhook',
    expression: 'hooks\\.slack\\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_-]{20,})',
    anchors: ['hooks.slack.com']
  },
  stripe_key: {
    finds: 'a Stripe secret or restricted key, or a webhook secret',
    expression: '[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/=]{20,}',
    anchors: ['k_live_', 'k_test_', 'whsec_']
  },
  sendgrid_key: {
    finds: 'a SendGrid API key',
    expression: 'SG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}',
    anchors: ['sg.']
  },
  npm_token: {
    finds: 'an npm access token',
    expression: 'npm_[A-Za-z0-9]{36}',
    anchors: ['npm_']
  },
  pypi_token: {
    finds: 'a PyPI upload token',
    expression: 'pypi-[A-Za-z0-9_-]{50,}',
    anchors: ['pypi-']
  },
  huggingface_token: {
    finds: 'a Hugging Face token',
    expression: 'hf_[A-Za-z0-9]{30,}',
    anchors: ['hf_']
  },
  databricks_token: {
    finds: 'a Databricks personal access token',
    expression: 'dapi[0-9a-f]{32}',
    anchors: ['dapi']
  },
  digitalocean_token: {
    finds: 'a DigitalOcean token',
    expression: 'do[oprt]_v1_[0-9a-f]{64}',
    anchors: ['_v1_']
  },
  vault_token: {
    finds: 'a HashiCorp Vault token',
    expression: 'hv[sbr]\\.[A-Za-z0-9_-]{20,}',
    anchors: ['hvs.', 'hvb.', 'hvr.']
  },
  anthropic_key: {
    finds: 'an Anthropic key',
    expression: 'sk-ant-[A-Za-z0-9_-]{20,}',
    anchors: ['sk-ant-']
  },
  openai_key: {
    finds: 'an OpenAI key: of a project, a service account, an administrator, or of the older form',
    expression:
      'sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}|sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}',
    anchors: ['sk-proj-', 'sk-svcacct-', 'sk-admin-', 'sk-none-', 't3blbkfj']
  },
  llm_key: {
    finds: 'a key of Groq, xAI, Perplexity, Replicate or Fireworks',
    expression: '(?:gsk_|xai-|pplx-|r8_|fw_)[A-Za-z0-9]{24,}',
    anchors: ['gsk_', 'xai-', 'pplx-', 'r8_', 'fw_']
  },
  litellm_key: {
    finds: 'a LiteLLM virtual key, and any other key that begins with sk-',
    expression: '(?:^|[^A-Za-z0-9])(sk-[A-Za-z0-9_-]{16,})',
    anchors: ['sk-']
  },
  connection_string: {
    finds:
      'the password in the URL of a database or broker, or in a connection string of ADO or Azure',
    expression:
      '(?i)(?:postgres(?:ql)?|mysql|mariadb|mongodb|rediss?|amqps?|mssql|sqlserver|oracle|cockroachdb|clickhouse|nats|kafka|ldaps?|smtps?|ftps?|sftp)(?:\\+[a-z0-9]+)*://[^\\s:/@]*:([^\\s"\'<>]+)@|(?:^|;)\\s*(?:accountkey|sharedaccesskey|password|pwd)\\s*=\\s*([^;\\s"\'<>]+)',
    anchors: ['://', 'accountkey', 'sharedaccesskey', 'password', 'pwd']
  },
  basic_auth_url: {
    finds: 'the password in any other URL',
    expression: '://[^\\s:/@]*:([^\\s/"\'<>]+)@',
    anchors: ['://']
  },
  bearer: {
    finds: 'the token behind Bearer',
    expression: '(?i)\\bbearer\\s+([A-Za-z0-9._~+/=-]{16,})',
    anchors: ['bearer']
  },
  basic_auth: {
    finds: 'the credentials of an Authorization header of kind Basic',
    expression: '(?i)authorization["\']*\\s*[:=]\\s*["\']*basic\\s+([A-Za-z0-9+/=]{4,})',
    anchors: ['basic'],
    under: {
      key: '(?i)(?:^|[^a-z])authorization$',
      value: '(?i)^\\s*basic\\s+([A-Za-z0-9+/=]{4,})'
    }
  },
  named_secret: {
    finds:
      'any text under a name such as password, client_secret, api_key, access_token or OPENAI_API_KEY',
    // Behind a quoted name the value must have a quote too: a null of JSON is no password.
    expression: `(?i:(?:^|[^a-z0-9_-])${secretName})(?:\\s*[:=]\\s*|["']\\s*[:=]\\s*["'])${bareValue}|(?:^|[^A-Za-z0-9_])${variableName}=["']?${bareValue}`,
    anchors: [
      ...['passw', 'passphrase', 'secret', '_token', '-token', 'sessiontoken', 'accesstoken'],
      ...[
        'refreshtoken',
        'authtoken',
        'api_key',
        'api-key',
        'apikey',
        'private_key',
        'private-key'
      ],
      ...['privatekey', 'access_key', 'master_key', 'master-key', 'masterkey']
    ],
    under: { key: `(?i:(?:^|[./])${secretName})$|^${variableName}$`, value: '[\\s\\S]+' }
  }
} as const satisfies Record<string, Pattern>

export type PatternName = keyof typeof patterns

export const patternNames = Object.keys(patterns) as PatternName[]
