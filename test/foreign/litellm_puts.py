"""Logs audit events and requests with LiteLLM's own S3Logger and prints what it puts, one a line.

    litellm_puts.py URL EVENTS REQUESTS one|file [URL]

Prints {"key": ..., "body": ...} for each object before it is sent, then repeats the flush until nothing
is left in LiteLLM's queue. With a second URL it then puts the same there. Needs access key and secret in the environment, as LiteLLM does.
"""

import asyncio
import json
import os
import sys
from datetime import datetime, timezone

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
from litellm.integrations.s3_v2 import S3Logger
from litellm.litellm_core_utils.safe_json_dumps import safe_dumps
from litellm.proxy._types import LiteLLM_AuditLogs, LitellmTableNames
from litellm.proxy.management_helpers.audit_logs import _dispatch_audit_log_to_callbacks

ACTIONS = ["created", "updated", "deleted", "blocked", "unblocked", "rotated", "kill_switch_fired"]


async def main(url, events, requests, mode, other=None):
    litellm.s3_callback_params = {
        "s3_bucket_name": "logs",
        "s3_region_name": "eu-central-1",
        "s3_endpoint_url": url,
        "s3_path": "proxy",
        "s3_aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "s3_aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        "s3_batch_file_upload": mode == "file",
    }
    logger = S3Logger(s3_flush_interval=3600, s3_batch_size=1_000_000)
    litellm.audit_log_callbacks = [logger]
    litellm.callbacks = [logger]
    for number in range(int(events)):
        await _dispatch_audit_log_to_callbacks(audit_log(number))
    for number in range(int(requests)):
        await litellm.acompletion(
            model="gpt-4o",
            messages=[{"role": "user", "content": f"Zoë asks {number}"}],
            mock_response="Hello ☂",
        )
    await until(lambda: len(logger.log_queue) == int(events) + int(requests))
    for element in logger.log_queue:
        print(json.dumps({"key": element.s3_object_key, "body": safe_dumps(element.payload)}), flush=True)
    queued = list(logger.log_queue)
    while logger.log_queue:
        await logger.flush_queue()
    if other is None:
        return
    logger.s3_endpoint_url = other
    logger.s3_region_name = "us-east-1"
    logger.log_queue.extend(queued)
    while logger.log_queue:
        await logger.flush_queue()


def audit_log(number):
    values = {"team_alias": f"Zoë ☂ {number}", "max_budget": 10.0, "models": ["gpt-4o"]}
    before = json.dumps(json.dumps(values)) if number % 3 == 0 else json.dumps(values)
    return LiteLLM_AuditLogs(
        id=f"0a8ef3ad-6b4e-4a2f-bb0b-{number:012d}" if number % 10 else f"a/b:c d%25+&=#?'~ {number}",
        updated_at=datetime.now(timezone.utc),
        changed_by="default_user_id",
        changed_by_api_key="litellm_proxy_master_key",
        action=ACTIONS[number % len(ACTIONS)],
        table_name=list(LitellmTableNames)[number % len(LitellmTableNames)],
        object_id=f"team-{number}",
        before_value=before,
        updated_values=json.dumps({}),
    )


async def until(condition):
    for _ in range(600):
        if condition():
            return
        await asyncio.sleep(0.05)
    sys.exit("LiteLLM has not queued what it was given")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
