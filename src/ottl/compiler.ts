import type { CallNode, Node } from './ast.ts'
import type { OttlFunction } from './functions/function.ts'
import type { Path } from './paths.ts'
import type { Value, View } from './values.ts'

/** Works out a value for the record at hand; `constant` when it is the same for all. */
export type Getter<T> = ((view: View) => T) & { readonly constant?: T }

/** Compiles the nodes of one text, in its context. */
export interface Compiler {
  readonly expression: (node: Node) => Getter<Value>
  readonly condition: (node: Node) => (view: View) => boolean
  readonly path: (node: Node) => Path
  readonly call: (node: CallNode) => Getter<Value>
  /** A converter that is handed to a function by its name. */
  readonly converter: (name: string, at: number) => OttlFunction
}

export function constant<T>(value: T): Getter<T> {
  return Object.assign(() => value, { constant: value })
}
