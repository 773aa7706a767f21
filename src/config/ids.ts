/** A component's or pipeline's id, `type` or `type/name`. */
export interface Id {
  readonly type: string
  readonly name: string
  /** The two joined again, without the spaces the Collector ignores. */
  readonly text: string
}

/** Reads an id by the Collector's rules; throws its sentence when the text is none. */
export function parseId(text: string): Id {
  const slash = text.indexOf('/')
  const type = (slash < 0 ? text : text.slice(0, slash)).trim()
  const name = slash < 0 ? '' : text.slice(slash + 1).trim()
  if (slash < 0 && type === '') throw new Error('id must not be empty')
  if (type === '') throw new Error(`in "${text}" id: the part before / should not be empty`)
  if (slash >= 0 && name === '')
    throw new Error(`in "${text}" id: the part after / should not be empty`)
  if (!/^[a-zA-Z][0-9a-zA-Z_]{0,62}$/.test(type))
    throw new Error(`in "${text}" id: invalid character(s) in type "${type}"`)
  const length = [...name].length
  if (length > 1024)
    throw new Error(
      `in "${text.slice(0, 40)}..." id: name "${name.slice(0, 40)}..." is longer than 1024 characters (${length} characters)`
    )
  if (/[\p{Z}\p{C}\p{S}]/u.test(name))
    throw new Error(`in "${text}" id: invalid character(s) in name "${name}"`)
  return { type, name, text: name === '' ? type : `${type}/${name}` }
}
