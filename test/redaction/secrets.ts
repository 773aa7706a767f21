import { type PatternName, patternNames } from '../../src/redaction/patterns.ts'

/** A secret of a kind, made up anew for each seed, and a text in which it is one. */
export interface Secret {
  readonly kind: PatternName
  /** What must not be seen. */
  readonly value: string
  readonly text: string
  /** The key that it is known by when it stands alone. */
  readonly key?: string
}

const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const digits = '0123456789'
const letters = upper + upper.toLowerCase()
const alphanumeric = letters + digits
const base64 = `${alphanumeric}+/`
const url64 = `${alphanumeric}-_`

type Chars = (alphabet: string, length: number) => string

/** Put together from parts, so that no scanner takes this file for a leak. */
const makers: Record<PatternName, (chars: Chars) => Omit<Secret, 'kind'>> = {
  private_key: (chars) => {
    const value = chars(base64, 64)
    const armour = (word: string) => `-----${word} RSA PRIVATE ${'KEY'}-----`
    return { value, text: `${armour('BEGIN')}\n${value}\n${chars(base64, 40)}==\n${armour('END')}` }
  },
  jwt: (chars) =>
    alone(`ey${'J'}${chars(url64, 20)}.ey${'J'}${chars(url64, 40)}.${chars(url64, 43)}`),
  aws_access_key: (chars) => alone(`AK${'IA'}${chars(upper + digits, 16)}`),
  aws_secret_key: (chars) => named('aws_secret_access_key', chars(base64, 40)),
  aws_session_token: (chars) => named('aws_session_token', chars(base64, 120)),
  gcp_api_key: (chars) => alone(`AI${'za'}${chars(url64, 35)}`),
  google_oauth: (chars) => alone(`ya${'29'}.${chars(url64, 60)}`),
  azure_client_secret: (chars) => alone(`${chars(alphanumeric, 3)}8${'Q~'}${chars(url64, 34)}`),
  azure_sas: (chars) => {
    const value = `${chars(alphanumeric, 43)}%3D`
    return {
      value,
      text: `https://a.blob.core.windows.net/c/b?sv=2024-11-04&si${'g'}=${value}&se=1`
    }
  },
  github_token: (chars) => alone(`gh${'p'}_${chars(alphanumeric, 36)}`),
  gitlab_token: (chars) => alone(`gl${'pat'}-${chars(url64, 20)}`),
  slack_token: (chars) => alone(`xo${'xb'}-${chars(digits, 12)}-${chars(alphanumeric, 24)}`),
  slack_webhook: (chars) => {
    const value = `T${chars(upper + digits, 8)}/B${chars(upper + digits, 8)}/${chars(alphanumeric, 24)}`
    return { value, text: `https://hooks.slack${'.com'}/services/${value}` }
  },
  stripe_key: (chars) => alone(`sk_${'live'}_${chars(alphanumeric, 24)}`),
  sendgrid_key: (chars) => alone(`S${'G'}.${chars(url64, 22)}.${chars(url64, 43)}`),
  npm_token: (chars) => alone(`np${'m'}_${chars(alphanumeric, 36)}`),
  pypi_token: (chars) => alone(`py${'pi'}-${chars(url64, 80)}`),
  huggingface_token: (chars) => alone(`h${'f'}_${chars(letters, 34)}`),
  databricks_token: (chars) => alone(`da${'pi'}${chars('0123456789abcdef', 32)}`),
  digitalocean_token: (chars) => alone(`do${'p'}_v1_${chars('0123456789abcdef', 64)}`),
  vault_token: (chars) => alone(`hv${'s'}.${chars(url64, 24)}`),
  anthropic_key: (chars) => alone(`sk-${'ant'}-api03-${chars(url64, 80)}`),
  openai_key: (chars) => alone(`sk-${'proj'}-${chars(url64, 48)}`),
  llm_key: (chars) => alone(`gs${'k'}_${chars(alphanumeric, 52)}`),
  litellm_key: (chars) => alone(`s${'k'}-${chars(url64, 22)}`),
  connection_string: (chars) => {
    const value = chars(`${alphanumeric}!#$/`, 14)
    return { value, text: `postgresql://app:${value}@db.internal:5432/prod?sslmode=require` }
  },
  basic_auth_url: (chars) => {
    const value = chars(`${alphanumeric}!$`, 14)
    return { value, text: `https://deploy:${value}@git.internal/repo.git` }
  },
  bearer: (chars) => {
    const value = chars(url64, 40)
    return { value, text: `Authorization: Bearer ${value}` }
  },
  basic_auth: (chars) => {
    const value = chars(base64, 28)
    return { value, text: `authorization: Basic ${value}` }
  },
  named_secret: (chars) => named('client_secret', chars(`${alphanumeric}.~!$`, 18))
}

function alone(value: string) {
  return { value, text: value }
}

function named(key: string, value: string) {
  return { value, text: `${key}=${value}`, key }
}

/** One secret of each kind. */
export function secretsOf(seed: number): Secret[] {
  const random = randomFrom(seed)
  const chars: Chars = (alphabet, length) =>
    Array.from({ length }, () => alphabet[random(alphabet.length)]).join('')
  return patternNames.map((kind) => ({ kind, ...makers[kind](chars) }))
}

function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
