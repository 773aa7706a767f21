import { expect } from 'vitest'
import type { Auditcol } from './auditcol.ts'
import { send } from './records.ts'

/** One receiver that feeds all these exporters, each in a lane of its own; `service` takes more keys. */
export function pipelineOf(
  exporters: Record<string, string>,
  { processors = '', service = '' } = {}
): string {
  const names = Object.keys(exporters).join(', ')
  const entries = Object.entries(exporters).map(([name, keys]) => `  ${name}: { ${keys} }`)
  return `
receivers:
  otlp: { protocols: { http: { endpoint: 127.0.0.1:0 } } }
${processors && `processors: { ${processors} }`}
exporters:
${entries.join('\n')}
service:
${service}
  pipelines:
    logs: { receivers: [otlp], processors: [${processors.split(':')[0]}], exporters: [${names}] }
`
}

/** Sends each id in a request of its own, one after the other. */
export async function sendEach({ http }: Auditcol, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(await send(http, [id])).toMatchObject({ status: 200 })
}
