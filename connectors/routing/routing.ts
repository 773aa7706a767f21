import { z } from 'zod'
import type { Connector, ConnectorContext } from '../../src/component.ts'
import { parseId } from '../../src/config/ids.ts'
import { refused } from '../../src/config/refused.ts'
import type { Targets } from '../../src/load.ts'
import { editLogs, newLogsView } from '../../src/logs/edit.ts'
import { noLogs } from '../../src/logs/logs.ts'
import { emptyMap } from '../../src/logs/value.ts'
import { newTally } from '../../src/ottl/tally.ts'
import type { View } from '../../src/ottl/values.ts'
import { mistakesInRoute, questionOf, type Route, routeOf } from './route.ts'

const pipelines = z.array(
  z.string().transform((text, context) => {
    try {
      return parseId(text).text
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message })
      return z.NEVER
    }
  })
)

const route = z
  .strictObject({
    context: z
      .enum(['log', 'resource', 'otelcol', 'request'], {
        error: ({ input }) => `invalid context: ${String(input)}`
      })
      .optional()
      .describe(
        'What is asked: each `log` record, each `resource`, or the request that brought them, as `otelcol` or in the older form `request`. Without it, what the paths name; paths without a prefix are of the resource.'
      ),
    condition: z
      .string()
      .default('')
      .describe(
        'OTTL condition, e.g. `otelcol.client.metadata["X-Tenant"][0] == "a"`; for `request` it is `request["<header>"] == "<value>"` or `!=`. Both need `include_metadata` of the receiver.'
      ),
    statement: z
      .string()
      .default('')
      .describe('`route() where` and an OTTL condition, in the place of `condition`.'),
    pipelines: pipelines
      .default([])
      .describe(
        'Where records go for which it holds: pipelines that have this connector as a receiver.'
      ),
    action: z
      .enum(['move', 'copy'])
      .default('move')
      .describe(
        '`move`: no further route is asked for them. `copy`: later routes and the default get them too.'
      )
  })
  .superRefine(({ condition, statement, context: of, pipelines: to }, context) => {
    const problem = (message: string) => context.addIssue({ code: 'custom', message })
    if (condition === '' && statement === '')
      problem('invalid route: no condition or statement provided')
    if (condition !== '' && statement !== '')
      problem('invalid route: both condition and statement provided')
    if (of === 'request' && condition === '') problem(`"request" context requires a 'condition'`)
    if (to.length === 0) problem('invalid route: no pipelines defined')
  })

/** Sends each record into the pipelines of the first route that holds for it; see docs/connectors.md. */
export const config = z
  .strictObject({
    table: z.array(route).default([]).describe('The routes, asked in this order.'),
    default_pipelines: pipelines
      .default([])
      .describe(
        'Where records go that no route has moved. Without it they are dropped: a warning at start says so, and every lane behind counts them.'
      ),
    error_mode: z
      .enum(['ignore', 'silent', 'propagate'])
      .default('ignore')
      .describe(
        'What a condition that fails on a record does: `ignore` counts it, tells of the first, and the route does not hold; `silent` does not tell; `propagate` makes the record a dead letter of each lane.'
      ),
    match_once: refused(
      'the Collector has taken it out; a record takes the first route that holds, or with `action: copy` later ones too'
    )
  })
  .superRefine(({ table }, context) => {
    const problem = (path: readonly (string | number)[], message: string, decoding: boolean) =>
      context.addIssue({ code: 'custom', path: [...path], message, params: { decoding } })
    if (table.length === 0) problem([], 'invalid routing table: the routing table is empty', false)
    const known = new Map<string, number>()
    for (const [index, one] of table.entries()) {
      const mistakes = mistakesInRoute(one, index)
      for (const { path, message } of mistakes) problem(path, message, true)
      if (mistakes.length > 0) continue
      const same = questionOf(one)
      if (known.has(same))
        problem(
          ['table', index],
          `asks the same as table[${known.get(same)}], and would be ignored`,
          true
        )
      else known.set(same, index)
    }
  })

type Options = z.infer<typeof config>

export function targets({ table, default_pipelines }: Options): Targets {
  const at = (ids: readonly string[], path: (string | number)[]) =>
    ids.map((pipeline, index) => ({ pipeline, path: [...path, index] }))
  const named = [
    ...table.flatMap((one, index) => at(one.pipelines, ['table', index, 'pipelines'])),
    ...at(default_pipelines, ['default_pipelines'])
  ]
  return { named, dropsOthers: default_pipelines.length === 0 }
}

export default function routing(options: Options, context: ConnectorContext): Connector {
  const { table, default_pipelines, error_mode } = options
  const tally = newTally(context)
  const dropped = tally.counter('dropped', 'without a route')
  const routes = table.map((one, index) => routeOf(one, index, error_mode, tally))
  const view: View = { ...newLogsView(), cache: emptyMap }
  const ofResource = new Map<Route, boolean>()
  const ofRequest = new Map<Route, boolean>()

  const holds = (route: Route): boolean => {
    if (route.of === 'log') return route.holds(view)
    const asked = route.of === 'resource' ? ofResource : ofRequest
    const known = asked.get(route) ?? route.holds(view)
    asked.set(route, known)
    return known
  }

  /** Where this lane finds the record that is shown. */
  const destination = (): 'here' | 'elsewhere' | 'nowhere' => {
    let copied = false
    for (const route of routes) {
      if (!holds(route)) continue
      if (route.pipelines.includes(context.to)) return 'here'
      if (route.action === 'move') return 'elsewhere'
      copied = true
    }
    if (default_pipelines.includes(context.to)) return 'here'
    return copied || default_pipelines.length > 0 ? 'elsewhere' : 'nowhere'
  }

  return tally.counted((logs, { meta }) => {
    view.client = meta.client
    ofRequest.clear()
    if (routes.every(({ of }) => of === 'request')) {
      const to = destination()
      if (to === 'here') return { logs, elsewhere: 0 }
      if (to === 'elsewhere') return { logs: noLogs, elsewhere: logs.records }
    }
    let elsewhere = 0
    const resource = () => {
      ofResource.clear()
      return true
    }
    const record = () => {
      const to = destination()
      if (to === 'elsewhere') elsewhere++
      if (to === 'nowhere') dropped()
      return to === 'here'
    }
    return { logs: editLogs(logs, view, { resource, record }), elsewhere }
  })
}
