import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './auditcol.ts'

/** The fenced blocks of a page by their language, in their order. */
export function blocksOf(page: string): Record<'sh' | 'yaml' | 'json' | 'sql' | '', string[]> {
  const found = { sh: [], yaml: [], json: [], sql: [], '': [] } as ReturnType<typeof blocksOf>
  const text = readFileSync(join(root, page), 'utf8')
  for (const [, language, block] of text.matchAll(/^```(\w*)\n(.*?)^```$/gms))
    found[language as keyof typeof found].push(block!)
  return found
}

/** The arguments of each auditcol that a block starts from the checkout, its files by their whole paths. */
export function commandsIn(block: string): string[][] {
  return [...block.matchAll(/^npm (start|run -s auditcol) -- (.*)$/gm)].map(([, how, rest]) => {
    const args = rest!.split(/\s+/).map((arg) => arg.replace(/^examples\//, `${root}/$&`))
    return how === 'start' ? ['run', ...args] : args
  })
}
