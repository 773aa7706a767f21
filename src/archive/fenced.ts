/**
 * Other bytes lie under a key that only we could have written: a copy of the journal is at work, or
 * somebody has changed the archive. Nothing more may be written there (A5, A8).
 */
export class FencedError extends Error {
  override name = 'FencedError'
  readonly key: string
  constructor(message: string, key: string) {
    super(message)
    this.key = key
  }
}
