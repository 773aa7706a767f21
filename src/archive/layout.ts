import type { ContentHeaders } from '../journal/archive_frames.ts'
import type { View } from '../ottl/values.ts'
import type { Marshaler } from './marshal.ts'
import type { Partition } from './partitions.ts'

/** Milliseconds since the epoch. */
export interface Times {
  /** When the batch was accepted, and when it is being sealed. */
  readonly arrived: number
  readonly sealing: number
}

/** Where records belong, and how they are written down there. */
export interface Placement {
  /** Below the prefix, `numberPlace` where the number goes; undefined: the Collector's name for an object. */
  readonly key?: string
  /** Tells apart objects that would have the same key. */
  readonly object?: string | undefined
  /** Undefined: the folder is that of the time of sealing, or one that nobody closes. */
  readonly partition?: Partition | undefined
  /** In the place of the exporter's. */
  readonly marshaler?: Marshaler
  /** What the store keeps with the object that begins with the record in view, by the object's key. */
  readonly content?: (view: View) => (key: string) => ContentHeaders
}

/** How the records of a batch share objects, where it is not one for all of them; made for each batch. */
export interface Layout {
  /** Of the record in view. */
  place(view: View, times: Times): Placement
  /** Of records past the limit of keys that belong into this folder; empty: into none, or into too many. */
  rest(folder: string, view: View, times: Times): Placement
}
