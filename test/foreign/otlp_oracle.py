"""Checks OTLP bytes and JSON against Python's opentelemetry-proto.

For every NAME.pb in the folder given: parses it, parses NAME.json beside it, and fails unless both
are the same message; then writes NAME.theirs.pb and NAME.theirs.json for the caller to read back.
"""

import base64
import json
import pathlib
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


def main(folder):
    names = sorted(pathlib.Path(folder).glob("*.pb"))
    for path in names:
        ours = ExportLogsServiceRequest.FromString(path.read_bytes())
        data = json.loads(path.with_suffix(".json").read_text("utf-8"))
        from_json = json_format.ParseDict(with_ids(data, hex_to_base64), ExportLogsServiceRequest())
        if canonical(ours) != canonical(from_json):
            sys.exit(f"{path.name} and its JSON differ:\n{ours}\n---\n{from_json}")
        path.with_suffix(".theirs.pb").write_bytes(ours.SerializeToString())
        theirs = with_ids(json_format.MessageToDict(ours), base64_to_hex)
        path.with_suffix(".theirs.json").write_text(json.dumps(theirs), "utf-8")
    print(f"{len(names)} requests agree")


def with_ids(value, change):
    """OTLP/JSON has ids in hex where proto3 JSON has base64: the one difference."""
    if isinstance(value, list):
        return [with_ids(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: change(item) if key in ("traceId", "spanId") else with_ids(item, change)
        for key, item in value.items()
    }


def hex_to_base64(text):
    return base64.b64encode(bytes.fromhex(text)).decode()


def base64_to_hex(text):
    return base64.b64decode(text).hex()


def canonical(request):
    """Bytes that are equal when OTLP makes no difference: ids of zeros are none, and the Collector's JSON
    names an empty resource, scope, body or value also where the protobuf has none."""
    copy = ExportLogsServiceRequest()
    copy.CopyFrom(request)
    for resource_logs in copy.resource_logs:
        resource_logs.resource.SetInParent()
        attributes(resource_logs.resource.attributes)
        for scope_logs in resource_logs.scope_logs:
            scope_logs.scope.SetInParent()
            attributes(scope_logs.scope.attributes)
            for record in scope_logs.log_records:
                record.body.SetInParent()
                value(record.body)
                attributes(record.attributes)
                if not any(record.trace_id):
                    record.trace_id = b""
                if not any(record.span_id):
                    record.span_id = b""
    return copy.SerializeToString(deterministic=True)


def attributes(pairs):
    for pair in pairs:
        pair.value.SetInParent()
        value(pair.value)


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        for item in any_value.array_value.values:
            value(item)
    elif kind == "kvlist_value":
        attributes(any_value.kvlist_value.values)


if __name__ == "__main__":
    main(sys.argv[1])
