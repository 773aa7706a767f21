"""Puts objects with boto3 in the ways it knows and prints what became of each, one a line.

    boto3_puts.py URL

Needs access key and secret in the environment, as boto3 does.
"""

import io
import json
import os
import socket
import sys
import urllib.error
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError


def main(url):
    plain = client(url)
    always = client(url, request_checksum_calculation="when_supported")
    required = client(url, request_checksum_calculation="when_required")
    unsigned = client(url, payload_signing_enabled=False)
    text = '{"name": "Zoë ☂"}'
    report("put_object", always.put_object(Bucket="logs", Key="a b/ü+%&=~.json", Body=text.encode()))
    report("without a checksum", required.put_object(Bucket="logs", Key="required", Body=text.encode()))
    report("a stream", plain.put_object(Bucket="logs", Key="stream", Body=io.BytesIO(text.encode())))
    report("unsigned", unsigned.put_object(Bucket="logs", Key="unsigned", Body=io.BytesIO(text.encode())))
    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        body = io.BytesIO(text.encode())
        report(algorithm, plain.put_object(Bucket="logs", Key=algorithm, Body=body, ChecksumAlgorithm=algorithm))
    plain.upload_fileobj(io.BytesIO(b"bytes \xff"), "logs", "upload_fileobj")
    report("presigned", presigned(plain, "pre signed", text))
    report("virtual host", virtual(url).put_object(Bucket="logs", Key="a b/virtual", Body=text.encode()))
    report("virtual host, presigned", presigned(virtual(url), "virtual presigned", text))
    print(json.dumps(["presigned for another key", tampered(plain, lambda url: url.replace("/mine?", "/yours?"))]))
    print(json.dumps(["presigned for longer", tampered(plain, lambda url: url.replace("Expires=60", "Expires=600"))]))
    plain.head_bucket(Bucket="logs")
    print(json.dumps(["location", plain.get_bucket_location(Bucket="logs")["LocationConstraint"]]))
    print(json.dumps(["list", plain.list_objects_v2(Bucket="logs")["KeyCount"]]))
    print(json.dumps(["head", plain.head_object(Bucket="logs", Key="stream")["ContentLength"]]))
    for name, call in {
        "twice": lambda: plain.put_object(Bucket="logs", Key="stream", Body=b"1", IfNoneMatch="*"),
        "delete": lambda: plain.delete_object(Bucket="logs", Key="stream"),
        "missing": lambda: plain.get_object(Bucket="logs", Key="never"),
        "a token": lambda: client(url, token="token").put_object(Bucket="logs", Key="x", Body=b""),
        "wrong secret": lambda: client(url, secret="wrong").put_object(Bucket="logs", Key="x", Body=b""),
    }.items():
        try:
            call()
            print(json.dumps([name, "done"]))
        except ClientError as error:
            print(json.dumps([name, error.response["Error"]["Code"]]))


def client(url, secret=None, token=None, style="path", payload_signing_enabled=None, **more):
    s3 = {"addressing_style": style}
    if payload_signing_enabled is not None:
        s3["payload_signing_enabled"] = payload_signing_enabled
    config = Config(s3=s3, retries={"total_max_attempts": 1}, signature_version="s3v4", **more)
    pair = {
        "aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": secret or os.environ["AWS_SECRET_ACCESS_KEY"],
        "aws_session_token": token,
    }
    return boto3.client("s3", endpoint_url=url, region_name="eu-central-1", config=config, **pair)


def virtual(url):
    """A client that writes the bucket into the host, below a name that no resolver knows."""
    port = url.rsplit(":", 1)[1]
    resolve = socket.getaddrinfo
    socket.getaddrinfo = lambda host, *rest, **more: resolve(
        "127.0.0.1" if host.endswith("s3.internal") else host, *rest, **more
    )
    return client(f"http://s3.internal:{port}", style="virtual")


def presigned(s3, key, text, tamper=lambda url: url):
    url = tamper(s3.generate_presigned_url("put_object", {"Bucket": "logs", "Key": key}, ExpiresIn=60))
    request = urllib.request.Request(url, data=text.encode(), method="PUT")
    with urllib.request.urlopen(request) as answer:
        return {"ETag": answer.headers["ETag"]}


def tampered(s3, tamper):
    try:
        return presigned(s3, "mine", "x", tamper)
    except urllib.error.HTTPError as error:
        return error.read().decode().split("<Code>")[1].split("</Code>")[0]


def report(name, answer):
    print(json.dumps([name, answer["ETag"]]))


if __name__ == "__main__":
    main(sys.argv[1])
