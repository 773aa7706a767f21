import { expect, test } from 'vitest'
import { config } from '../../exporters/awss3.ts'

/** The problems of a body, each as `path: message`. */
function problems(s3uploader: Record<string, unknown>, more: Record<string, unknown> = {}) {
  const outcome = config.safeParse({ s3uploader: { s3_bucket: 'logs', ...s3uploader }, ...more })
  return outcome.error?.issues.map(({ path, message }) => `${path.join('::')}: ${message}`) ?? []
}

test('the defaults are those of the Collector', () => {
  expect(config.parse({ s3uploader: { s3_bucket: 'logs' } })).toEqual({
    s3uploader: {
      region: 'us-east-1',
      s3_bucket: 'logs',
      s3_base_prefix: '',
      s3_prefix: '',
      s3_partition_format: 'year=%Y/month=%m/day=%d/hour=%H/minute=%M',
      file_prefix: '',
      endpoint: '',
      role_arn: '',
      external_id: '',
      s3_force_path_style: false,
      disable_ssl: false,
      storage_class: 'STANDARD',
      compression: '',
      retry_mode: 'standard',
      retry_max_attempts: 3,
      retry_max_backoff: 20_000,
      unique_key_func_name: '',
      layout: 'collector',
      max_keys_per_batch: 1000,
      partition_time: 'seal',
      allowed_lateness: 3_600_000
    },
    marshaler: 'otlp_json',
    resource_attrs_to_s3: { s3_bucket: '', s3_prefix: '' },
    require: [],
    timeout: 5000
  })
})

test('every key explains itself', () => {
  const shapes = [config.shape, config.shape.s3uploader.unwrap().shape]
  for (const [key, field] of shapes.flatMap((shape) => Object.entries(shape))) {
    expect(`${key}: ${field.description}`).toMatch(/: .{10,}/)
  }
})

test.for<[Record<string, unknown>, string]>([
  [{ region: '' }, 's3uploader::region: region is required'],
  [{ s3_bucket: '' }, 's3uploader::s3_bucket: bucket or endpoint is required'],
  [{ acl: 'open' }, 's3uploader::acl: invalid ACL'],
  [{ storage_class: 'COLD' }, 's3uploader::storage_class: invalid StorageClass'],
  [{ compression: 'snappy' }, 's3uploader::compression: unknown compression type'],
  [{ compression: 'zip' }, 's3uploader::compression: unsupported compression type "zip"'],
  [
    { retry_mode: 'never' },
    "s3uploader::retry_mode: invalid retry mode, must be either 'standard', 'adaptive' or 'nop'"
  ],
  [{ unique_key_func_name: 'ulid' }, 's3uploader::unique_key_func_name: invalid UniqueKeyFuncName'],
  [{ external_id: 'x' }, 's3uploader::external_id: external_id requires role_arn'],
  [
    { s3_partition_timezone: 'Mars' },
    's3uploader::s3_partition_timezone: invalid S3 partition timezone: unknown time zone Mars'
  ],
  [
    { s3_partition_format: '%Y/%Q' },
    's3uploader::s3_partition_format: unknown directive "%Q" in s3_partition_format "%Y/%Q"'
  ],
  [
    { s3_partition: 'hour' },
    "s3uploader::s3_partition: s3_partition was replaced by s3_partition_format: 'year=%Y/month=%m/day=%d/hour=%H' for hour, '…/minute=%M' for minute"
  ],
  [
    { retry_max_backoff: '20' },
    's3uploader::retry_max_backoff: time: missing unit in duration "20"'
  ],
  [{ endpoint: 'ftp://x' }, 's3uploader::endpoint: endpoint must be an http or https URL'],
  [
    { endpoint: 'https://user:pass@x' },
    's3uploader::endpoint: endpoint must not carry credentials: use the environment or a profile'
  ],
  [
    { endpoint: 'https://x', disable_ssl: true },
    's3uploader::disable_ssl: contradicts the https:// of endpoint'
  ],
  [{ compression_level: 3 }, 's3uploader::compression_level: needs compression: gzip or zstd'],
  [
    { compression: 'gzip', compression_level: 10 },
    's3uploader::compression_level: gzip has levels 1 to 9'
  ],
  [{ s3_prefix: '../up' }, 's3uploader: the prefixes lead above the bucket'],
  [{ s3_bucket: 's3://logs' }, 's3_bucket takes the name alone, without s3://'],
  [{ s3_bucket: 'logs/audit' }, 'what follows the name belongs in s3_prefix'],
  [{ s3_bucket: './archive' }, 'for a directory write file:./archive'],
  [{ retry_max_backoff: '-1s' }, 'retry_max_backoff must not be negative'],
  [{ s3_bucket: 'file:' }, 's3uploader::s3_bucket: names no directory after file:'],
  [
    { s3_bucket: 'file:./archive', sse: { type: 's3' } },
    's3uploader::sse: sse encrypts in the bucket, which the directory file:./archive has not'
  ],
  [
    { s3_bucket: 'file:./archive', s3_prefix: '/x' },
    's3uploader: a directory cannot hold this key'
  ],
  [{ tags: Object.fromEntries('abcdefghijk'.split('').map((k) => [k, k])) }, 'at most 10 tags'],
  [{ metadata: { note: 'ü' } }, 's3uploader::metadata::note: use printable ASCII'],
  [{ expected_bucket_owner: '12' }, 'an AWS account id has 12 digits'],
  [
    { object_lock: { mode: 'governance' } },
    's3uploader::object_lock: mode needs retention: for how long'
  ],
  [{ object_lock: { retention: '1h' } }, 's3uploader::object_lock: retention needs mode'],
  [{ object_lock: {} }, 's3uploader::object_lock: locks nothing'],
  [
    { object_lock: { mode: 'compliance', retention: '59s' } },
    's3uploader::object_lock::retention: retention must be at least 1m'
  ],
  [
    { object_lock: { mode: 'compliance', retention: '876001h' } },
    's3uploader::object_lock::retention: retention must be at most 36500d'
  ],
  [
    { s3_bucket: 'file:./archive', object_lock: { legal_hold: true } },
    's3uploader::object_lock: object_lock locks objects in the bucket, which the directory file:./archive has not'
  ],
  [{ sse: { type: 'kms', key: 'x' } }, 's3uploader::sse: Unrecognized key'],
  [
    { key_template: '{event_nam}.json' },
    's3uploader::key_template: unknown path "event_nam" (did you mean event_name?), at column 2: event_nam}.json'
  ],
  [
    { key_template: '%Y/{number}', s3_partition_format: '%Y' },
    's3uploader::s3_partition_format: key_template has the folders: leave s3_partition_format out'
  ],
  [
    { key_template: '{number}', file_prefix: 'x' },
    's3uploader::file_prefix: key_template has the whole name: leave file_prefix out'
  ],
  [
    { layout: 'litellm', unique_key_func_name: 'uuidv7' },
    's3uploader::unique_key_func_name: layout: litellm has the whole name'
  ],
  [
    { layout: 'litellm', key_template: '{number}' },
    's3uploader::key_template: layout: litellm has its own keys'
  ],
  [
    { layout: 'litellm', compression: 'gzip' },
    "s3uploader::compression: layout: litellm keeps LiteLLM's bytes"
  ],
  [
    { layout: 'litellm_batches', partition_time: 'record' },
    's3uploader::partition_time: layout: litellm_batches keeps the folders'
  ],
  [
    { layout: 'litellm', s3_partition_timezone: 'Europe/Berlin' },
    "s3uploader::s3_partition_timezone: layout: litellm: LiteLLM's folders are of UTC"
  ],
  [
    { partition_time: 'record', s3_partition_format: '%H' },
    's3uploader::partition_time: s3_partition_format has folders that come again'
  ],
  [
    { partition_time: 'record', key_template: '%Y-%m-%d_{number}.json' },
    's3uploader::partition_time: key_template has no time in its folders'
  ],
  [
    { allowed_lateness: '5m' },
    's3uploader::allowed_lateness: needs partition_time: record or arrival'
  ],
  [{ max_keys_per_batch: 5 }, 's3uploader::max_keys_per_batch: needs key_template, layout or'],
  [
    { max_keys_per_batch: 10_001, key_template: '{number}' },
    's3uploader::max_keys_per_batch: Too big'
  ],
  [
    { s3_bucket: 'file:./archive', key_template: `${'x'.repeat(256)}/{number}` },
    's3uploader: a directory cannot hold a name longer than 255 bytes'
  ]
])('%j is refused: %s', ([given, wanted]) => {
  expect(problems(given)).toEqual([expect.stringContaining(wanted)])
})

test.for<[Record<string, unknown>, string]>([
  [{ marshaler: 'xml' }, 'marshaler: unknown marshaler "xml"'],
  [{ marshaler: 'sumo_ic' }, 'marshaler: marshaler sumo_ic is the format of one vendor'],
  [{ require: ['speed'] }, 'require::0: Invalid option: expected one of "create_only"'],
  [{ encoding: 'otlp' }, 'encoding: encoding names an extension of the Collector: use marshaler'],
  [{ encoding_file_extension: 'x' }, 'encoding_file_extension: encoding_file_extension goes with'],
  [{ timeout: '-1s' }, "timeout: 'timeout' must be non-negative"],
  [{ compression: 'gzip' }, 'Unrecognized key: "compression"'],
  [
    { s3uploader: { s3_bucket: 'logs', layout: 'litellm' }, marshaler: 'json_lines' },
    'marshaler: layout: litellm writes bodies as they came'
  ],
  [
    {
      s3uploader: { s3_bucket: 'logs', layout: 'litellm' },
      resource_attrs_to_s3: { s3_prefix: 'team' }
    },
    'resource_attrs_to_s3::s3_prefix: layout: litellm has one prefix'
  ],
  [
    { resource_attrs_to_s3: { allowed_buckets: ['a'] } },
    'resource_attrs_to_s3::allowed_buckets: limits s3_bucket, which is not set'
  ],
  [
    { resource_attrs_to_s3: { s3_bucket: 'b', allowed_buckets: ['*-logs'] } },
    'resource_attrs_to_s3::allowed_buckets::0: a bucket name, or its beginning and a *'
  ]
])('beside s3uploader, %j is refused: %s', ([given, wanted]) => {
  expect(problems({}, given)).toEqual([expect.stringContaining(wanted)])
})

test('an endpoint alone needs a bucket from somewhere', () => {
  const endpoint = { s3_bucket: '', endpoint: 'http://minio:9000' }
  expect(problems(endpoint)).toEqual([expect.stringContaining('no bucket: name one here or by')])
  expect(problems(endpoint, { resource_attrs_to_s3: { s3_bucket: 'b' } })).toEqual([])
})

test('all problems are told at once', () => {
  const found = problems(
    { acl: 'x', storage_class: 'y', s3_partition_format: '%Q' },
    { marshaler: 'z' }
  )
  expect(found).toHaveLength(4)
})

test.for<[Record<string, unknown>]>([
  [{ endpoint: 'minio:9000', disable_ssl: true, s3_force_path_style: true, region: 'dummy' }],
  [{ endpoint: 'http://minio:9000' }],
  [{ s3_bucket: 'arn:aws:s3:eu-west-1:123456789012:accesspoint/audit' }],
  [{ key_template: '%Y/%m/{resource.attributes["service.name"]}/{number}.json' }],
  [{ partition_time: 'record', key_template: '{event_name}/%Y-%m-%d/{number}.json' }],
  [{ partition_time: 'arrival', allowed_lateness: '0s', max_keys_per_batch: 24 }],
  [{ layout: 'litellm', s3_prefix: 'proxy', max_keys_per_batch: 10_000 }],
  [{ layout: 'litellm_batches', compression: 'zstd', s3_bucket: 'file:./archive' }],
  [{ storage_class: 'GLACIER_IR', acl: 'bucket-owner-full-control', compression: 'none' }],
  [{ role_arn: 'arn:aws:iam::123456789012:role/x', external_id: 'y', retry_max_attempts: 0 }],
  [{ s3_bucket: 'file:./archive', s3_partition_timezone: 'Europe/Berlin', compression: 'zstd' }],
  [
    {
      sse: { type: 'kms', kms_key_id: 'k', bucket_key: true },
      object_lock: { mode: 'compliance', retention: '61320h', legal_hold: true },
      tags: { a: '' },
      metadata: { a: 'b' }
    }
  ]
])('%j is taken', ([given]) => {
  expect(problems(given)).toEqual([])
})

test.for<[string, number]>([
  ['2557d', 2557 * 86_400_000],
  ['1d', 86_400_000],
  ['36h', 36 * 3_600_000]
])('object_lock::retention %s', ([retention, milliseconds]) => {
  const object_lock = { mode: 'compliance', retention }
  const s3uploader = { s3_bucket: 'logs', object_lock }
  expect(config.parse({ s3uploader }).s3uploader.object_lock!.retention).toBe(milliseconds)
})

test.for<[string, string]>([
  ['1d12h', 'time: unknown unit "d" in duration "1d12h"'],
  ['7y', 'time: unknown unit "y" in duration "7y"'],
  ['1.5d', 'time: unknown unit "d" in duration "1.5d"']
])(
  'object_lock::retention %s is refused: a year is no fixed time, and days are whole',
  ([retention, wanted]) => {
    expect(problems({ object_lock: { mode: 'compliance', retention } })).toEqual([
      `s3uploader::object_lock::retention: ${wanted}`
    ])
  }
)
