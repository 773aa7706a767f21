/** What a person has to change: waiting does not help. */
export class Mistake extends Error {
  override name = 'Mistake'
}

/**
 * SQLSTATE of the same in the server's words: the role or its password (28), the database (3D000), rights
 * (42501). A server that is away, starting up or full is none of these.
 */
const states = /^(28...|3D000|42501)$/

export function isMistake(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause as Error) {
    if (one instanceof Mistake || states.test(String((one as { code?: unknown }).code))) return true
  }
  return false
}
