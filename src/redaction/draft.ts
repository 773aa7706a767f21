/**
 * A text under change that remembers which places of the original each part stands for, so that a
 * change can be carried from a decoded string back into the JSON it was written in.
 */
export type Draft = readonly Piece[]

interface Piece {
  /** The places of the original that it stands for. */
  readonly start: number
  end: number
  readonly text: string
  readonly from: 'original' | Origin | 'kept'
}

/** `inner`: inside a string of JSON; what was put there, or kept there, is not looked at from outside. */
type Origin = 'masked' | 'inner'

/** What is to be put between two places of a text; undefined: what is there is to be kept. */
export interface Change {
  readonly start: number
  readonly end: number
  readonly by: string | undefined
}

export function newDraft(text: string): Draft {
  return [{ start: 0, end: text.length, text, from: 'original' }]
}

export function textOf(draft: Draft): string {
  return draft.length === 1 ? draft[0]!.text : draft.map(({ text }) => text).join('')
}

/** The draft with these changes, which are in order, do not overlap, and name places of its present text. */
export function changed(draft: Draft, changes: readonly Change[], from: Origin): Draft {
  const pieces: Piece[] = []
  let next = 0
  let place = 0
  for (const piece of draft) {
    let rest = piece
    while (rest.text.length > 0) {
      const change = changes[next]
      if (change === undefined || change.start >= place + rest.text.length) break
      if (change.start > place) {
        const [before, after] = cut(rest, change.start - place)
        pieces.push(before)
        place = change.start
        rest = after
      }
      const [gone, after] = cut(rest, Math.min(rest.text.length, change.end - place))
      if (change.by === undefined) pieces.push({ ...gone, from: 'kept' })
      else if (change.start === place)
        pieces.push({ start: gone.start, end: gone.end, text: change.by, from })
      else pieces.at(-1)!.end = gone.end
      place += gone.text.length
      rest = after
      if (place === change.end) next++
    }
    if (rest.text.length > 0) pieces.push(rest)
    place += rest.text.length
  }
  const end = draft.at(-1)?.end ?? 0
  for (const { by = '' } of changes.slice(next)) pieces.push({ start: end, end, text: by, from })
  return pieces
}

/** A piece that was put in stands as a whole for its places; what is cut from its end stands for none. */
function cut(piece: Piece, length: number): [Piece, Piece] {
  const isThere = piece.from === 'original' || piece.from === 'kept'
  const middle = isThere ? piece.start + length : piece.end
  return [
    { ...piece, end: middle, text: piece.text.slice(0, length) },
    { ...piece, start: middle, text: piece.text.slice(length) }
  ]
}

/** The changes without those that lie within what was decided inside. */
export function outsideInner<T extends Change>(draft: Draft, changes: readonly T[]): readonly T[] {
  if (draft.every(({ from }) => from === 'original' || from === 'masked')) return changes
  const left: T[] = []
  let index = 0
  let end = 0
  for (const change of changes) {
    while (end < change.end) end += draft[index++]!.text.length
    const last = draft[index - 1]
    const isInner = last?.from === 'inner' || last?.from === 'kept'
    if (!isInner || change.start < end - last.text.length) left.push(change)
  }
  return left
}

/** What is to be changed in the original to get the present text. */
export function changesOf(draft: Draft): Change[] {
  const changes: { start: number; end: number; by: string | undefined }[] = []
  let open: { end: number; by: string | undefined } | undefined
  for (const { start, end, text, from } of draft) {
    if (from === 'original' || from === 'kept') open = undefined
    if (from === 'original') continue
    if (open !== undefined) {
      open.end = end
      open.by += text
      continue
    }
    const change = { start, end, by: from === 'kept' ? undefined : text }
    changes.push(change)
    if (from !== 'kept') open = change
  }
  return changes
}
