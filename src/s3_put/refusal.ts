/**
 * An error of S3's own vocabulary, thrown by whoever sees it and answered in one place. LiteLLM drops
 * an event for good upon 400 or 403 with EntityTooLarge, InvalidArgument, MalformedXML, InvalidDigest,
 * KeyTooLongError, BadDigest or InvalidRequest: of these only the two digests are here, for a body
 * that is not the one its sender meant. A body that is too large gets 413, which LiteLLM repeats.
 */
export class Refusal extends Error {
  override name = 'Refusal'
  readonly code: Code
  /** Whole seconds after which to come again. */
  readonly retryAfter: number | undefined
  constructor(code: Code, message: string, retryAfter?: number) {
    super(message)
    this.code = code
    this.retryAfter = retryAfter
  }
}

export type Code = keyof typeof statuses

export const statuses = {
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  AuthorizationQueryParametersError: 400,
  BadDigest: 400,
  EntityTooLarge: 413,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidChunkSizeError: 403,
  InvalidDigest: 400,
  InvalidToken: 400,
  InvalidURI: 400,
  MalformedTrailerError: 400,
  MethodNotAllowed: 405,
  MissingSecurityHeader: 400,
  NoSuchKey: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  SlowDown: 503,
  XAmzContentSHA256Mismatch: 400
} as const
