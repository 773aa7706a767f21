import type { Book, Entry } from '../src/journal/book.ts'
import { createMemoryBook } from '../src/journal/memory_book.ts'

/** A book that counts as durable and remembers what was written, in order; `spool` is a directory. */
export function durableBook(id: string, spool: string): Book & { readonly written: Entry[] } {
  const book = createMemoryBook(id, 'logs/under_test')
  const written: Entry[] = []
  return {
    ...book,
    written,
    durable: true,
    spool,
    write: async (entry) => {
      await book.write(entry)
      written.push(entry)
    }
  }
}
