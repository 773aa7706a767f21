/** Where a gRPC client connects to. */
export type GrpcTarget =
  | { readonly host: string; readonly port: number; readonly secure: boolean }
  | { readonly path: string; readonly secure: boolean }

/**
 * `host:port`, with `http://` or `https://` before it, which decide over TLS, or with gRPC's own `dns:///`
 * or `passthrough:///`; `unix:/path`. Undefined when it is none of these.
 */
export function parseTarget(endpoint: string, insecure: boolean): GrpcTarget | undefined {
  const [, path] = /^unix:(?:\/\/)?(\/.+)$/.exec(endpoint) ?? []
  if (path !== undefined) return { path, secure: !insecure }
  const [, scheme = '', bracketed, plain, digits] =
    /^(https?:\/\/|dns:(?:\/\/[^/]*\/)?|passthrough:\/\/\/)?(?:\[([0-9a-fA-F:.%\w]+)\]|([^:/\s[\]]+)):(\d{1,5})\/?$/.exec(
      endpoint
    ) ?? []
  const port = Number(digits)
  if (digits === undefined || port < 1 || port > 65535) return undefined
  const secure = scheme === 'https://' || (scheme !== 'http://' && !insecure)
  return { host: bracketed ?? plain!, port, secure }
}

/** As it stands in `:authority` and in a URL. */
export function authorityOf(target: GrpcTarget): string {
  if ('path' in target) return 'localhost'
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  return `${host}:${target.port}`
}
