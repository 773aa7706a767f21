/** Numbers reserved at once: a restart skips what is left of a block. */
const blockSize = 64

/**
 * Gives out the numbers of archives, each once (A1): a block of them is reserved durably before its
 * first one is given. `next` has the first number of each archive that is not reserved yet.
 */
export function numbersFrom(
  next: ReadonlyMap<string, number>,
  reserve: (archive: string, next: number) => Promise<void>
): (archive: string) => Promise<number> {
  const blocks = new Map<string, { next: number; limit: number; reserved: Promise<void> }>()

  return async (archive) => {
    let block = blocks.get(archive)
    if (!block) {
      const start = next.get(archive) ?? 1
      block = { next: start, limit: start, reserved: Promise.resolve() }
      blocks.set(archive, block)
    }
    const number = block.next++
    if (number >= block.limit) {
      block.limit = number + blockSize
      block.reserved = reserve(archive, block.limit)
    }
    await block.reserved
    return number
  }
}
