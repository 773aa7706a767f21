import type { ContentHeaders } from '../journal/archive_frames.ts'

/** Where an archive's objects lie: a bucket, or a directory. Keys are UTF-8, `/` between levels. */
export interface Store {
  /** For messages: `s3://bucket` or `file:./archive`. */
  readonly name: string
  /**
   * Creates the object, or says that the key is taken; never overwrites. Of any number of racing
   * creators of one key exactly one gets 'created', and only when the object is durable and whole.
   * 'unsure': the key is taken, and an earlier try within this very call may be what took it.
   * 'doubtful': the store has taken the object, and its answer names other bytes.
   * Rejects when it is unknown whether it is stored, with NotStored when it surely is not: call again
   * with the same key, bytes and headers. Rejects with a PermanentError when the store will never
   * take it, with KeyBlocked when another object is in the way of this key, with SyncFailed when what it
   * has may be lost: the program ends (J6).
   */
  create(
    key: string,
    object: StoredObject,
    signal?: AbortSignal
  ): Promise<'created' | 'exists' | 'unsure' | 'doubtful'>
  /**
   * The object is stored and is ours: looks, once a run, whether the store keeps it as it was asked to
   * (Object Lock). Rejects with a PermanentError when not, with another error when that is not known.
   */
  confirm(key: string): Promise<void>
  /**
   * Size and SHA-256 (when the store knows it without reading the object), or undefined when there
   * is none. Rejects with NoReadRight when the store does not let us look.
   */
  head(key: string): Promise<{ size: number; sha256?: Uint8Array } | undefined>
  /** The object's bytes; undefined when there is none. */
  read(key: string): Promise<Uint8Array | undefined>
  /** Keys that start with the prefix and sort after `after`, in byte order. */
  list(prefix: string, after?: string): AsyncIterable<string>
  /** Resolves when the store can be reached and written to as far as can be told; rejects with the reason. */
  reach(): Promise<void>
  close(): void
}

export interface StoredObject {
  readonly body: Uint8Array
  readonly sha256: Uint8Array
  readonly contentType: string
  readonly contentEncoding?: 'gzip' | 'zstd'
  /** A directory keeps none of them. */
  readonly content?: ContentHeaders | undefined
}

/** The store takes objects from us and does not let us read them: a right, not a fault. */
export class NoReadRight extends Error {
  override name = 'NoReadRight'
}

/** A store's answer that is an error, or none; `code` is the store's own name for it. */
export class StoreError extends Error {
  override name = 'StoreError'
  readonly code: string | undefined
  constructor(message: string, code?: string) {
    super(message)
    this.code = code
  }
}

/** The store has answered that it did not take the object; no attempt of this call can still arrive. */
export class NotStored extends StoreError {
  override name = 'NotStored'
}

/** Where keys are paths: a file stands where the key needs a directory, or a directory where it needs a file. */
export class KeyBlocked extends Error {
  override name = 'KeyBlocked'
}
