import { open } from 'node:fs/promises'
import { normalize } from 'node:path'
import type { Note } from './errors.ts'
import { limits } from './node.ts'

/** What a URI such as `env:NAME` or `file:secret.txt` stands for. */
export interface Retrieved {
  readonly text: string
  /** How places in the text are named: `env:NAME`, or the file's path. */
  readonly source: string
  /** It stands in the environment or a file, not in the URI. */
  readonly isOutside: boolean
  readonly note?: Omit<Note, 'place'>
}

/** Fetches what a configuration URI names; rejects with one sentence when it cannot. */
export async function retrieve(uri: string, env: NodeJS.ProcessEnv): Promise<Retrieved> {
  const [, scheme, rest = ''] = uri.match(/^([A-Za-z][A-Za-z0-9+.-]+):(.*)$/s) ?? []
  const hint = uri.includes(':-') ? ` (did you mean \${env:${uri}}?)` : ''
  if (scheme === undefined) throw new Error(`unsupported scheme on URI "${uri}"${hint}`)
  if (scheme === 'env') return variable(rest, env)
  if (scheme === 'yaml') return { text: rest, source: 'yaml', isOutside: false }
  if (scheme === 'file') {
    const path = normalize(rest)
    const text = await readText(path)
    const note = /\n\s*$/.test(text) && !text.trim().includes('\n') ? lineEnd(path) : undefined
    return { text, source: path, isOutside: true, ...(note && { note }) }
  }
  if (scheme === 'http' || scheme === 'https')
    throw new Error(
      `configuration is not fetched over ${scheme}: store it in a file and name that instead of "${uri}"`
    )
  throw new Error(`scheme "${scheme}" is not supported for uri "${uri}"${hint}`)
}

function variable(rest: string, env: NodeJS.ProcessEnv): Retrieved {
  const split = rest.indexOf(':-')
  const name = split < 0 ? rest : rest.slice(0, split)
  if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name))
    throw new Error(
      `environment variable "${name}" has invalid name: must match regex ^[a-zA-Z_][a-zA-Z0-9_]*$`
    )
  const source = `env:${name}`
  const text = env[name]
  const isOutside = text !== undefined
  if (text === '')
    return { text, source, isOutside, note: { level: 'info', text: emptyVariable(name) } }
  if (text !== undefined) return { text, source, isOutside }
  if (split >= 0) return { text: rest.slice(split + 2), source, isOutside }
  return { text: '', source, isOutside, note: { level: 'warn', text: unsetVariable(name) } }
}

function unsetVariable(name: string): string {
  return `Configuration references unset environment variable ${name}`
}

function emptyVariable(name: string): string {
  return `Configuration references empty environment variable ${name}`
}

/** Text is used to the letter, as the Collector does; a line end in a password is seldom meant. */
function lineEnd(path: string): Omit<Note, 'place'> {
  return { level: 'warn', text: `${path} ends with a line end, which becomes part of a text value` }
}

/** A whole UTF-8 file up to the limit; also a pipe, so that `--config /dev/stdin` works. */
export async function readText(path: string): Promise<string> {
  const file = await open(path).catch((cause: Error) => {
    throw new Error(`reading ${path}: ${reason(cause)}`, { cause })
  })
  try {
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of file.createReadStream({ autoClose: false })) {
      bytes += chunk.length
      if (bytes > limits.bytes)
        throw new Error(`larger than ${limits.bytes / 2 ** 20} MiB, the limit of a configuration`)
      chunks.push(chunk)
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch (cause) {
    throw new Error(`reading ${path}: ${reason(cause as Error)}`, { cause })
  } finally {
    await file.close()
  }
}

function reason(cause: Error & { code?: unknown }): string {
  if (cause.code === 'ENOENT') return 'no such file or directory'
  if (cause.code === 'EACCES') return 'permission denied'
  if (cause.code === 'EISDIR') return 'is a directory, not a file'
  if (cause.code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'not UTF-8 text'
  return cause.message
}
