/** An error and its causes in one line, none of them told twice. */
export function reasonOf(error: unknown): string {
  let text = ''
  for (let one: unknown = error; one !== undefined; one = causeOf(one)) {
    const own = one instanceof Error ? one.message || one.name : String(one)
    if (!text.includes(own)) text += text === '' ? own : `: ${own}`
  }
  return text
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}
