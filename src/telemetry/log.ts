/** auditcol's own messages: one for each event that a person acts on, never one per record. */
export interface Log {
  debug(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
  /** The same log with these fields on every line. */
  with(fields: Fields): Log
}

export type Fields = Readonly<Record<string, string | number | boolean | undefined>>
export type Level = keyof typeof levels

const levels = { debug: 0, info: 1, warn: 2, error: 3 }

export interface LogOptions {
  readonly level: Level
  readonly encoding: 'console' | 'json'
  readonly write: (line: string) => void
}

export function createLog(options: LogOptions, fields: Fields = {}): Log {
  const print =
    (level: Level) =>
    (message: string, more: Fields = {}) => {
      if (levels[level] < levels[options.level]) return
      options.write(format(options.encoding, level, message, { ...fields, ...more }))
    }
  return {
    debug: print('debug'),
    info: print('info'),
    warn: print('warn'),
    error: print('error'),
    with: (more) => createLog(options, { ...fields, ...more })
  }
}

function format(
  encoding: LogOptions['encoding'],
  level: Level,
  message: string,
  fields: Fields
): string {
  const time = new Date().toISOString()
  if (encoding === 'json')
    return `${JSON.stringify({ level, ts: time, msg: message, ...fields })}\n`
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined)
  const tail = shown.map(([key, value]) => ` ${key}=${quoted(value!)}`).join('')
  return `${time} ${level.padEnd(5)} ${message}${tail}\n`
}

function quoted(value: string | number | boolean): string {
  const text = String(value)
  return /^[\w./:@%+-]+$/.test(text) ? text : JSON.stringify(text)
}
