"""LiteLLM's proxy as far as its audit log goes: it writes events to its table and hands them to its S3Logger.

    litellm_killed.py URL DIRECTORY SENT QUEUED [FILE]

The first SENT events are flushed to URL, the next QUEUED wait in LiteLLM's queue for as long as it lives. Prints
{"body": ...} for each event, as it is put or would be, and `queued` at the end; then it waits to be killed.
DIRECTORY has psql, and the database is in the environment. LiteLLM's own code makes and writes the events;
prisma, which is not here, is stood in for by psql. FILE has litellm_settings as the proxy reads them; of these
only the endpoint is replaced, by URL.
"""

import asyncio
import json
import os
import sys
import types

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
import yaml
from litellm.integrations.s3_v2 import S3Logger
from litellm.litellm_core_utils.safe_json_dumps import safe_dumps
from litellm.proxy._types import LitellmTableNames, UserAPIKeyAuth
from litellm.proxy.management_helpers.audit_logs import create_object_audit_log

from litellm_puts import ACTIONS, until

INSERT = """
INSERT INTO "LiteLLM_AuditLog"
  (id, updated_at, changed_by, changed_by_api_key, action, table_name, object_id, before_value, updated_values)
SELECT r->>'id', date_trunc('milliseconds', (r->>'updated_at')::timestamptz AT TIME ZONE 'UTC'),
  coalesce(r->>'changed_by', ''), coalesce(r->>'changed_by_api_key', ''), r->>'action', r->>'table_name', r->>'object_id',
  (r->>'before_value')::jsonb, (r->>'updated_values')::jsonb
FROM (SELECT :'row'::jsonb AS r) one
"""


async def main(url, directory, sent, queued, file=""):
    async def create(data):
        row = json.dumps({**data, "updated_at": data["updated_at"].isoformat(), "table_name": data["table_name"].value})
        arguments = ["--quiet", "--set", "ON_ERROR_STOP=1", "--set", f"row={row}"]
        psql = await asyncio.create_subprocess_exec(
            os.path.join(directory, "psql"), *arguments, stdin=asyncio.subprocess.PIPE
        )
        await psql.communicate(INSERT.encode())
        assert psql.returncode == 0

    server = types.ModuleType("litellm.proxy.proxy_server")
    server.premium_user = True
    table = types.SimpleNamespace(create=create)
    server.prisma_client = types.SimpleNamespace(db=types.SimpleNamespace(litellm_auditlog=table))
    sys.modules["litellm.proxy.proxy_server"] = server

    settings = settings_in(file) if file else built_in()
    litellm.store_audit_logs = settings["store_audit_logs"]
    litellm.s3_callback_params = {**settings["s3_callback_params"], "s3_endpoint_url": url}
    assert settings["audit_log_callbacks"] == ["s3_v2"]
    logger = S3Logger(s3_flush_interval=3600, s3_batch_size=1_000_000)
    litellm.audit_log_callbacks = [logger]
    for number in range(int(sent)):
        await change(number)
        if number % 10 == 9:
            await flush(logger)
    await flush(logger)
    for number in range(int(sent), int(sent) + int(queued)):
        await change(number)
    await until(lambda: len(logger.log_queue) == int(queued))
    say(logger)
    print("queued", flush=True)
    await asyncio.sleep(3600)


def settings_in(file):
    with open(file, encoding="utf-8") as text:
        return yaml.safe_load(text)["litellm_settings"]


def built_in():
    return {
        "store_audit_logs": True,
        "audit_log_callbacks": ["s3_v2"],
        "s3_callback_params": {
            "s3_bucket_name": "logs",
            "s3_region_name": "eu-central-1",
            "s3_path": "proxy",
            "s3_aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
            "s3_aws_secret_access_key": os.environ["AWS_SECRET_ACCESS_KEY"],
        },
    }


async def change(number):
    values = {"team_alias": f"Zoë ☂ {number}", "max_budget": 10.0, "api_key": "sk-1234567890", "models": ["gpt-4o"]}
    before = json.dumps(json.dumps(values)) if number % 3 == 0 else json.dumps(values)
    await create_object_audit_log(
        object_id=f"team-{number}",
        action=ACTIONS[number % len(ACTIONS)],
        litellm_changed_by=None,
        user_api_key_dict=UserAPIKeyAuth(user_id="default_user_id", api_key="sk-1234567890"),
        litellm_proxy_admin_name=None,
        table_name=list(LitellmTableNames)[number % len(LitellmTableNames)],
        before_value=None if number % 5 == 0 else before,
        after_value=json.dumps({"b": 1, "a": number}),
    )


async def flush(logger):
    await asyncio.sleep(0.05)
    say(logger)
    while logger.log_queue:
        await logger.flush_queue()


def say(logger):
    for element in logger.log_queue:
        print(json.dumps({"body": safe_dumps(element.payload)}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
