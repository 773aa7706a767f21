import { headersSchema, nameProblem, valueProblem } from '../config/headers.ts'
import { refused } from '../config/refused.ts'

/** Headers sent with every request. A value may be a secret: it is not repeated. */
export function sentHeaders(reserved: ReadonlySet<string>) {
  return headersSchema((name, value) => {
    if (reserved.has(name.toLowerCase())) return `${name} is set by the exporter itself`
    if (nameProblem(name) !== undefined) return `"${name}" is not the name of a header`
    return valueProblem(name, value) === undefined
      ? undefined
      : `the value of ${name} has a character that no header may have`
  })
}

export const notYet = {
  auth: refused('auth is not supported yet: give the credentials by headers'),
  middlewares: refused('middlewares are not supported: there are none to name')
}
