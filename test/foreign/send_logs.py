"""Sends audit records with the OpenTelemetry SDK and prints them, one a line, as OTLP/JSON should have them.

    send_logs.py http|grpc gzip|none URL COUNT PREFIX

Ends with 1 when the SDK reports that it could not deliver.
"""

import base64
import json
import logging
import sys
import time

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

SEVERITIES = [SeverityNumber.INFO, SeverityNumber.WARN, SeverityNumber.ERROR4]


def main(protocol, compression, url, count, prefix):
    complaints = watch_sdk()
    provider = LoggerProvider(Resource({"service.name": "proxy", "prefix": prefix}))
    provider.add_log_record_processor(
        BatchLogRecordProcessor(exporter(protocol, compression, url), max_export_batch_size=100)
    )
    logger = provider.get_logger("audit", "1.2.3")
    for number in range(int(count)):
        fields = record(f"{prefix}-{number}", number)
        logger.emit(LogRecord(**fields))
        print(json.dumps(as_otlp(fields)))
    provider.force_flush()
    provider.shutdown()
    if complaints:
        sys.exit("\n".join(complaints))


def exporter(protocol, compression, url):
    if protocol == "grpc":
        from grpc import Compression
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

        kinds = {"gzip": Compression.Gzip, "none": Compression.NoCompression}
        return OTLPLogExporter(endpoint=url, insecure=True, compression=kinds[compression])
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    return OTLPLogExporter(endpoint=url, compression=Compression(compression))


def watch_sdk():
    """The SDK tells of records that it drops in its log alone."""
    complaints = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda entry: complaints.append(entry.getMessage())
    logging.getLogger("opentelemetry").addHandler(handler)
    return complaints


def record(id, number):
    severity = SEVERITIES[number % len(SEVERITIES)]
    now = time.time_ns()
    return {
        "timestamp": now - 1_000_000_007 * number,
        "observed_timestamp": now,
        "severity_number": severity,
        "severity_text": severity.name,
        "event_name": "audit.key.updated",
        "body": {"message": f"event({id})", "before": {"max_budget": 10.5}, "after": {"max_budget": None}},
        "attributes": {
            "id": id,
            "actor": "Zoë ☂ \"admin\"\n",
            "count": number,
            "largest": 2**63 - 1,
            "smallest": -(2**63),
            "ratio": 0.1,
            "blocked": number % 2 == 0,
            "empty": "",
            "models": ["gpt", "claude"],
            "digest": b"\x00\xff" + id.encode(),
            "long": "x" * (number % 50) * 20,
        },
    }


def as_otlp(fields):
    return {
        "timeUnixNano": str(fields["timestamp"]),
        "observedTimeUnixNano": str(fields["observed_timestamp"]),
        "severityNumber": fields["severity_number"].value,
        "severityText": fields["severity_text"],
        "eventName": fields["event_name"],
        "body": value_of(fields["body"]),
        "attributes": pairs_of(fields["attributes"]),
    }


def value_of(value):
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, bytes):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, list):
        return {"arrayValue": {"values": [value_of(item) for item in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs_of(value)}}
    return {}


def pairs_of(mapping):
    return [{"key": key, "value": value_of(value)} for key, value in mapping.items()]


if __name__ == "__main__":
    main(*sys.argv[1:])
