# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record of what was asked: one JSON object a line for every request, written before its answer goes out.

time        ISO 8601, UTC
service     boto's name: ec2, elbv2, s3, …; or cloudflare
action      the API operation: CreateVpc, …; for Cloudflare the method and the path
kind        read where the operation only looks, else write
parameters  its input in the words of its API; secrets are *** and blobs their length
status      the answer's HTTP status
"""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import re
import typing as t

import botocore.exceptions
import botocore.model
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound

MASK = "***"

# Names of secrets that AWS's models do not mark as sensitive.
SECRETS = re.compile(r"(password|passphrase|authtoken|sessiontoken|userdata|privatekey|secretstring|secretaccesskey)$", re.IGNORECASE)

# An operation's first verb, where it changes nothing.
READS = re.compile(r"(Batch|Transact)?(Assume|Check|Describe|Filter|Get|Head|List|Lookup|Query|Scan|Search|Select|Simulate)(?![a-z])")

# The services that a signature's credential scope calls otherwise than boto does.
SERVICES = {
    "elasticloadbalancing": "elbv2",
    "email": "ses",
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}


class RequestLog:
    """A file of JSON lines that many threads append to while others read."""

    def __init__(self, path: pathlib.Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, **fields: t.Any) -> None:
        time = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"time": time, **fields}, default=_json, ensure_ascii=False)
        os.write(self._file, f"{line}\n".encode())  # one write with O_APPEND: lines of two threads do not mix


def _json(value: t.Any) -> str:
    return f"({len(value)} bytes)" if isinstance(value, bytes) else str(value)


def describe(request: Request) -> dict[str, t.Any]:
    """What an AWS request asks for: its `service`, `action`, `kind` and `parameters`."""
    service = _service(request)
    try:
        operation, labels = get_service_router(service).match(request)
    except (NotFound, NotImplementedError, botocore.exceptions.BotoCoreError):
        safe = request.method in ("GET", "HEAD")
        return {"service": service, "action": f"{request.method} {request.path}", "kind": "read" if safe else "write", "parameters": {}}
    try:
        parameters = _parameters(operation, labels, request)
    except (AttributeError, LookupError, TypeError, ValueError):
        parameters = {}  # malformed: the emulator's answer says so
    dry_run = parameters.get("DryRun") is True
    return {"service": service, "action": operation.name, "kind": "read" if dry_run else kind(operation.name), "parameters": parameters}


def kind(action: str) -> t.Literal["read", "write"]:
    """Whether an operation only looks, told by the verb that its name begins with."""
    return "read" if READS.match(action) else "write"


def masked(value: t.Any, shape: botocore.model.Shape | None, name: str = "") -> t.Any:
    """`value` without what the API's model marks as sensitive or what is named like a secret."""
    if (shape and shape.metadata.get("sensitive")) or (isinstance(value, str | bytes) and SECRETS.search(name)):
        return MASK
    if isinstance(value, dict):
        members = getattr(shape, "members", {})
        return {key: masked(item, members.get(key) or getattr(shape, "value", None), key) for key, item in value.items()}
    if isinstance(value, list):
        return [masked(item, getattr(shape, "member", None), name) for item in value]
    return value


def _service(request: Request) -> str:
    """From the signature's credential scope: key/date/region/service/aws4_request."""
    header = re.search(r"Credential=([^,\s]+)", request.headers.get("Authorization", ""))
    scope = (header[1] if header else request.args.get("X-Amz-Credential", "")).split("/")
    unsigned = "sts" if "Action" in request.values else "s3"
    name = scope[3] if len(scope) == 5 else unsigned
    return SERVICES.get(name, name)


def _parameters(operation: OperationModel, labels: dict[str, t.Any], request: Request) -> dict[str, t.Any]:
    protocol = determine_request_protocol(operation.service_model, request.content_type)
    parameters = PROTOCOL_PARSERS[protocol](operation).parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": labels,
        }
    )
    return t.cast(dict[str, t.Any], masked(parameters, operation.input_shape))
