/** Component names the Collector has given up, and what they are called now: 0.144 to 0.161. */
export const renames = {
  receivers: { filelog: 'file_log', tcplog: 'tcp_log', webhookevent: 'webhook_event' },
  processors: { k8sattributes: 'k8s_attributes', resourcedetection: 'resource_detection' },
  exporters: { otlp: 'otlp_grpc', otlphttp: 'otlp_http' },
  connectors: {},
  extensions: {}
} as const satisfies Record<string, Record<string, string>>
