import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** As package.json states it: one folder up from the sources, two from a compiled tree. */
export const version: string = readVersion()

function readVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      return JSON.parse(readFileSync(fileURLToPath(new URL(path, import.meta.url)), 'utf8')).version
    } catch {
      // Not here: one folder further up.
    }
  }
  return 'unknown'
}
