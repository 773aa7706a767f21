import type {
  ArchiveFrame,
  ArchiveState,
  Commit,
  Committed,
  IntentFrame,
  Manifest,
  Manifested,
  Rekeyed,
  Void
} from './archive_frames.ts'

import type { Room } from './room.ts'

/** What an archive writes down durably; each is one frame of the journal. */
export type Entry =
  | ({ readonly do: 'archive' } & ArchiveFrame)
  | ({ readonly do: 'intent' } & IntentFrame)
  | ({ readonly do: 'commit' } & Commit)
  | ({ readonly do: 'committed' } & Committed)
  | ({ readonly do: 'rekeyed' } & Rekeyed)
  | ({ readonly do: 'void' } & Void)
  | ({ readonly do: 'manifest' } & Manifest)
  | ({ readonly do: 'manifested' } & Manifested)
  | { readonly do: 'probed'; readonly store: string; readonly checks: Checks }

/** What a probe has found of a store (A12); plain JSON. */
export type Checks = Readonly<Record<string, unknown>>

/** A lane's archives on paper: frames in the journal, or memory where there is none (L8). */
export interface Book {
  /** False: nothing survives the process, so a batch is taken over only when its objects are committed. */
  readonly durable: boolean
  /** Where spool files lie (`<journal>/spool`); undefined: bodies stay in memory. */
  readonly spool: string | undefined
  /** As the durable frames say; the same objects change when a frame becomes durable. */
  readonly archives: ReadonlyMap<string, ArchiveState>
  /** What was found of a store by this writer, if it was probed. */
  checks(store: string): Checks | undefined
  /**
   * Writes a frame. Resolves when it is durable and `archives` shows it; rejects with a RefusedError
   * when the journal closes first, and then the frame is not there. An intent settles its `covers`
   * in the same step.
   */
  write(entry: Entry): Promise<void>
  /** For writes beside the journal, on its disk (J10). */
  readonly room: Pick<Room, 'admit' | 'forBatch'>
  /** A sync beside the journal has failed: the program ends, nothing is tried again (J6). */
  fatal(error: Error): void
  /** Called with an operator's void of an object that is not committed; at most one listener. */
  onVoid(listener: (archive: string, number: number) => void): void
}
