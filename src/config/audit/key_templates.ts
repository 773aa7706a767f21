import { compileKeyTemplate } from '../../archive/key_template.ts'
import type { Audited, Finding } from './audit.ts'
import { placeOf } from './place_of.ts'

/** Under a key without a number two objects with the same bytes are one: of a record sent twice one is left. */
export function keyTemplates({ config, sections }: Audited): Finding[] {
  const inUse = new Set(config.pipelines.flatMap(({ exporters }) => exporters))
  return [...config.exporters.values()].flatMap(({ id, options }) => {
    const { s3uploader } = options as { s3uploader?: { key_template?: string } }
    const template = s3uploader?.key_template
    if (!inUse.has(id) || template === undefined) return []
    if (compileKeyTemplate(template, 'UTC').isNumbered) return []
    return {
      place: placeOf(sections.exporters.declared.get(id)!, ['s3uploader', 'key_template']),
      path: `exporters::${id}::s3uploader`,
      message: 'key_template can give two objects the same key: put {number} into it'
    }
  })
}
