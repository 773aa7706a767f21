import { timeFromSeconds } from './event_time.ts'
import { type Document, isDocument, type Mapped, scalarsOf, wordOf } from './mapped.ts'

/** A call to a model that LiteLLM has logged (its StandardLoggingPayload). */
export function isRequestLog(document: Document): boolean {
  return typeof document.call_type === 'string' && 'startTime' in document && 'model' in document
}

/** What one asks request logs for: who called which model, what it took and what it cost. */
export function mapRequestLog(document: Document): Mapped {
  const metadata = isDocument(document.metadata) ? document.metadata : {}
  return {
    eventName: `litellm.request.${wordOf(String(document.call_type))}`,
    time: timeFromSeconds(document.startTime),
    attributes: { ...scalarsOf(document, fields), ...scalarsOf(metadata, callerFields) }
  }
}

const fields = [
  'id',
  'trace_id',
  'litellm_call_id',
  'call_type',
  'status',
  'model',
  'model_group',
  'custom_llm_provider',
  'end_user',
  'requester_ip_address',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'response_cost',
  'cache_hit'
]

const callerFields = [
  'user_api_key_hash',
  'user_api_key_alias',
  'user_api_key_user_id',
  'user_api_key_team_id',
  'user_api_key_team_alias',
  'user_api_key_org_id'
]
