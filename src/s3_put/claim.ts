import type { IncomingHttpHeaders } from 'node:http'
import { Refusal } from './refusal.ts'
import type { Query } from './target.ts'

/** Who a request says it comes from, and what it says its signature covers. */
export interface Claim {
  readonly accessKeyId: string
  readonly region: string
  /** `20261123T081500Z`. */
  readonly date: string
  /** Lower case, each a header's name. */
  readonly signedHeaders: readonly string[]
  /** Hex. */
  readonly signature: string
  readonly token: string | undefined
  /** Of a presigned request: seconds from `date` on. */
  readonly expires?: string
}

export const algorithm = 'AWS4-HMAC-SHA256'

/** The claim in the Authorization header or in the query. Throws a Refusal when there is none, or no whole one. */
export function claimOf(headers: IncomingHttpHeaders, query: Query): Claim {
  if (headers.authorization !== undefined) return headerClaim(headers, headers.authorization)
  if (query['X-Amz-Signature'] !== undefined) return queryClaim(query)
  throw new Refusal('AccessDenied', 'the request is not signed')
}

function headerClaim(headers: IncomingHttpHeaders, authorization: string): Claim {
  const [scheme, ...rest] = authorization.split(' ')
  if (scheme !== algorithm) {
    throw new Refusal('AccessDenied', `the signature is not ${algorithm}`)
  }
  const fields = new Map<string, string>()
  for (const field of rest.join(' ').split(',')) {
    const equals = field.indexOf('=')
    fields.set(field.slice(0, Math.max(0, equals)).trim(), field.slice(equals + 1).trim())
  }
  return checked('AuthorizationHeaderMalformed', {
    credential: fields.get('Credential'),
    signedHeaders: fields.get('SignedHeaders'),
    signature: fields.get('Signature'),
    date: one(headers['x-amz-date']),
    token: one(headers['x-amz-security-token'])
  })
}

function queryClaim(query: Query): Claim {
  if (query['X-Amz-Algorithm'] !== algorithm) {
    throw new Refusal('AuthorizationQueryParametersError', `X-Amz-Algorithm is not ${algorithm}`)
  }
  const expires = one(query['X-Amz-Expires']) ?? ''
  if (!/^[1-9]\d{0,5}$/.test(expires) || Number(expires) > longestPresigned) {
    const message = `X-Amz-Expires must be 1 to ${longestPresigned} seconds`
    throw new Refusal('AuthorizationQueryParametersError', message)
  }
  const claim = checked('AuthorizationQueryParametersError', {
    credential: one(query['X-Amz-Credential']),
    signedHeaders: one(query['X-Amz-SignedHeaders']),
    signature: one(query['X-Amz-Signature']),
    date: one(query['X-Amz-Date']),
    token: one(query['X-Amz-Security-Token'])
  })
  return { ...claim, expires }
}

/** A week, as AWS has it. */
const longestPresigned = 604_800

interface Parts {
  readonly credential: string | undefined
  readonly signedHeaders: string | undefined
  readonly signature: string | undefined
  readonly date: string | undefined
  readonly token: string | undefined
}

function checked(
  code: 'AuthorizationHeaderMalformed' | 'AuthorizationQueryParametersError',
  { credential = '', signedHeaders = '', signature = '', date = '', token }: Parts
): Claim {
  // The access key id may itself contain slashes: the scope is the last four parts.
  const parts = credential.split('/')
  const [day, region, service, end] = parts.splice(-4)
  const problem =
    end !== 'aws4_request' || service !== 's3' || parts.length === 0
      ? 'the credential is not <access key id>/<day>/<region>/s3/aws4_request'
      : !/^\d{8}T\d{6}Z$/.test(date)
        ? 'there is no X-Amz-Date such as 20261123T081500Z'
        : day !== date.slice(0, 8)
          ? 'the day of the credential is not that of X-Amz-Date'
          : !/^[0-9a-f]{64}$/.test(signature)
            ? 'the signature is not 64 hex digits'
            : !/^[a-z0-9!#$%&'*+.^_`|~-]+(;[a-z0-9!#$%&'*+.^_`|~-]+)*$/.test(signedHeaders)
              ? 'SignedHeaders is no list of header names in lower case'
              : undefined
  if (problem !== undefined) throw new Refusal(code, problem)
  return {
    accessKeyId: parts.join('/'),
    region: region!,
    date,
    signedHeaders: signedHeaders.split(';'),
    signature,
    token
  }
}

/** A value that is there more than once is no claim. */
function one(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
