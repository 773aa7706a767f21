import type { Folder } from '../load.ts'
import { roles, type WrittenPipeline } from './pipelines.ts'
import type { Report } from './report.ts'

/**
 * auditcol carries logs alone. Pipelines of other signals are refused where they stand, or with
 * `--logs-only` left out, and with them what only they use; that is not looked at in either case.
 */
export function leaveOutOthers(
  pipelines: readonly WrittenPipeline[],
  logsOnly: boolean,
  report: Report
): { logs: WrittenPipeline[]; leftOut: (folder: Folder, id: string) => boolean } {
  const logs = pipelines.filter(({ signal }) => signal === 'logs')
  const others = pipelines.filter(({ signal }) => signal !== 'logs')
  const used = new Set(logs.flatMap(uses))
  const left = new Set(others.flatMap(uses).filter((use) => !used.has(use)))
  const first = others[0]
  if (logsOnly && first) report.note('info', first.place, summary(others, left))
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

const refusal =
  'auditcol carries logs only: take this pipeline out, or start with --logs-only, which leaves out ' +
  'pipelines of other signals and what only they use'

function uses(pipeline: WrittenPipeline): string[] {
  return roles.flatMap((role) => pipeline[role].map(({ id }) => `${role} ${id}`))
}

function summary(others: readonly WrittenPipeline[], left: ReadonlySet<string>): string {
  const names = others.map(({ id }) => id).join(', ')
  const only = roles.flatMap((role) => {
    const ids = [...left].filter((use) => use.startsWith(`${role} `))
    return ids.length === 0
      ? []
      : `${role} ${ids.map((use) => use.slice(role.length + 1)).join(', ')}`
  })
  const also = only.length === 0 ? '' : `, and what only they use: ${only.join('; ')}`
  return `--logs-only leaves out ${others.length === 1 ? 'the pipeline' : 'the pipelines'} ${names}${also}`
}
