import type { IntentFrame, SpooledObject } from '../journal/archive_frames.ts'

/** Where sealed bytes lie until the store has them (A2). */
export interface Spool {
  /** A new file, for the objects of one batch. */
  begin(): Promise<SpoolFile>
  /** An object's bytes, as they were sealed; rejects with SpoolDamaged when they are not. */
  read(file: string, object: SpooledObject): Promise<Uint8Array>
  remove(file: string): Promise<void>
  /** Takes an object's bytes out for good, to where an operator finds them. */
  putAside(file: string, object: SpooledObject, reason: string): Promise<string>
}

export interface SpoolFile {
  readonly name: string
  /** Adds an object's bytes; resolves with where they begin. */
  append(body: Uint8Array): Promise<number>
  /** Adds the intent and syncs file and directory: only then may the intent's frame be written. */
  finish(intent: IntentFrame): Promise<void>
  /** The batch was not sealed. */
  discard(): Promise<void>
}

/** What lies in the spool is not what was sealed. */
export class SpoolDamaged extends Error {
  override name = 'SpoolDamaged'
}
