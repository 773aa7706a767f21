import { access } from 'node:fs/promises'
import { hostname } from 'node:os'
import { openDirectoryStore } from '../archive/directory_store.ts'
import { archiveRoot } from '../archive/root.ts'
import type { S3Options } from '../archive/s3_options.ts'
import { s3Stores } from '../archive/s3_store.ts'
import type { Store } from '../archive/store.ts'
import { firstLeafIn } from '../archive/stored_commits.ts'
import type { Config } from '../config/config.ts'
import { pathsOf } from '../config/paths.ts'
import type { ArchiveFrame } from '../journal/archive_frames.ts'
import type { LaneState } from '../journal/state.ts'
import { version } from '../version.ts'

/** An archive of which something is known, maybe not by the journal. */
export interface KnownArchive {
  readonly name: string
  readonly root: string
  /** How the store was reached when something was sealed for it. */
  readonly place: unknown
}

/** The stores of lanes, as the configuration or what was sealed says how to reach them. */
export interface Stores {
  /** Rejects with the reason when the store cannot be asked. */
  open(lane: LaneState, archive: KnownArchive): Promise<Store>
  /** The archive that the configuration would give the lane; its name is missing where data chooses the bucket. */
  configured(lane: LaneState, writer: string): Configured | undefined
  /** The name that a lane had when its first commit was stored; undefined where no store that answers has one. */
  nameOf(laneId: string, writer: string): Promise<string | undefined>
  /** The first frame of an archive that has stored no commit yet. */
  birth(lane: LaneState, archive: KnownArchive): ArchiveFrame
  close(): void
}

interface Configured {
  readonly name?: string
  readonly root: string
  readonly place: unknown
}

/** What an exporter has to say for its lane to have archives. */
interface Uploader extends S3Options {
  readonly s3_bucket: string
  readonly s3_base_prefix: string
  readonly s3_prefix: string
}

/** For reading a few commits; a PUT's patience is another matter. */
const limits = { timeout: 10_000, maxSockets: 4, sessionName: 'auditcol-repair' }

export function openStores(config: Config | undefined): Stores {
  const opened: Store[] = []
  const uploaderOf = ({ name }: LaneState): Uploader | undefined => {
    const path = config && pathsOf(config).find((one) => one.name === name)
    const exporter = path && config.exporters.get(path.exporter)
    return (exporter?.options as { s3uploader?: Uploader } | undefined)?.s3uploader
  }
  return {
    open: async (lane, archive) => {
      const store = await openStore(uploaderOf(lane), archive)
      opened.push(store)
      return store
    },
    configured: (lane, writer) => {
      const uploader = uploaderOf(lane)
      return uploader && archiveOf(uploader, writer, lane.id)
    },
    nameOf: async (laneId, writer) => {
      for (const { options } of config?.exporters.values() ?? []) {
        const { s3uploader } = options as { s3uploader?: Uploader }
        const archive = s3uploader && archiveOf(s3uploader, writer, laneId)
        if (archive?.name === undefined) continue
        const first = await openStore(s3uploader, { ...archive, name: archive.name })
          .then((store) => {
            opened.push(store)
            return firstLeafIn(store, archive.root)
          })
          .catch(() => undefined)
        if (first !== undefined) return first.laneName as string
      }
      return undefined
    },
    birth: (lane, { name, root }) => ({
      ...{ archive: name, root },
      genesis: {
        ...{ at: Date.now(), host: hostname(), version, lane: lane.id, laneName: lane.name },
        writer: root.split('/').at(-3)!
      }
    }),
    close: () => {
      for (const store of opened) store.close()
    }
  }
}

function archiveOf(uploader: Uploader, writer: string, laneId: string): Configured {
  const { s3_bucket } = uploader
  const root = `${archiveRoot(uploader)}${writer}/${laneId}/`
  if (s3_bucket === '') return { root, place: undefined }
  const name = s3_bucket.startsWith('file:')
    ? `file:${directoryOf(s3_bucket)}`
    : `s3://${s3_bucket}`
  return { name, root, place: undefined }
}

async function openStore(
  uploader: Uploader | undefined,
  { name, place }: KnownArchive
): Promise<Store> {
  if (name.startsWith('file:')) {
    const directory = directoryOf(name)
    // Opening it would make it, and an archive that has just been made has no commits.
    await access(directory).catch((cause) => {
      throw new Error(`opening the archive ${name}`, { cause })
    })
    return openDirectoryStore({ directory, writer: 'repair' })
  }
  const options = (place as { options?: Partial<S3Options> } | undefined)?.options
  if (uploader === undefined) {
    throw new Error(`${name} needs the configuration of its exporter: name it with --config`)
  }
  return s3Stores(
    { ...uploader, ...options, retry_max_attempts: 3 },
    limits
  )(name.slice('s3://'.length))
}

function directoryOf(name: string): string {
  return name.slice('file:'.length).replace(/^\/\//, '')
}
