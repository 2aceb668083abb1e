# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A stand-in for Cloudflare's API v4 (https://developers.cloudflare.com/api/), so far its published address ranges."""

from __future__ import annotations

import json
import typing as t

from werkzeug.wrappers import Request, Response

from sandbox.requests import RequestLog

if t.TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

BASE = "/client/v4"

# https://www.cloudflare.com/ips/
IPV4 = [
    "173.245.48.0/20",
    "103.21.244.0/22",
    "103.22.200.0/22",
    "103.31.4.0/22",
    "141.101.64.0/18",
    "108.162.192.0/18",
    "190.93.240.0/20",
    "188.114.96.0/20",
    "197.234.240.0/22",
    "198.41.128.0/17",
    "162.158.0.0/15",
    "104.16.0.0/13",
    "104.24.0.0/14",
    "172.64.0.0/13",
    "131.0.72.0/22",
]
IPV6 = ["2400:cb00::/32", "2606:4700::/32", "2803:f800::/32", "2405:b500::/32", "2405:8100::/32", "2a06:98c0::/29", "2c0f:f248::/32"]


def cloudflare(log: RequestLog) -> WSGIApplication:
    """The API as a WSGI application that records its requests."""

    @Request.application
    def application(request: Request) -> Response:
        response = _answer(request)
        log.write(
            service="cloudflare",
            action=f"{request.method} {request.path.removeprefix(BASE)}",
            kind="read" if request.method in ("GET", "HEAD") else "write",
            parameters=request.args.to_dict(),
            status=response.status_code,
        )
        return response

    return application


def _answer(request: Request) -> Response:
    if (request.method, request.path) == ("GET", f"{BASE}/ips"):
        return _envelope({"ipv4_cidrs": IPV4, "ipv6_cidrs": IPV6, "etag": "38f79d050aa027e3be3865e495dcc9bc"})  # pragma: allowlist secret
    path = request.path.removeprefix(BASE)
    message = f"Could not route to {path}, perhaps your object identifier is invalid?"
    return _envelope(None, {"code": 7003, "message": message}, status=404)


def _envelope(result: t.Any, *errors: dict[str, t.Any], status: int = 200) -> Response:
    body = {"result": result, "success": not errors, "errors": errors, "messages": []}
    return Response(json.dumps(body), status, content_type="application/json")
