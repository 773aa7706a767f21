/* Why LiteLLM, whose audit log is switched on in more places than one, says nothing at all. */

export const noObjects =
  'LiteLLM writes no audit event unless `store_audit_logs: true` and `audit_log_callbacks: ["s3_v2"]` are both set and it has an enterprise licence'

export const noRows =
  'LiteLLM writes no audit event into its table unless `store_audit_logs: true` is set and it has an enterprise licence'
