import { expect } from 'vitest'
import { accessKey, credentials, type Request, send, startS3Put } from './start.ts'

/** What somebody on the way does to a request. */
export type Tamper = (request: Request) => Request
export type Row = readonly [what: string, tamper: Tamper, status: number, code: string]

export function change(
  request: Request,
  headers: Record<string, string>,
  body = request.body
): Request {
  return { ...request, headers: { ...request.headers, ...headers }, body }
}

export function omit(from: Record<string, string>, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(from).filter(([key]) => key !== name))
}

export function without(name: string): Tamper {
  return (request) => ({ ...request, headers: omit(request.headers, name) })
}

export function path(from: string | RegExp, to: string): Tamper {
  return (request) => ({ ...request, path: request.path.replace(from, to) })
}

export function query(more: Record<string, string>): Tamper {
  return (request) => ({ ...request, query: { ...request.query, ...more } })
}

export function body(from: string | RegExp, to: string | ((found: string) => string)): Tamper {
  return (request) => ({ ...request, body: String(request.body).replace(from, to as string) })
}

export function rewrite(from: string | RegExp, to: string | ((found: string) => string)): Tamper {
  return (request) => {
    const authorization = request.headers.authorization!.replace(from, to as string)
    return change(request, { authorization })
  }
}

export function otherDigit(digit: string): string {
  return digit === '0' ? '1' : '0'
}

export function later({ query }: Request): string {
  return aSecondLater(query!['X-Amz-Date']!)
}

export function aSecondLater(date: string): string {
  const second = (Number(date.slice(13, 15)) + 1) % 60
  return `${date.slice(0, 13)}${String(second).padStart(2, '0')}Z`
}

export const second = { access_key_id: 'AKIDSECOND', secret_access_key: 'another' }

/** Upon these, with 400 or 403, LiteLLM drops what it has. */
export const terminal =
  /EntityTooLarge|InvalidArgument|MalformedXML|InvalidDigest|KeyTooLongError|BadDigest|InvalidRequest/

/** Sends it tampered with, then as it was: what refuses the one must not be what refuses everything. */
export async function refused(make: (address: string) => Promise<Request>, tamper: Tamper) {
  const run = await startS3Put({ access_keys: [accessKey, second] })
  const request = await make(run.address)
  const answer = await send(run.address, tamper(request))
  expect(run.batches).toHaveLength(0)
  expect(answer.body).not.toContain(credentials.secretAccessKey)
  const untouched = await send(run.address, request)
  expect(untouched, untouched.body).toMatchObject({ status: 200 })
  return answer
}
