import type { Secret } from './secrets.ts'

const text = (stringValue: string) => ({ stringValue })
const attribute = (key: string, value: object) => ({ key, value })
const map = (...values: object[]) => ({ kvlistValue: { values } })
const list = (...values: object[]) => ({ arrayValue: { values } })

/** A text with the secret in it, as it stands in a JSON document, encoded so many times more. */
function json(secret: Secret, encodings: number): string {
  const member = secret.key === undefined ? { note: secret.text } : { [secret.key]: secret.value }
  let written = JSON.stringify({ id: 7, list: [1, { ...member, after: null }], name: 'é' })
  for (let times = 1; times < encodings; times++) written = JSON.stringify(written)
  return JSON.stringify({ before_value: written, price: 1.5 })
}

/** Every character of the secret as an escape, at so many encodings. */
function escapes(secret: Secret, encodings: number): string {
  const hidden = Array.from(
    secret.text,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`
  ).join('')
  let written = `{"note":"${hidden}"}`
  for (let times = 1; times < encodings; times++)
    written = JSON.stringify({ before_value: written })
  return written
}

const underItsKey = ({ key = 'note', text: all, value }: Secret) =>
  attribute(key, text(key === 'note' ? all : value))

/** Where a secret may stand in a request: what is to be added to a resource, scope or record. */
export const places: Record<
  string,
  (secret: Secret) => { resource?: object; scope?: object; record?: object; schemaUrl?: string }
> = {
  'a body': (secret) => ({ record: { body: text(`before ${secret.text} after`) } }),
  'the beginning of a body': (secret) => ({ record: { body: text(`${secret.text} after`) } }),
  'the end of a body': (secret) => ({ record: { body: text(`before ${secret.text}`) } }),
  'a whole body': (secret) => ({ record: { body: text(secret.text) } }),
  'a map in a body': (secret) => ({ record: { body: map(underItsKey(secret)) } }),
  'a list in a body': (secret) => ({ record: { body: list(text('x'), text(secret.text)) } }),
  'deep in a body': (secret) => ({
    record: { body: map(attribute('a', list(map(underItsKey(secret))))) }
  }),
  'bytes in a body': (secret) => ({
    record: { body: { bytesValue: Buffer.from(`\0${secret.text}`).toString('base64') } }
  }),
  'bytes that are no text': (secret) => ({
    record: {
      body: { bytesValue: Buffer.from(`\xff${secret.text}`, 'latin1').toString('base64') }
    }
  }),
  'an attribute': (secret) => ({ record: { attributes: [underItsKey(secret)] } }),
  'a map in an attribute': (secret) => ({
    record: { attributes: [attribute('a', map(underItsKey(secret)))] }
  }),
  'a list in an attribute': (secret) => ({
    record: { attributes: [attribute('a', list(text(secret.text)))] }
  }),
  'the key of an attribute': (secret) => ({
    record: { attributes: [attribute(secret.text, text('x'))] }
  }),
  'a key in a body': (secret) => ({ record: { body: map(attribute(secret.text, text('x'))) } }),
  'a resource': (secret) => ({ resource: { attributes: [underItsKey(secret)] } }),
  'a scope': (secret) => ({ scope: { attributes: [underItsKey(secret)] } }),
  "a scope's name": (secret) => ({ scope: { name: secret.text } }),
  'a schema URL': (secret) => ({ schemaUrl: secret.text }),
  'an event name': (secret) => ({ record: { eventName: secret.text } }),
  'a severity text': (secret) => ({ record: { severityText: secret.text } }),
  'JSON in a body': (secret) => ({ record: { body: text(json(secret, 1)) } }),
  'JSON encoded twice': (secret) => ({ record: { body: text(json(secret, 2)) } }),
  'JSON encoded three times': (secret) => ({ record: { body: text(json(secret, 3)) } }),
  'JSON in an attribute': (secret) => ({
    record: { attributes: [attribute('before_value', text(json(secret, 2)))] }
  }),
  'JSON in bytes': (secret) => ({
    record: { body: { bytesValue: Buffer.from(json(secret, 2)).toString('base64') } }
  }),
  'JSON that was cut': (secret) => ({
    record: { body: text(`${json(secret, 1).replace(/"after.*/, '')} "x`) }
  }),
  'a key in JSON': (secret) => ({ record: { body: text(JSON.stringify({ [secret.text]: 1 })) } }),
  'escapes in JSON': (secret) => ({ record: { body: text(escapes(secret, 1)) } }),
  'escapes in JSON in JSON': (secret) => ({ record: { body: text(escapes(secret, 3)) } }),
  'escapes in JSON behind words': (secret) => ({
    record: { body: text(`got "x" \\ and ${escapes(secret, 1)}`) }
  })
}

/** One request with each secret in each place. */
export function requestWith(secrets: readonly Secret[]) {
  return {
    resourceLogs: secrets.flatMap((secret) =>
      Object.values(places).map((place) => {
        const { resource, scope, record, schemaUrl } = place(secret)
        return {
          resource: { ...resource },
          schemaUrl: schemaUrl ?? '',
          scopeLogs: [{ scope: { ...scope }, logRecords: [{ severityNumber: 9, ...record }] }]
        }
      })
    )
  }
}

/** Which of the secrets can be found in a text, opened as often as its escapes allow. */
export function seen(secrets: readonly Secret[], written: string): string[] {
  const found = new Set<string>()
  let text = written
  for (let times = 0; times < 10; times++) {
    for (const { kind, value } of secrets)
      if (text.includes(value)) found.add(`${kind} at ${times}`)
    const opened = text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|(["\\/]))/g, (_, hex, one) =>
      hex === undefined ? one : String.fromCharCode(Number.parseInt(hex, 16))
    )
    if (opened === text) break
    text = opened
  }
  return [...found]
}
