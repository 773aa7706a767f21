/** The text is no OTTL that runs here: what is wrong, and where in the text. */
export class OttlError extends Error {
  override name = 'OttlError'
  /** Offset in the text, from 0. */
  readonly at: number
  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/**
 * A statement or condition that does not work on the record at hand; `error_mode` says what then. The
 * message has types and places and nothing of the record's values, for it goes into logs.
 */
export class Fault extends Error {
  override name = 'Fault'
}
