import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import fileStorage from '../../extensions/file_storage.ts'
import { errorsOf, load, withExporter, written } from './load.ts'

const delivery = async (body: string) =>
  (await load(withExporter('debug', body))).config.exporters.get('debug')!.delivery!

test('defaults: no queue beside the journal, and retries for ever', async () => {
  expect(await delivery('')).toEqual({
    sending_queue: {
      enabled: true,
      num_consumers: 10,
      sizer: 'requests',
      block_on_overflow: false,
      wait_for_result: false
    },
    retry_on_failure: {
      enabled: true,
      initial_interval: 5000,
      randomization_factor: 0.5,
      multiplier: 1.5,
      max_interval: 30_000,
      max_elapsed_time: 0
    },
    timeout: 5000
  })
})

test.each<[queue: string, expected: object]>([
  ['sending_queue:', { num_consumers: 10 }],
  [
    'sending_queue: { queue_size: 5000, sizer: items, block_on_overflow: true }',
    { queue_size: 5000, sizer: 'items', block_on_overflow: true }
  ],
  [
    'sending_queue: { sizer: bytes, batch: { min_size: 10 } }',
    { sizer: 'bytes', batch: { sizer: 'bytes', min_size: 10 } }
  ],
  [
    'sending_queue: { sizer: items, batch: { sizer: bytes, flush_timeout: 1m, max_size: 9000, partition: { metadata_keys: "a,b" } } }',
    {
      sizer: 'items',
      batch: {
        sizer: 'bytes',
        flush_timeout: 60_000,
        max_size: 9000,
        partition: { metadata_keys: ['a', 'b'] }
      }
    }
  ]
])('%s', async (queue, expected) => {
  expect((await delivery(queue)).sending_queue).toMatchObject(expected)
})

test.each<[body: string, error: string]>([
  [
    'sending_queue: { num_consumers: 0 }',
    '4:37: exporters::debug::sending_queue: `num_consumers` must be positive'
  ],
  [
    'sending_queue: { queue_size: -1 }',
    '4:34: exporters::debug::sending_queue: `queue_size` must be positive'
  ],
  [
    'sending_queue: { batch: { flush_timeout: 0 } }',
    '4:46: exporters::debug::sending_queue::batch: `flush_timeout` must be positive, found 0'
  ],
  [
    'sending_queue: { batch: { flush_timeout: -1ms } }',
    '4:46: exporters::debug::sending_queue::batch: `flush_timeout` must be positive, found -1000000'
  ],
  [
    'sending_queue: { batch: { sizer: requests } }',
    '4:38: exporters::debug::sending_queue::batch: `batch` supports only `items` or `bytes` sizer, found "requests"'
  ],
  [
    'sending_queue: { sizer: requests, batch: }',
    '4:39: exporters::debug::sending_queue::batch: `batch` supports only `items` or `bytes` sizer, found "requests"'
  ],
  [
    'sending_queue: { batch: { min_size: 10, max_size: 5 } }',
    '4:22: exporters::debug::sending_queue::batch: `max_size` (5) must be greater or equal to `min_size` (10)'
  ],
  [
    'sending_queue: { sizer: items, queue_size: 5, batch: { min_size: 10 } }',
    '4:5: exporters::debug::sending_queue: `min_size` must be less than or equal to `queue_size`'
  ],
  [
    'sending_queue: { wait_for_result: true, storage: file_storage }',
    '4:5: exporters::debug::sending_queue: `wait_for_result` is not supported with a persistent queue configured with `storage`'
  ],
  [
    'sending_queue: { wait_for_result: true }',
    '4:39: exporters::debug::sending_queue: `wait_for_result` is not possible with the journal: it answers senders once it has their records safe on disk; leave it out, or set `service.journal: false`'
  ],
  [
    'sending_queue: { sizer: request }',
    `4:29: exporters::debug: 'sending_queue.sizer' must be one of requests, items, bytes, got "request" (did you mean requests?)`
  ],
  [
    'retry_on_failure: { initial_interval: -1s }',
    '4:43: exporters::debug::retry_on_failure: initial_interval value must be greater than or equal to 0'
  ],
  [
    'retry_on_failure: { randomization_factor: 2 }',
    '4:47: exporters::debug::retry_on_failure: randomization_factor value must be less than or equal to 1'
  ],
  [
    'retry_on_failure: { max_elapsed_time: 10s }',
    "4:5: exporters::debug::retry_on_failure: 'max_elapsed_time' must not be less than 'max_interval'"
  ],
  ['timeout: -1s', "4:14: exporters::debug: 'timeout' must be non-negative"],
  [
    'num_consumers: 3',
    "4:5: exporters::debug: '' has invalid keys: num_consumers (belongs under sending_queue)"
  ],
  [
    'sending_queue: { initial_interval: 1s }',
    "4:22: exporters::debug: 'sending_queue' has invalid keys: initial_interval (belongs under retry_on_failure)"
  ]
])('refuses %s', async (body, error) => {
  expect(await errorsOf(withExporter('debug', body))).toEqual([`pipeline.yaml:${error}`])
})

test('a queue that is switched off changes nothing, and one line says so', async () => {
  const { notes } = await load(withExporter('debug', 'sending_queue: { enabled: false }'))
  expect(notes).toEqual([
    {
      level: 'info',
      place: 'pipeline.yaml:4:31',
      text: 'exporters::debug: sending_queue::enabled false changes nothing: there is no queue beside the journal, which stays on'
    }
  ])
})

test('without the journal an exporter may wait for the result', async () => {
  const text = `${withExporter('debug', 'sending_queue: { wait_for_result: true }')}  journal: false\n`
  expect((await load(text)).config.journal).toBe(false)
})

const stored = (storages: string[], extensions: string, service = '') =>
  `receivers: { otlp: { protocols: { http: } } }
exporters:
${storages.map((storage, index) => `  debug/${index}: { sending_queue: { storage: ${storage} } }`).join('\n')}
extensions: ${extensions}
service:
  ${service}
  pipelines: { logs: { receivers: [otlp], exporters: [${storages.map((_, index) => `debug/${index}`).join()}] } }
`

test('the journal lies in the storage that the queues name', async () => {
  const { config } = await load(
    stored(
      ['file_storage/q', 'file_storage/q'],
      '{ file_storage/q: { directory: /data/q } }',
      'extensions: [file_storage/q]'
    )
  )
  expect(config.journal).toMatchObject({ directory: '/data/q/auditcol', max_size: 8 * 2 ** 30 })
})

test.each<[what: string, text: string, error: string]>([
  [
    'a storage that is not configured',
    stored(['file_storage'], '{}'),
    '3:40: exporters::debug/0::sending_queue: references storage extension "file_storage" which is not configured'
  ],
  [
    'a storage that is not listed',
    stored(['file_storage'], '{ file_storage: }'),
    '3:40: exporters::debug/0::sending_queue: references storage extension "file_storage" which is not listed in service::extensions'
  ],
  [
    'an extension that stores nothing',
    stored(['health_check'], '{ health_check: }', 'extensions: [health_check]'),
    '3:40: exporters::debug/0::sending_queue: storage "health_check": requested extension is not a storage extension'
  ],
  [
    'two storages',
    stored(
      ['file_storage', 'file_storage/b'],
      '{ file_storage: , file_storage/b: { directory: /b } }',
      'extensions: [file_storage, file_storage/b]'
    ),
    '4:40: exporters::debug/1::sending_queue: storage "file_storage/b" is another directory than "file_storage" of exporters::debug/0: there is one journal, so name one storage'
  ],
  [
    'a storage and a directory',
    stored(
      ['file_storage'],
      '{ file_storage: }',
      'extensions: [file_storage]\n  journal: { directory: /j }'
    ),
    '3:40: exporters::debug/0::sending_queue: storage "file_storage" puts the journal in /var/lib/otelcol/file_storage/auditcol, and service::journal::directory in /j: leave one out'
  ],
  [
    'a storage and no journal',
    stored(['file_storage'], '{ file_storage: }', 'extensions: [file_storage]\n  journal: false'),
    '3:40: exporters::debug/0::sending_queue: storage needs the journal, and `service.journal: false` takes it away'
  ]
])('refuses %s', async (_, text, error) => {
  expect(await errorsOf(text)).toEqual([`pipeline.yaml:${error}`])
})

test.each<[body: string, error: string]>([
  [
    'fsync: false',
    'extensions::file_storage: fsync: false would let a power cut take what was acknowledged: leave it out'
  ],
  [
    'recreate: true',
    'extensions::file_storage: recreate: true would begin an empty storage where the old one is damaged, and lose what it holds: use auditcol repair'
  ],
  [
    'create_directory: true, directory_permissions: "0999"',
    'extensions::file_storage: directory_permissions value must be a valid octal representation'
  ],
  [
    'create_directory: true, directory_permissions: "7777"',
    'extensions::file_storage: directory_permissions contain invalid bits for file access'
  ],
  [
    'on_start: true',
    "extensions::file_storage: '' has invalid keys: on_start (belongs under compaction)"
  ]
])('file_storage refuses %s', async (body, error) => {
  const errors = await errorsOf(
    stored(['file_storage'], `{ file_storage: { ${body} } }`, 'extensions: [file_storage]')
  )
  expect(errors).toEqual([expect.stringMatching(/^pipeline.yaml:4:\d+: /)])
  expect(errors[0]).toContain(error)
})

test('file_storage takes the keys whose purpose the journal serves by itself', async () => {
  const body =
    'fsync: true, timeout: 10s, recreate: false, compaction: { on_start: true, on_rebound: true, directory: /tmp, max_transaction_size: 65536, cleanup_on_start: true, rebound_needed_threshold_mib: 100, rebound_trigger_threshold_mib: 10, check_interval: 5s }'
  const { config } = await load(
    stored(['file_storage'], `{ file_storage: { ${body} } }`, 'extensions: [file_storage]')
  )
  expect(config.extensionsInUse).toEqual(['file_storage'])
})

test('file_storage makes its directory when asked to, and wants it there otherwise', async () => {
  const parent = await written({})
  const options = {
    timeout: 1000,
    fsync: true,
    directory_permissions: '0750',
    compaction: {},
    recreate: false
  } as const
  const missing = { ...options, directory: join(parent, 'a/b'), create_directory: false }
  await expect(fileStorage(missing)).rejects.toThrow(
    `directory must exist: ${join(parent, 'a/b')}. You can enable the create_directory option to automatically create it`
  )
  const made = await fileStorage({ ...missing, create_directory: true })
  expect(made).toEqual({ directory: join(parent, 'a/b/auditcol') })
  expect((await stat(join(parent, 'a/b'))).mode & 0o777).toBe(0o750)
  await mkdir(join(parent, 'c'))
  expect(
    await fileStorage({ ...options, directory: join(parent, 'c'), create_directory: false })
  ).toEqual({
    directory: join(parent, 'c/auditcol')
  })
})
