import type { CheckName } from './findings.ts'

interface Meaning {
  readonly ok: string
  /** What an exporter goes on without (A5). */
  readonly without: string
  /** What a person can do. */
  readonly mend: string
}

/** What each check of a store is about, for people. */
export const meanings: Readonly<Record<CheckName, Meaning>> = {
  create_only: {
    ok: 'an object is never overwritten, a copy of the journal is stopped',
    without: 'a copy of this journal may overwrite what is there unseen',
    mend: 'take a store whose PUT with If-None-Match: * is atomic'
  },
  checksums: {
    ok: 'damage on the way there is refused',
    without: 'damage on the way there is not noticed',
    mend: 'take a store that compares the bytes with x-amz-checksum-sha256 or the signed hash'
  },
  read: {
    ok: 'a key that is taken can be compared',
    without: 'a key that is taken cannot be compared, so a second writer is not seen',
    mend: 'take a store that reads what was written'
  },
  list: {
    ok: 'the archive can be verified from here',
    without: 'the archive cannot be verified from here',
    mend: 'take a store that lists what was written'
  },
  versioning: {
    ok: 'what is deleted or overwritten can be got back',
    without: 'what somebody deletes is gone',
    mend: 'take a bucket with versioning turned on'
  },
  object_lock: {
    ok: 'objects can be kept from everybody who would delete them',
    without: 'objects cannot be kept from somebody who may delete them',
    mend: 'take a bucket with Object Lock enabled'
  },
  clock: {
    ok: 'times in the archive are those of the store',
    without: 'times in the archive are not those of the store',
    mend: 'set the clock of this machine'
  }
}
