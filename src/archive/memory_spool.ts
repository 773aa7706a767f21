import { type Spool, SpoolDamaged } from './spool.ts'

/** Without a journal bodies stay in memory until they are stored (L8). */
export function createMemorySpool(): Spool {
  const files = new Map<string, Uint8Array[]>()
  let next = 1
  const bodyOf = (file: string, at: number) => {
    const body = files.get(file)?.[at]
    if (body === undefined) throw new SpoolDamaged(`${file} is missing`)
    return body
  }
  return {
    begin: async () => {
      const name = `${next++}`
      const bodies: Uint8Array[] = []
      files.set(name, bodies)
      return {
        name,
        // Where an object begins is its place in the list.
        append: async (body) => bodies.push(body) - 1,
        finish: async () => {},
        discard: async () => void files.delete(name)
      }
    },
    read: async (file, { at }) => bodyOf(file, at),
    remove: async (file) => void files.delete(file),
    putAside: async () => 'nowhere'
  }
}
