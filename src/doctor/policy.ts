import { posix } from 'node:path'
import { archiveRoot } from '../archive/root.ts'
import type { S3Options } from '../archive/s3_options.ts'

/** An IAM policy, as AWS takes it. */
export interface Policy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly Statement[]
}

interface Statement {
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: string
}

export interface Exported extends S3Options {
  readonly s3_bucket: string
  readonly s3_base_prefix: string
  readonly s3_prefix: string
}

/** What an exporter needs, at least; `prefixFromData`: a record may replace s3_prefix. */
export function minimalPolicy(uploader: Exported, prefixFromData: boolean): Policy {
  const bucket = bucketArn(uploader)
  const base = uploader.s3_base_prefix === '' ? '' : posix.join(uploader.s3_base_prefix, '/')
  const folder = prefixFromData ? base : archiveRoot(uploader).replace(/\.auditcol\/$/, '')
  // An access point's objects lie below /object.
  const objects = uploader.s3_bucket.startsWith('arn:') ? `${bucket}/object` : bucket
  return policyOf([
    { Action: objectActions(uploader), Resource: `${objects}/${folder.replace(/^\/+/, '')}*` },
    { Action: bucketActions, Resource: bucket },
    ...keyStatements(uploader)
  ])
}

/** The part of a policy that has these actions; undefined when it has none of them. */
export function partOf(policy: Policy, actions: readonly string[]): Policy | undefined {
  const parts = policy.Statement.map(({ Action, Resource }) => {
    return { Action: Action.filter((action) => actions.includes(action)), Resource }
  })
  const missing = parts.filter(({ Action }) => Action.length > 0)
  return missing.length === 0 ? undefined : policyOf(missing)
}

/** Listing is for verifying; the others are asked by probes. */
const bucketActions = [
  's3:ListBucket',
  's3:GetBucketVersioning',
  's3:GetBucketObjectLockConfiguration'
]

function objectActions({ acl, tags, object_lock: lock }: S3Options): string[] {
  const actions = ['s3:PutObject', 's3:GetObject']
  if (acl !== undefined) actions.push('s3:PutObjectAcl')
  if (tags !== undefined) actions.push('s3:PutObjectTagging')
  if (lock?.mode !== undefined) actions.push('s3:PutObjectRetention', 's3:GetObjectRetention')
  if (lock?.legal_hold) actions.push('s3:PutObjectLegalHold', 's3:GetObjectLegalHold')
  return actions
}

function keyStatements({ sse, region }: S3Options): Omit<Statement, 'Effect'>[] {
  if (sse?.type !== 'kms') return []
  const key = sse.kms_key_id ?? '*'
  const arn =
    key.startsWith('arn:') || key === '*' ? key : `arn:${partition(region)}:kms:*:*:key/${key}`
  return [{ Action: ['kms:GenerateDataKey', 'kms:Decrypt'], Resource: arn }]
}

function bucketArn({ s3_bucket, region }: Exported): string {
  return s3_bucket.startsWith('arn:') ? s3_bucket : `arn:${partition(region)}:s3:::${s3_bucket}`
}

function partition(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

function policyOf(statements: readonly Omit<Statement, 'Effect'>[]): Policy {
  return {
    Version: '2012-10-17',
    Statement: statements.map((statement) => ({ Effect: 'Allow', ...statement }))
  }
}
