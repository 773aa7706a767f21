/** What the parser makes of a text; every node knows where it stands. */
export type Node =
  | { readonly type: 'literal'; readonly at: number; readonly value: Literal }
  | { readonly type: 'enum'; readonly at: number; readonly name: string }
  | PathNode
  | CallNode
  | { readonly type: 'list'; readonly at: number; readonly items: readonly Node[] }
  | {
      readonly type: 'map'
      readonly at: number
      readonly items: readonly (readonly [string, Node])[]
    }
  | { readonly type: 'negative'; readonly at: number; readonly of: Node }
  | MathNode
  | ConditionNode

type Literal = null | string | boolean | bigint | number | Uint8Array

export interface PathNode {
  readonly type: 'path'
  readonly at: number
  readonly text: string
  readonly fields: readonly { readonly name: string; readonly keys: readonly Node[] }[]
}

/** An editor or converter with its arguments; a converter's result may be indexed. */
export interface CallNode {
  readonly type: 'call'
  readonly at: number
  readonly name: string
  readonly args: readonly Argument[]
  readonly keys: readonly Node[]
}

export interface Argument {
  readonly at: number
  readonly name?: string
  /** A name that stands alone is a converter handed to a function, as in `replace_pattern(…, SHA256)`. */
  readonly value: Node
}

export interface MathNode {
  readonly type: 'math'
  readonly at: number
  readonly operator: '+' | '-' | '*' | '/'
  readonly left: Node
  readonly right: Node
}

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>='

type ConditionNode =
  | {
      readonly type: 'compare'
      readonly at: number
      readonly operator: Comparison
      readonly left: Node
      readonly right: Node
    }
  | { readonly type: 'and' | 'or'; readonly at: number; readonly parts: readonly Node[] }
  | { readonly type: 'not'; readonly at: number; readonly of: Node }

export interface StatementNode {
  readonly editor: CallNode
  readonly where: Node | undefined
}
