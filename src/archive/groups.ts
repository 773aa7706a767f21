import { posix } from 'node:path'
import type { Meta } from '../component.ts'
import type { ContentHeaders } from '../journal/archive_frames.ts'
import { editLogs, newLogsView } from '../logs/edit.ts'
import type { Logs } from '../logs/logs.ts'
import { splitRecords } from '../logs/split.ts'
import { emptyMap } from '../logs/value.ts'
import type { View } from '../ottl/values.ts'
import type { Layout, Placement, Times } from './layout.ts'

/** Records of a batch that share an object, or several where one would be too large. */
export interface Group extends Omit<Placement, 'object' | 'content'> {
  readonly content?: ((key: string) => ContentHeaders) | undefined
  logs(): Logs
}

export interface Grouped {
  readonly groups: readonly Group[]
  /** Records that were past the limit of keys. */
  readonly past: number
}

export interface GroupLimits extends Times {
  readonly keysMax: number
  /** Of the request that brought the records. */
  readonly client?: Meta['client']
}

/** What resource and scope may come to when each group repeats them; as large as an object may always be. */
const repeatedMin = 16 * 2 ** 20

/**
 * Puts records that belong together into groups. At most `keysMax` groups: what is past that goes into
 * one further group for each folder, and past as many folders into one last group. So data cannot make
 * a batch into any number of objects, and no record is refused.
 */
export function groupRecords(
  logs: Logs,
  layout: Layout,
  { keysMax, client, ...times }: GroupLimits
): Grouped {
  const view: View = { ...newLogsView(), cache: emptyMap, client }
  const drafts: Omit<Group, 'logs'>[] = []
  const groupOf = new Uint32Array(logs.records)
  const indices = new Map<string, number>()
  const room = createRoom(keysMax, Math.max(repeatedMin, 4 * logs.bytes))
  let index = 0
  let past = 0

  const open = (name: string, { content, ...placement }: Placement): number => {
    indices.set(name, drafts.length)
    return drafts.push({ ...placement, content: content?.(view) }) - 1
  }

  const groupFor = (): number => {
    const placement = layout.place(view, times)
    const { key, object = '', partition } = placement
    const name = `${key ?? partition?.name} ${object}`
    const known = indices.get(name)
    if (known !== undefined) return known
    if (room.takeKey(view)) return open(name, placement)
    past++
    const own = key?.includes('/') ? posix.dirname(key) : ''
    const isApart = own !== '' && (indices.has(restOf(own)) || room.takeFolder(view))
    const folder = isApart ? own : ''
    const rest = indices.get(restOf(folder))
    if (rest !== undefined) return rest
    const away = layout.rest(folder, view, times)
    return open(restOf(folder), isApart ? { ...away, partition } : away)
  }

  const record = () => {
    view.cache = emptyMap
    groupOf[index++] = groupFor()
    return true
  }
  editLogs(logs, view, { record })
  const parts = splitRecords(logs, groupOf, drafts.length)
  return { groups: drafts.map((draft, at) => ({ ...draft, logs: parts[at]!.logs })), past }
}

/** No key and no folder begins with a slash. */
function restOf(folder: string): string {
  return `/${folder}`
}

/** Whether one more group may be opened: each costs a key, and the resource and scope that it repeats. */
function createRoom(keysMax: number, bytesMax: number) {
  let bytes = bytesMax
  const left = { keys: keysMax, folders: keysMax }
  const take = (what: keyof typeof left, { resource, scope }: View) => {
    if (left[what] === 0 || bytes <= 0) return false
    left[what]--
    bytes -= resource.end - resource.from + (scope.end - scope.from)
    return true
  }
  return {
    takeKey: (view: View) => take('keys', view),
    takeFolder: (view: View) => take('folders', view)
  }
}
