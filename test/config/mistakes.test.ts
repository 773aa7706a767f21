import { expect, test } from 'vitest'
import { errorsOf, withExporter } from './load.ts'

const good = `receivers:
  otlp:
    protocols:
      http:
exporters:
  debug:
service:
  pipelines:
    logs:
      receivers: [otlp]
      exporters: [debug]
`

const lines = good.split('\n')

/** The good configuration with its line `number` replaced. */
function line(number: number, ...texts: string[]): string {
  return lines.toSpliced(number - 1, 1, ...texts).join('\n')
}

test.each<[mistake: string, text: string, ...errors: string[]]>([
  ['an empty file', '# nothing\n', 'pipeline.yaml: empty configuration file'],
  [
    'no receivers',
    good.replace(/receivers:\n[^e]*/, '').replace('[otlp]', '[]'),
    'pipeline.yaml: no receiver configuration specified in config',
    'pipeline.yaml:5:5: service::pipelines::logs: must have at least one receiver'
  ],
  [
    'no exporters',
    good.replace('exporters:\n  debug:\n', 'exporters: {}\n').replace('[debug]', ''),
    'pipeline.yaml:5:1: no exporter configuration specified in config',
    'pipeline.yaml:8:5: service::pipelines::logs: must have at least one exporter'
  ],
  [
    'no pipelines',
    'receivers: { otlp: { protocols: { http } } }\nexporters: { debug }\nservice:\n',
    'pipeline.yaml:3:1: service::pipelines: service must have at least one pipeline'
  ],
  [
    'a pipeline without a body',
    'receivers: { otlp: { protocols: { http } } }\nexporters: { debug }\nservice: { pipelines: { logs/a: } }\n',
    'pipeline.yaml:3:25: service::pipelines::logs/a: must have at least one receiver',
    'pipeline.yaml:3:25: service::pipelines::logs/a: must have at least one exporter'
  ],
  [
    'a processor twice',
    line(10, '      receivers: [otlp]', '      processors: [batch, batch]').replace(
      'service:',
      'processors: { batch: }\nservice:'
    ),
    'pipeline.yaml:12:27: service::pipelines::logs: references processor "batch" multiple times'
  ],
  [
    'a receiver that is not configured',
    line(10, '      receivers: [otlp, otpl]'),
    'pipeline.yaml:10:25: service::pipelines::logs: references receiver "otpl" which is not configured (did you mean otlp?)'
  ],
  [
    'a processor that is not configured',
    line(10, '      receivers: [otlp]', '      processors: [debug]'),
    'pipeline.yaml:11:20: service::pipelines::logs: references processor "debug" which is not configured (it is configured under exporters)'
  ],
  [
    'an exporter that is not configured',
    line(11, '      exporters: [kafka]'),
    'pipeline.yaml:11:19: service::pipelines::logs: references exporter "kafka" which is not configured'
  ],
  [
    'an extension that is not configured',
    line(7, 'service:', '  extensions: [health_check]'),
    'pipeline.yaml:8:16: service::extensions: references extension "health_check" which is not configured'
  ],
  [
    'a connector with the id of an exporter',
    `${good}connectors: { debug: }\n`,
    'pipeline.yaml:12:15: connectors: unknown type: "debug" for id: "debug" (valid values: [])',
    `pipeline.yaml:12:15: connectors::debug: ambiguous ID: Found both "debug" exporter and "debug" connector. Change one of the components' IDs to eliminate ambiguity (e.g. rename "debug" connector to "debug/connector")`
  ],
  [
    'an unknown type',
    line(2, '  otpl:'),
    'pipeline.yaml:2:3: receivers: unknown type: "otpl" for id: "otpl" (valid values: [file_log otlp]) (did you mean otlp?)',
    'pipeline.yaml:10:19: service::pipelines::logs: references receiver "otlp" which is not configured (did you mean otpl?)'
  ],
  [
    'the logging exporter',
    line(6, '  debug:', '  logging:'),
    'pipeline.yaml:7:3: exporters: the logging exporter has been deprecated, use the debug exporter instead'
  ],
  [
    'an unknown key at the top',
    `${good}recievers:\n`,
    "pipeline.yaml:12:1: '' has invalid keys: recievers (did you mean receivers?)"
  ],
  [
    'a part of service at the top',
    `${good}telemetry:\n`,
    "pipeline.yaml:12:1: '' has invalid keys: telemetry (belongs under service)"
  ],
  [
    'a component that lost its indentation',
    `${good}file_log/a:\n`,
    "pipeline.yaml:12:1: '' has invalid keys: file_log/a (belongs under receivers)"
  ],
  [
    'a section in service',
    `${good}  processors:\n`,
    "pipeline.yaml:12:3: 'service' has invalid keys: processors (belongs at the top level)"
  ],
  [
    'an unknown key of a pipeline',
    `${good}      exporter: [debug]\n`,
    "pipeline.yaml:12:7: service::pipelines: '[logs]' has invalid keys: exporter (did you mean exporters?)"
  ],
  [
    'an unknown key of a component',
    line(6, '  debug: { verbossity: basic }'),
    "pipeline.yaml:6:12: exporters::debug: '' has invalid keys: verbossity (did you mean verbosity?)"
  ],
  [
    'a protocol nobody knows',
    line(4, '      htttp:'),
    "pipeline.yaml:4:7: receivers::otlp: 'protocols' has invalid keys: htttp (did you mean http?)"
  ],
  [
    'no protocol',
    good.replace(/ {4}protocols:\n {6}http:\n/, ''),
    'pipeline.yaml:2:3: receivers::otlp: must specify at least one protocol when using the OTLP receiver'
  ],
  [
    'metrics.address, which the Collector refuses too',
    line(7, 'service:', '  telemetry: { metrics: { address: ":8888" } }'),
    "pipeline.yaml:8:27: 'service.telemetry.metrics' has invalid keys: address"
  ],
  [
    'a component that is a text',
    line(6, '  debug: nop'),
    "pipeline.yaml:6:10: exporters: '[debug]' expected type 'map[string]interface {}', got unconvertible type 'string'"
  ],
  [
    'a section that is a list',
    line(6, '  - debug'),
    "pipeline.yaml:6:3: 'exporters' expected type 'map[string]interface {}', got unconvertible type '[]interface {}'",
    'pipeline.yaml:11:19: service::pipelines::logs: references exporter "debug" which is not configured'
  ],
  [
    'a map where a list is wanted',
    line(10, '      receivers: { otlp: }'),
    "pipeline.yaml:10:7: service::pipelines: '[logs].receivers' source data must be an array or slice, got map"
  ],
  [
    'a text where a list is wanted',
    line(11, '      exporters: debug'),
    "pipeline.yaml:11:18: service::pipelines: '[logs].exporters' source data must be an array or slice, got string"
  ],
  [
    'no string in a list of ids',
    line(11, '      exporters: [debug, 3]'),
    "pipeline.yaml:11:26: service::pipelines: '[logs].exporters[1]' expected type 'string', got unconvertible type 'int'"
  ],
  [
    'nothing after the slash',
    line(6, '  debug:', '  debug/:'),
    'pipeline.yaml:7:3: exporters: in "debug/" id: the part after / should not be empty'
  ],
  [
    'nothing before the slash',
    line(6, '  debug:', '  /debug:'),
    'pipeline.yaml:7:3: exporters: in "/debug" id: the part before / should not be empty'
  ],
  ['no id', line(6, '  debug:', '  "":'), 'pipeline.yaml:7:3: exporters: id must not be empty'],
  [
    'letters that no type has',
    line(6, '  debug:', '  aws-s3:'),
    'pipeline.yaml:7:3: exporters: in "aws-s3" id: invalid character(s) in type "aws-s3"'
  ],
  [
    'letters that no name has',
    line(6, '  debug:', '  debug/a b:'),
    'pipeline.yaml:7:3: exporters: in "debug/a b" id: invalid character(s) in name "a b"'
  ],
  [
    'an id twice but for spaces',
    line(6, '  debug:', '  "debug ":'),
    'pipeline.yaml:7:3: exporters: duplicate name "debug " after unmarshaling debug'
  ],
  [
    'an unknown signal',
    line(9, '    log:'),
    'pipeline.yaml:9:5: service::pipelines: unknown pipeline signal: "log" (did you mean logs?)'
  ],
  [
    'a component that cannot be loaded',
    line(6, '  debug:', '  broken:'),
    expect.stringMatching(
      /^pipeline.yaml:7:3: exporters::broken: loading .*broken.ts: cannot be loaded$/
    )
  ]
])('says what is wrong with %s', async (_, text, ...errors) => {
  expect((await errorsOf(text)).toSorted()).toEqual(errors.toSorted())
})

test.each<[mistake: string, body: string, ...errors: string[]]>([
  [
    'wrong type',
    's3uploader: { s3_bucket: 5 }',
    "4:30: exporters::awss3: 's3uploader.s3_bucket' expected type 'string', got unconvertible type 'int'"
  ],
  [
    'text for a number',
    's3uploader: { s3_bucket: b, s3_force_path_style: "yes" }',
    "4:54: exporters::awss3: 's3uploader.s3_force_path_style' expected type 'bool', got unconvertible type 'string'"
  ],
  [
    'number in a map of texts',
    's3uploader: { s3_bucket: b, tags: { b: 5 } }',
    "4:44: exporters::awss3: 's3uploader.tags[b]' expected type 'string', got unconvertible type 'int'"
  ],
  [
    'list for a map',
    's3uploader: [a]',
    `4:5: exporters::awss3: 's3uploader' expected a map or struct, got "slice"`
  ],
  [
    'duration without unit',
    'timeout: "10"\ns3uploader: { s3_bucket: b }',
    `4:14: exporters::awss3: 'timeout' time: missing unit in duration "10"`
  ],
  [
    'no duration',
    'timeout: soon\ns3uploader: { s3_bucket: b }',
    `4:14: exporters::awss3: 'timeout' time: invalid duration "soon"`
  ],
  [
    'duration that is a list',
    'timeout: [1]\ns3uploader: { s3_bucket: b }',
    "4:5: exporters::awss3: 'timeout' expected type 'string' or 'int', got unconvertible type '[]interface {}'"
  ],
  [
    'size',
    's3uploader: { s3_bucket: b, part_size: 5XB }',
    `4:44: exporters::awss3: 's3uploader.part_size' invalid size "5XB": use bytes, or a number with kB, MB, GB, TB, KiB, MiB, GiB or TiB`
  ],
  [
    'one of a few',
    'marshaler: otlp_jsn\ns3uploader: { s3_bucket: b }',
    `4:16: exporters::awss3: 'marshaler' must be one of otlp_json, otlp_proto, body, got "otlp_jsn" (did you mean otlp_json?)`
  ],
  [
    "a component's own text",
    's3uploader: { s3_bucket: b, region: "" }',
    '4:41: exporters::awss3::s3uploader: region is required'
  ],
  [
    'the whole map',
    's3uploader:\n  region: a',
    '4:5: exporters::awss3::s3uploader: bucket or endpoint is required'
  ],
  ['null body', '', '3:3: exporters::awss3::s3uploader: bucket or endpoint is required']
])('names field and place: %s', async (_, body, ...errors) => {
  expect(await errorsOf(withExporter('awss3', body))).toEqual(
    errors.map((error) => `pipeline.yaml:${error}`)
  )
})

test.each<[key: string, body: string, ...errors: string[]]>([
  [
    'flat keys',
    'region: us-east-1\ns3_bucket: b',
    "4:5: exporters::awss3: '' has invalid keys: region (belongs under s3uploader)",
    "5:5: exporters::awss3: '' has invalid keys: s3_bucket (belongs under s3uploader)"
  ],
  [
    'flat keys with a dash',
    's3-bucket: b',
    "4:5: exporters::awss3: '' has invalid keys: s3-bucket (did you mean s3_bucket, which belongs under s3uploader?)"
  ],
  [
    'a flat key that is refused where it belongs',
    's3uploader: { s3_bucket: b }\ns3_partition: hour',
    "5:5: exporters::awss3: '' has invalid keys: s3_partition (did you mean s3_partition_format, which belongs under s3uploader?)"
  ],
  [
    'flat with s3uploader',
    's3_prefix: logs\ns3uploader: { s3_bucket: b }',
    "4:5: exporters::awss3: '' has invalid keys: s3_prefix (belongs under s3uploader)"
  ],
  [
    'a flat key that two levels have',
    's3uploader: { region: a, endpoint: e }\ns3_bucket: b',
    "5:5: exporters::awss3: '' has invalid keys: s3_bucket (belongs under s3uploader)"
  ],
  [
    'flat endpoint',
    's3uploader: { s3_bucket: b }\nendpoint: http://minio:9000',
    "5:5: exporters::awss3: '' has invalid keys: endpoint (belongs under s3uploader)"
  ],
  [
    'flat path style',
    's3uploader: { s3_bucket: b }\ns3_force_path_style: true',
    "5:5: exporters::awss3: '' has invalid keys: s3_force_path_style (belongs under s3uploader)"
  ],
  [
    's3_partition: minute',
    's3uploader: { s3_bucket: b, s3_partition: minute }',
    '4:47: exporters::awss3::s3uploader: s3_partition was replaced by s3_partition_format'
  ],
  [
    's3_partition: hour',
    's3uploader:\n  s3_bucket: b\n  s3_partition: hour',
    '6:21: exporters::awss3::s3uploader: s3_partition was replaced by s3_partition_format'
  ],
  [
    's3_partition from a variable',
    's3uploader:\n  s3_bucket: b\n  s3_partition: $' + '{P}',
    '6:21: exporters::awss3::s3uploader: s3_partition was replaced by s3_partition_format'
  ],
  [
    's3_partition beside its successor',
    's3uploader: { s3_bucket: b, s3_partition_format: "%Y", s3_partition: hour }',
    '4:74: exporters::awss3::s3uploader: s3_partition was replaced by s3_partition_format'
  ],
  [
    'compression on the wrong level',
    'compression: gzip\ns3uploader: { s3_bucket: b }',
    "4:5: exporters::awss3: '' has invalid keys: compression (belongs under s3uploader)"
  ],
  [
    'role_arn on the wrong level',
    'role_arn: a\ns3uploader: { s3_bucket: b }',
    "4:5: exporters::awss3: '' has invalid keys: role_arn (belongs under s3uploader)"
  ],
  [
    'marshaler and retry_mode swapped',
    's3uploader: { s3_bucket: b, marshaler: body }\nretry_mode: nop',
    "4:33: exporters::awss3: 's3uploader' has invalid keys: marshaler (belongs under exporters::awss3)",
    "5:5: exporters::awss3: '' has invalid keys: retry_mode (belongs under s3uploader)"
  ],
  [
    'storage as a map',
    's3uploader: { s3_bucket: b }\nsending_queue:\n  storage:\n    directory: /x',
    "6:7: exporters::awss3: 'sending_queue.storage' expected type 'string', got unconvertible type 'map[string]interface {}' (name a storage extension, e.g. file_storage)"
  ],
  [
    'queue under s3uploader',
    's3uploader:\n  s3_bucket: b\n  sending_queue:',
    "6:7: exporters::awss3: 's3uploader' has invalid keys: sending_queue (belongs under exporters::awss3)"
  ],
  [
    'typo two levels down',
    's3uploader: { s3_buckett: b, endpoint: e }',
    "4:19: exporters::awss3: 's3uploader' has invalid keys: s3_buckett (did you mean s3_bucket?)"
  ]
])('repairs what real awss3 files get wrong: %s', async (_, body, ...errors) => {
  expect(await errorsOf(withExporter('awss3', body), { env: { P: 'hour' } })).toEqual(
    errors.map((error) => `pipeline.yaml:${error}`).filter(Boolean)
  )
})

test('a key that another kind of the map has is not called misspelt', async () => {
  const text = line(
    2,
    '  file_log: { include: [a], operators: [{ type: json_parser, from: x }] }',
    '  otlp:'
  )
  expect(await errorsOf(text)).toEqual([
    "pipeline.yaml:2:62: receivers::file_log: 'operators[0]' has invalid keys: from (belongs to another kind of this map)"
  ])
})
