import { readAttribute } from '../logs/message.ts'
import { recordFields } from '../logs/message_fields.ts'
import type { View } from '../ottl/values.ts'

/** A text among the attributes of the record in view that is there and not empty. */
export function textOf({ record }: View, name: string): string | undefined {
  const value = readAttribute(record, recordFields.attributes, name, Buffer.from(name))
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A whole number from 1. */
export function countOf({ record }: View, name: string): number | undefined {
  const value = readAttribute(record, recordFields.attributes, name, Buffer.from(name))
  return typeof value === 'bigint' && value > 0n ? Number(value) : undefined
}
