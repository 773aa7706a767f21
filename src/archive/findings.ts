import { NoReadRight, NotStored } from './store.ts'

/** What is asked, in the order in which people read it. */
export const checkNames = [
  'create_only',
  'checksums',
  'read',
  'list',
  'versioning',
  'object_lock',
  'clock'
] as const

export type CheckName = (typeof checkNames)[number]

export interface Finding {
  readonly result: 'ok' | 'no' | 'unknown'
  /** What was answered. */
  readonly answer: string
  /** The right that is missing, `s3:GetObject`. */
  readonly needs?: string
}

export type Findings = Readonly<Record<CheckName, Finding>>

/** No answer to the question; what was answered instead. */
export function unknown(answer: string): Finding {
  return { result: 'unknown', answer }
}

export function denied(needs: string): Finding {
  return { result: 'unknown', answer: `denied: needs ${needs}`, needs }
}

/** A denial names the right, anything else is told as it is. */
export function unanswered(error: unknown, right: string): Finding {
  const isDenied =
    error instanceof NoReadRight || (error instanceof NotStored && isDenial(error.code))
  return isDenied ? denied(right) : unknown((error as Error).message)
}

export function isDenial(code: string | undefined): boolean {
  return code === 'AccessDenied' || code === 'AllAccessDisabled'
}
