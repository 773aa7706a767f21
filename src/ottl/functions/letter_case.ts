/* Letter cases as Go has them: letter by letter, without regard to the neighbours or the language. */

export function lowerCase(text: string): string {
  return isAscii(text) ? text.toLowerCase() : eachLetter(text, (one) => one.toLowerCase())
}

export function upperCase(text: string): string {
  return isAscii(text) ? text.toUpperCase() : eachLetter(text, (one) => one.toUpperCase())
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant.
  return /^[\x00-\x7f]*$/.test(text)
}

/** What becomes several letters, as ß would, stays. */
function eachLetter(text: string, convert: (letter: string) => string): string {
  return Array.from(text, (letter) => {
    const changed = convert(letter)
    return [...changed].length === 1 ? changed : letter
  }).join('')
}

const isCapital = (letter: string | undefined) => letter !== undefined && /^[A-Z]$/.test(letter)
const isSmall = (letter: string | undefined) => letter !== undefined && /^[a-z]$/.test(letter)
const isDigit = (letter: string | undefined) => letter !== undefined && /^[0-9]$/.test(letter)

/** `myName`, `My Name` and `JSONData2` become `my_name`, `my_name` and `json_data_2`. */
export function snakeCase(text: string): string {
  const letters = [...text.trim()]
  let result = ''
  for (const [index, letter] of letters.entries()) {
    const next = letters[index + 1]
    if (/[ _\-.]/.test(letter)) result += '_'
    else {
      // The last capital of several belongs to the word behind them.
      if (isCapital(letter) && isSmall(next) && isCapital(letters[index - 1])) result += '_'
      result += isCapital(letter) ? letter.toLowerCase() : letter
      if (endsWord(letter, next)) result += '_'
    }
  }
  return result
}

function endsWord(letter: string, next: string | undefined): boolean {
  if (isSmall(letter)) return isCapital(next) || isDigit(next)
  if (isDigit(letter)) return isCapital(next) || isSmall(next)
  return isCapital(letter) && isDigit(next)
}

/** `my_name` and `my-name.x` become `MyName` and `MyNameX`; other characters than ASCII letters and digits go. */
export function camelCase(text: string): string {
  const trimmed = text.trim()
  // The one acronym that the Collector's library knows.
  const letters = [...(trimmed === 'ID' ? 'id' : trimmed)]
  let result = ''
  let begins = true
  for (const [index, letter] of letters.entries()) {
    if (isCapital(letter) || isSmall(letter)) {
      if (begins) result += letter.toUpperCase()
      else result += isCapital(letters[index - 1]) ? letter.toLowerCase() : letter
      begins = false
    } else if (isDigit(letter)) {
      result += letter
      begins = true
    } else begins = /[_ \-.]/.test(letter)
  }
  return result
}
