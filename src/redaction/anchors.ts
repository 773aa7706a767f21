/**
 * Finds which of many lists of words have a word in some bytes, in one scan whatever their number (Aho and
 * Corasick's automaton). The words are in lower case, and ASCII; the bytes may have capitals.
 */
export type AnchorScan = (bytes: Uint8Array, from: number, end: number, found: Uint8Array) => void

/** The scan sets to 1 what belongs to the lists of which it finds a word. */
export function newAnchorScan(lists: readonly (readonly string[])[]): AnchorScan {
  const classes = classesOf(lists.flat())
  const width = Math.max(...classes) + 1
  const { next, lists: at } = automatonOf(lists, classes, width)
  const ends = Uint8Array.from(at, (some) => (some.length > 0 ? 1 : 0))

  return (bytes, from, end, found) => {
    let state = 0
    for (let index = from; index < end; index++) {
      state = next[state * width + classes[bytes[index]!]!]!
      if (ends[state] === 1) for (const list of at[state]!) found[list] = 1
    }
  }
}

/** Bytes that no word has are alike, which keeps the tables small enough for the nearest cache. */
function classesOf(words: readonly string[]): Uint8Array {
  const classes = new Uint8Array(256)
  const codes = new Set(words.flatMap((word) => [...Buffer.from(word)]))
  for (const [index, code] of [...codes].entries()) {
    classes[code] = index + 1
    classes[String.fromCharCode(code).toUpperCase().charCodeAt(0)] = index + 1
  }
  return classes
}

function automatonOf(lists: readonly (readonly string[])[], classes: Uint8Array, width: number) {
  const tree: number[][] = [new Array(width).fill(0)]
  const at: number[][] = [[]]
  for (const [list, words] of lists.entries())
    for (const word of words) {
      let state = 0
      for (const code of Buffer.from(word)) {
        const symbol = classes[code]!
        if (tree[state]![symbol] === 0) {
          tree[state]![symbol] = tree.length
          tree.push(new Array(width).fill(0))
          at.push([])
        }
        state = tree[state]![symbol]!
      }
      at[state]!.push(list)
    }
  return { next: completed(tree, at), lists: at }
}

/** Where a word breaks off, what was read may be the beginning of another; level by level, its state is known. */
function completed(tree: number[][], at: number[][]): Uint16Array {
  const back = new Array<number>(tree.length).fill(0)
  const queue = tree[0]!.filter((state) => state !== 0)
  for (const state of queue) {
    const behind = back[state]!
    at[state]!.push(...at[behind]!)
    for (const [symbol, child] of tree[state]!.entries()) {
      const other = tree[behind]![symbol]!
      if (child === 0) tree[state]![symbol] = other
      else {
        back[child] = other
        queue.push(child)
      }
    }
  }
  return Uint16Array.from(tree.flat())
}
