import { editMaps } from './edit_maps.ts'
import { editText } from './edit_text.ts'
import { editValues } from './edit_values.ts'
import { encodings } from './encodings.ts'
import { flatten } from './flatten.ts'
import type { OttlFunction } from './function.ts'
import { hashes } from './hash.ts'
import { lists } from './lists.ts'
import { parsers } from './parse.ts'
import { format } from './sprintf.ts'
import { textFunctions } from './text.ts'
import { times } from './times.ts'
import { types } from './types.ts'

/** Every function there is, editors first, each kind by name. */
export const functions: readonly OttlFunction[] = [
  ...editValues,
  ...editMaps,
  flatten,
  ...editText,
  ...types,
  ...textFunctions,
  format,
  ...lists,
  ...parsers,
  ...hashes,
  ...encodings,
  ...times
].sort((a, b) => Number(isEditor(b)) - Number(isEditor(a)) || (a.name < b.name ? -1 : 1))

export function isEditor({ name }: OttlFunction): boolean {
  return /^[a-z]/.test(name)
}

const lambda = 'lambdas are an experiment of the Collector, behind a feature gate'
const xml = 'there is no XML here; an XPath engine would come with it'

/** The Collector's functions that are not here, and why. */
export const refusals: Readonly<Record<string, string>> = {
  All: lambda,
  Any: lambda,
  Filter: lambda,
  Find: lambda,
  MapEach: lambda,
  MapKeys: lambda,
  Reduce: lambda,
  When: lambda,
  ConvertAttributesToElementsXML: xml,
  ConvertTextToElementsXML: xml,
  GetXML: xml,
  InsertXML: xml,
  ParseSimplifiedXML: xml,
  ParseXML: xml,
  RemoveXML: xml,
  Base64Decode: 'the Collector has taken it out; write Decode(value, "base64")',
  CommunityID: 'network flows are no audit records',
  ExtractGrokPatterns:
    'no kept library has its patterns; ExtractPatterns takes the regular expression',
  IsRootSpan: 'it is for spans',
  ProfileID: 'it is for profiles',
  UserAgent: 'it needs a database of browsers that grows old',
  XXH3: 'no kept library has it; FNV and Murmur3Hash are fast hashes, SHA256 a strong one',
  XXH128: 'no kept library has it; FNV and Murmur3Hash128 are fast hashes, SHA256 a strong one'
}

const byName = new Map(functions.map((one) => [one.name, one]))

/** The function, or why it is not here, or the names that are. */
export function findFunction(name: string) {
  const refused = Object.hasOwn(refusals, name) ? refusals[name] : undefined
  return { found: byName.get(name), refused, names: [...byName.keys()] }
}
