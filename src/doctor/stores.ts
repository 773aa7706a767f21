import { randomBytes } from 'node:crypto'
import { type CheckName, checkNames, type Findings } from '../archive/findings.ts'
import { chooseLayout } from '../archive/layout_choice.ts'
import { meanings } from '../archive/meanings.ts'
import { probe } from '../archive/probe.ts'
import type { Subject } from '../archive/probes.ts'
import type { S3Uploader } from '../archive/s3_schema.ts'
import { createSubjects } from '../archive/subjects.ts'
import type { Component, Config } from '../config/config.ts'
import { type Exported, minimalPolicy, type Policy, partOf } from './policy.ts'

/** What is found of the store of one exporter. */
export interface StoreReport {
  readonly exporter: string
  /** `pipeline.yaml:14:3`. */
  readonly place: string
  readonly store: string
  /** Missing where the store did not answer, or where data chooses every bucket. */
  readonly findings?: Findings
  readonly required: readonly CheckName[]
  /** What the configuration asks for and the store has not; then the exit code is 1. */
  readonly problems: readonly string[]
  readonly notes: readonly string[]
  readonly policy?: Policy
  readonly missing?: Policy
}

/** What an awss3 exporter has in its options. */
interface Options {
  readonly s3uploader: Exported & S3Uploader
  readonly require: readonly CheckName[]
  readonly resource_attrs_to_s3: { readonly s3_bucket: string; readonly s3_prefix: string }
}

/** Probes the store of every awss3 exporter, one after the other, in a folder of its own: a collector may be running. */
export async function examineStores(config: Config): Promise<StoreReport[]> {
  const reports: StoreReport[] = []
  for (const exporter of config.exporters.values()) {
    if (exporter.type === 'awss3') reports.push(await examine(exporter))
  }
  return reports
}

async function examine({ id, place, options }: Component): Promise<StoreReport> {
  const { s3uploader, resource_attrs_to_s3: mapped } = options as Options
  const askedBy = checksAsked(options as Options)
  const required = checkNames.filter(
    (name) => (askedBy.get(name) ?? 'object_lock') !== 'object_lock'
  )
  const { s3_bucket } = s3uploader
  const notes =
    mapped.s3_bucket === ''
      ? []
      : [`buckets that records name in ${mapped.s3_bucket} are probed when one is named first`]
  const about = { exporter: id, place, required, notes }
  if (s3_bucket === '')
    return { ...about, store: 'the bucket that each record names', problems: [] }
  const doctor = { writer: 'doctor', id: randomBytes(8).toString('hex') }
  const subjects = createSubjects(s3uploader, doctor)
  const subject = subjects.of(s3_bucket)
  const whole = s3_bucket.startsWith('file:')
    ? undefined
    : minimalPolicy(s3uploader, mapped.s3_prefix !== '')
  const policy = whole && { policy: whole }
  try {
    const findings = await probed(subject, subjects.folder)
    const needs = checkNames.flatMap((name) => findings[name].needs ?? [])
    const missing = whole && partOf(whole, needs)
    const problems = problemsIn(findings, askedBy)
    return {
      ...about,
      store: subject.name,
      findings,
      problems,
      ...policy,
      ...(missing && { missing })
    }
  } catch (error) {
    return { ...about, store: subject.name, problems: [(error as Error).message], ...policy }
  }
}

async function probed(subject: Subject, folder: string): Promise<Findings> {
  const store = await subject.open()
  try {
    await store.reach()
    return await probe(store, folder, subject.plain)
  } finally {
    store.close()
  }
}

function problemsIn(findings: Findings, askedBy: ReadonlyMap<CheckName, string>): string[] {
  const { create_only } = findings
  const nothing =
    create_only.result === 'unknown' ? [`nothing is stored: ${create_only.answer}`] : []
  const unmet = checkNames
    .filter((name) => askedBy.has(name) && findings[name].result !== 'ok')
    .map((name) => {
      const { result, answer, needs } = findings[name]
      return `${askedBy.get(name)} asks for ${name}, which is ${result} (${answer}): ${needs ? `allow ${needs}` : meanings[name].mend}`
    })
  return [...nothing, ...unmet]
}

/** Each check that a start, or what is stored, is refused without, and by which key it was asked for. */
function checksAsked({ s3uploader, require }: Options): Map<CheckName, string> {
  const { layout, object_lock } = s3uploader
  const namer = layout === 'collector' ? 'key_template without {number}' : `layout: ${layout}`
  return new Map<CheckName, string>([
    ...(object_lock === undefined ? [] : [['object_lock', 'object_lock'] as const]),
    // Needs do not hang on the extension.
    ...chooseLayout(s3uploader, '').needs.map((name) => [name, namer] as const),
    ...require.map((name) => [name, 'require'] as const)
  ])
}
