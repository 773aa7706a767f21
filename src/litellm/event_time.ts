import type { HrTime } from '@opentelemetry/api'

/** Python's isoformat(), with or without fraction and offset; without one it is UTC. */
export function timeFromText(text: unknown): HrTime | undefined {
  if (typeof text !== 'string') return undefined
  const [, date, clock, fraction = '', offset = 'Z'] =
    /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/.exec(text) ?? []
  const ms = Date.parse(`${date}T${clock}${offset}`)
  return hrTime(ms / 1000, Number(fraction.padEnd(9, '0')))
}

/** Seconds since the epoch, as Python's timestamp() gives them: true to the microsecond. */
export function timeFromSeconds(seconds: unknown): HrTime | undefined {
  if (typeof seconds !== 'number') return undefined
  const micros = Math.round(seconds * 1e6)
  return hrTime(Math.floor(micros / 1e6), (micros - Math.floor(micros / 1e6) * 1e6) * 1000)
}

/** Milliseconds since the epoch, of a clock here. */
export function timeFromMs(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1_000_000]
}

/** Of the keys that LiteLLM makes: `…/2026-11-23[/08]/08-15-00_<id>.json`, `…/2026-11-23/time-08-15-00-123456_<id>.json`. */
export function timeFromKey(key: string): HrTime | undefined {
  const [, date, hour, minute, second, micros = '0'] =
    /(?:^|\/)(\d{4}-\d\d-\d\d)\/(?:\d\d\/)?(?:time-|batch_)?(\d\d)-(\d\d)-(\d\d)(?:-(\d{6}))?_[^/]*$/.exec(
      key
    ) ?? []
  const ms = Date.parse(`${date}T${hour}:${minute}:${second}Z`)
  return hrTime(ms / 1000, Number(micros) * 1000)
}

/** 64 bits of nanoseconds end in 2554. */
const lastSecond = 18_446_744_073

function hrTime(seconds: number, nanos: number): HrTime | undefined {
  return seconds > 0 && seconds < lastSecond ? [seconds, nanos] : undefined
}
