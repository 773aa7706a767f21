import type { Folder } from '../load.ts'
import { type Role, roles, type WrittenPipeline } from './pipelines.ts'
import type { Report } from './report.ts'

/**
 * auditcol carries logs alone. Pipelines of other signals are refused where they stand, or with
 * `--logs-only` left out, and with them what only they use; that is not looked at in either case.
 */
export function leaveOutOthers(
  pipelines: readonly WrittenPipeline[],
  connectors: ReadonlySet<string>,
  logsOnly: boolean,
  report: Report
): { logs: readonly WrittenPipeline[]; leftOut: (folder: Folder, id: string) => boolean } {
  const others = pipelines.filter(({ signal }) => signal !== 'logs')
  const allLogs = pipelines.filter(({ signal }) => signal === 'logs')
  const logs = logsOnly ? withoutJoints(allLogs, others, connectors) : allLogs
  const kept = new Set(logs.map(({ id }) => id))
  const gone = pipelines.filter(({ id }) => !kept.has(id))
  const used = new Set(logs.flatMap(uses))
  const left = new Set(pipelines.flatMap(uses).filter((use) => !used.has(use)))
  const first = gone[0]
  if (logsOnly && first) report.note('info', first.place, summary(gone, left))
  else
    for (const { place, id } of others) report.problem(place, `service::pipelines::${id}`, refusal)
  // A connector is named where receivers and exporters are.
  const names = (folder: Folder, id: string) =>
    folder === 'connectors' ? [`receivers ${id}`, `exporters ${id}`] : [`${folder} ${id}`]
  return {
    logs,
    leftOut: (folder, id) =>
      names(folder, id).some((use) => left.has(use)) &&
      !names(folder, id).some((use) => used.has(use))
  }
}

/**
 * The logs pipelines without the connectors that join them to pipelines of other signals alone (`count`
 * makes metrics of logs), and without those that lead nowhere else, or come from nowhere else.
 */
function withoutJoints(
  logs: readonly WrittenPipeline[],
  others: readonly WrittenPipeline[],
  connectors: ReadonlySet<string>
): readonly WrittenPipeline[] {
  const all = [...logs, ...others]
  let left = logs
  for (;;) {
    const isLost = (id: string, end: Role) =>
      connectors.has(id) && isUsed(id, end, all) && !isUsed(id, end, left)
    const next = left
      .map((pipeline) => ({
        ...pipeline,
        receivers: pipeline.receivers.filter(({ id }) => !isLost(id, 'exporters')),
        exporters: pipeline.exporters.filter(({ id }) => !isLost(id, 'receivers'))
      }))
      .filter(({ receivers, exporters }) => receivers.length > 0 && exporters.length > 0)
    if (references(next) === references(left)) return left
    left = next
  }
}

function isUsed(id: string, role: Role, pipelines: readonly WrittenPipeline[]): boolean {
  return pipelines.some((pipeline) => pipeline[role].some((reference) => reference.id === id))
}

function references(pipelines: readonly WrittenPipeline[]): number {
  return pipelines.reduce((sum, pipeline) => sum + uses(pipeline).length, 0)
}

const refusal =
  'auditcol carries logs only: take this pipeline out, or start with --logs-only, which leaves out ' +
  'pipelines of other signals and what only they use'

function uses(pipeline: WrittenPipeline): string[] {
  return roles.flatMap((role) => pipeline[role].map(({ id }) => `${role} ${id}`))
}

function summary(gone: readonly WrittenPipeline[], left: ReadonlySet<string>): string {
  const names = gone.map(({ id }) => id).join(', ')
  const only = roles.flatMap((role) => {
    const ids = [...left].filter((use) => use.startsWith(`${role} `))
    return ids.length === 0
      ? []
      : `${role} ${ids.map((use) => use.slice(role.length + 1)).join(', ')}`
  })
  const also = only.length === 0 ? '' : `, and what only they use: ${only.join('; ')}`
  return `--logs-only leaves out ${gone.length === 1 ? 'the pipeline' : 'the pipelines'} ${names}${also}`
}
