import type { Argument } from '../ast.ts'
import type { Compiler } from '../compiler.ts'
import type { View } from '../values.ts'

/** One parameter of a function: what it takes, in words of the docs, and how an argument becomes what the function gets. */
export interface Param<T> {
  readonly takes: string
  readonly build: (argument: Argument, compiler: Compiler) => T
  readonly optional?: true
}

type Params = Readonly<Record<string, Param<unknown>>>
type Arguments<P extends Params> = {
  readonly [K in keyof P]: P[K] extends Param<infer T> ? T : never
}

/** An editor (small first letter) or a converter. `make` runs once for each place it stands at. */
export interface OttlFunction {
  readonly name: string
  readonly summary: string
  readonly params: Params
  readonly make: (args: never, at: number) => (view: View) => unknown
}

/** States a function; the parameters are positional in this order, and may be named. */
export function define<P extends Params>(
  name: string,
  summary: string,
  params: P,
  make: (args: Arguments<P>, at: number) => (view: View) => unknown
): OttlFunction {
  return { name, summary, params, make }
}

/** The function with these arguments; an error that it finds in its constants stands at its call. */
export function make(found: OttlFunction, args: Record<string, unknown>, at: number) {
  return found.make(args as never, at)
}
