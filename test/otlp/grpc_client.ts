import {
  type CallOptions,
  Client,
  type ClientOptions,
  credentials,
  Metadata,
  type ServiceError,
  status
} from '@grpc/grpc-js'

export interface GrpcHeard {
  readonly code: number
  readonly message: string
  /** Of the RetryInfo in grpc-status-details-bin. */
  readonly retryAfter?: number
}

export const exportLogs = '/opentelemetry.proto.collector.logs.v1.LogsService/Export'

/** A real gRPC client whose messages are bytes. */
export function grpcClient(endpoint: string, options: ClientOptions = {}) {
  const client = new Client(endpoint, credentials.createInsecure(), {
    'grpc.enable_retries': 0,
    ...options
  })
  return {
    close: () => client.close(),
    send(body: Buffer, { path = exportLogs, headers = {} as Record<string, string> } = {}) {
      const metadata = new Metadata()
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
      const callOptions: CallOptions = { deadline: Date.now() + 20_000 }
      return new Promise<GrpcHeard>((resolve) => {
        client.makeUnaryRequest(path, bytes, bytes, body, metadata, callOptions, (error) =>
          resolve(error ? heardOf(error) : { code: status.OK, message: '' })
        )
      })
    }
  }
}

function bytes(value: Buffer): Buffer {
  return value
}

/** Reads the RetryInfo by hand: the delay's seconds are the last varint of the details. */
function heardOf({ code, details, metadata }: ServiceError): GrpcHeard {
  const [encoded] = metadata.get('grpc-status-details-bin') as Buffer[]
  const seconds = encoded && retrySeconds(encoded)
  return { code, message: details, ...(seconds === undefined ? {} : { retryAfter: seconds }) }
}

function retrySeconds(details: Buffer): number | undefined {
  if (!details.includes('google.rpc.RetryInfo')) return undefined
  const last = details.at(-1)!
  const before = details.at(-2)!
  return before > 127 ? (last << 7) | (before & 127) : last
}
