import { timeFromText } from './event_time.ts'
import { type Document, type Mapped, scalarsOf, textOf, wordOf } from './mapped.ts'
import { openValue } from './open_value.ts'

/** One change that LiteLLM has logged: the body has the table and the action, whatever the key. */
export function isAuditEvent(document: Document): boolean {
  return (
    typeof document.table_name === 'string' &&
    typeof document.action === 'string' &&
    'object_id' in document
  )
}

/**
 * LiteLLM's audit event in the attributes of the OTel audit draft. The lists of tables and actions are
 * open: LiteLLM 1.109 has 12 and 7, its types name five actions. `changed_by` is what LiteLLM was
 * told, by a header in old versions: it is the actor, and no proof of who that is.
 */
export function mapAuditEvent(document: Document, openValues: boolean): Mapped {
  const table = wordOf(String(document.table_name).replace(/^LiteLLM_|Table$/g, ''))
  const action = String(document.action)
  const id = textOf(document.id)
  const target = textOf(document.object_id)
  return {
    eventName: `litellm.${table}.${wordOf(action)}`,
    time: timeFromText(document.updated_at),
    attributes: {
      ...(id !== undefined && { 'audit.record.id': id }),
      ...actorOf(document),
      'audit.action': verbs.get(action) ?? action.toUpperCase(),
      // LiteLLM logs what has been done; what it refuses leaves no event.
      'audit.outcome': 'success',
      ...(target !== undefined && { 'audit.target.id': target }),
      'audit.target.type': table,
      ...scalarsOf(document, plainFields(document)),
      ...(openValues && opened(document))
    }
  }
}

/** What the draft wants as a verb. */
const verbs = new Map([
  ['created', 'CREATE'],
  ['updated', 'UPDATE'],
  ['deleted', 'DELETE'],
  ['blocked', 'BLOCK'],
  ['unblocked', 'UNBLOCK'],
  ['rotated', 'ROTATE']
])

/** What is in the draft's attributes or the time already, and the values, which stay closed unless asked for. */
const placedFields = new Set(['id', 'updated_at', 'object_id', 'before_value', 'updated_values'])

/** LiteLLM 1.109 has four others, newer versions nine; a hostile sender has as many as fit into a body. */
const plainFieldsMax = 64
const nameMax = 100

function plainFields(document: Document): string[] {
  return Object.keys(document)
    .filter((name) => !placedFields.has(name) && name.length <= nameMax)
    .slice(0, plainFieldsMax)
}

/** A user; without one the key, a service; without both LiteLLM itself. */
function actorOf({ changed_by, changed_by_api_key }: Document) {
  const user = textOf(changed_by)
  const key = textOf(changed_by_api_key)
  return {
    'audit.actor.id': user ?? key ?? 'litellm',
    'audit.actor.type': user !== undefined ? 'user' : key !== undefined ? 'service' : 'system'
  }
}

function opened(document: Document) {
  const found: Record<string, unknown> = {}
  for (const name of ['before_value', 'updated_values']) {
    const value = openValue(document[name])
    if (value !== undefined) found[`litellm.${name}`] = value
  }
  return found
}
