import { type Pattern, patterns } from './patterns.ts'

/** docs/redaction_patterns.md. */
export function patternsReference(): string {
  const rows = Object.entries<Pattern>(patterns).map(([name, { finds, expression, under }]) => {
    const key = under === undefined ? '' : `${code(under.key)}: ${code(under.value)}`
    return `| \`${name}\` | ${finds} | ${code(expression)} | ${key} |`
  })
  return `# Shipped patterns of \`redaction\`

Written by \`npm run docs\`. All are RE2; of a match the first group that took part is masked, without groups all of it. The last
column: what is masked under a key that matches, in a map, in attributes or in JSON.

| name | finds | expression | key: value |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}

function code(expression: string): string {
  return `\`${expression.replaceAll('|', '\\|')}\``
}
