import type { z } from 'zod'
import { type Note, type Place, type Problem, showPlace } from './errors.ts'
import { fit } from './fit.ts'
import { type Checked, problemsOf } from './problems.ts'

/** What a check has found so far; a check goes on after an error, so that all are told at once. */
export interface Report {
  readonly problems: Problem[]
  readonly notes: Note[]
  problem(place: Place, path: string, message: string): void
  note(level: Note['level'], place: Place, text: string): void
  /** The value by its schema, with defaults; undefined when it was wrong, which is then reported. */
  check<T extends z.ZodType>(
    schema: T,
    checked: Omit<Checked, 'schema'>
  ): { value: z.output<T> } | undefined
}

export function createReport(problems: Problem[], notes: Note[]): Report {
  return {
    problems,
    notes,
    problem: (place, path, message) => void problems.push({ place, path, message }),
    note: (level, place, text) => void notes.push({ level, text, place: showPlace(place) }),
    check: (schema, checked) => {
      const result = schema.safeParse(fit(schema, checked.node), { reportInput: true })
      if (result.success) return { value: result.data }
      problems.push(...problemsOf(result.error.issues, { ...checked, schema }))
      return undefined
    }
  }
}
