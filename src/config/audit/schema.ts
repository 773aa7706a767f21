import { z } from 'zod'

/** `service.audit`: with `strict` a configuration that could lose or alter records unnoticed does not start. */
export const auditSchema = z
  .enum(['off', 'strict'])
  .default('off')
  .describe(
    '`strict`: start refuses what could lose or alter records unnoticed ([docs/audit.md](audit.md)).'
  )
