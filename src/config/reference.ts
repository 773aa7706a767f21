import { z } from 'zod'
import { componentNames, componentRoot, type Folder, folders, loadComponent } from '../load.ts'
import { deliveryKeys } from './delivery.ts'
import { intakeKeys } from './intake.ts'
import { keyTable } from './key_table.ts'
import { serviceSchema } from './service.ts'

/** Markdown of every key that pipeline.yaml takes, from the schemas that check it. */
export async function componentsReference(root = componentRoot): Promise<string> {
  const parts = ['# Components and their keys', intro]
  for (const folder of folders) {
    const names = await componentNames(folder, root)
    if (names.length > 0) parts.push(`## ${folder}`)
    for (const name of names) parts.push(await componentReference(folder, name, root))
    if (folder === 'receivers')
      parts.push('### every receiver', keyTable(z.strictObject(intakeKeys)))
    if (folder === 'exporters')
      parts.push('### every exporter', keyTable(z.strictObject(deliveryKeys)))
  }
  return `${[...parts, '## service', keyTable(serviceSchema)].join('\n\n')}\n`
}

const intro =
  'Written by `npm run docs` from the schemas. Types: a duration is `1h30m`, `200ms` or a whole number of nanoseconds; ' +
  'a size is bytes or `64MiB`; `[]` stands for each entry of a list, `<name>` for a key of your own.'

async function componentReference(folder: Folder, name: string, root: string): Promise<string> {
  const component = await loadComponent(folder, name, root)
  if (!component) throw new Error(`loading ${folder}/${name}: it is missing`)
  return `### ${name}\n\n${keyTable(component.config)}`
}
