import { expect, test } from 'vitest'
import { config } from '../../exporters/awss3.ts'
import { type Exported, minimalPolicy, partOf } from '../../src/doctor/policy.ts'

function policyOf(s3uploader: Record<string, unknown>, prefixFromData = false) {
  const options = config.parse({ s3uploader: { s3_bucket: 'logs', ...s3uploader } })
  return minimalPolicy(options.s3uploader as Exported, prefixFromData)
}

const resources = (s3uploader: Record<string, unknown>, prefixFromData = false) =>
  policyOf(s3uploader, prefixFromData).Statement.map(({ Resource }) => Resource)

const objectActions = (s3uploader: Record<string, unknown>) =>
  policyOf(s3uploader).Statement[0]!.Action

test.for<[Record<string, unknown>, boolean, string]>([
  [{}, false, 'arn:aws:s3:::logs/*'],
  [{ s3_base_prefix: 'a', s3_prefix: 'b' }, false, 'arn:aws:s3:::logs/a/b/*'],
  [{ s3_base_prefix: 'a', s3_prefix: 'b' }, true, 'arn:aws:s3:::logs/a/*'],
  [{ s3_prefix: 'b' }, true, 'arn:aws:s3:::logs/*'],
  [{ s3_prefix: 'b/day=%d/c' }, false, 'arn:aws:s3:::logs/b/*'],
  [{ region: 'cn-north-1' }, false, 'arn:aws-cn:s3:::logs/*'],
  [{ region: 'us-gov-west-1' }, false, 'arn:aws-us-gov:s3:::logs/*'],
  [
    { s3_bucket: 'arn:aws:s3:eu-west-1:123456789012:accesspoint/audit', s3_prefix: 'x' },
    false,
    'arn:aws:s3:eu-west-1:123456789012:accesspoint/audit/object/x/*'
  ]
])('%j, prefix from data %s: objects are %s', ([s3uploader, prefixFromData, resource]) => {
  expect(resources(s3uploader, prefixFromData)[0]).toBe(resource)
})

test('what objects carry needs rights of its own', () => {
  expect(objectActions({})).toEqual(['s3:PutObject', 's3:GetObject'])
  expect(objectActions({ acl: 'private', tags: { a: 'b' } }).slice(2)).toEqual([
    's3:PutObjectAcl',
    's3:PutObjectTagging'
  ])
  const lock = { mode: 'compliance', retention: '1h', legal_hold: true }
  expect(objectActions({ object_lock: lock }).slice(2)).toEqual([
    ...['s3:PutObjectRetention', 's3:GetObjectRetention'],
    ...['s3:PutObjectLegalHold', 's3:GetObjectLegalHold']
  ])
  expect(policyOf({ sse: { type: 'kms', kms_key_id: 'k1' } }).Statement[2]).toEqual({
    Effect: 'Allow',
    Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
    Resource: 'arn:aws:kms:*:*:key/k1'
  })
})

test('of the whole only what is missing', () => {
  const whole = policyOf({ s3_prefix: 'audit' })
  expect(partOf(whole, ['s3:GetObject', 's3:ListBucket'])).toEqual({
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: ['s3:GetObject'], Resource: 'arn:aws:s3:::logs/audit/*' },
      { Effect: 'Allow', Action: ['s3:ListBucket'], Resource: 'arn:aws:s3:::logs' }
    ]
  })
  expect(partOf(whole, [])).toBeUndefined()
})
