# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sandbox's child process: AWS and Cloudflare, with the log in front of them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pathlib
import signal
import sys
import threading
import typing as t

from moto.core.request import Request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

import sandbox.gaps  # noqa: F401
from sandbox.cloudflare import cloudflare
from sandbox.requests import RequestLog, describe

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class Handler(MotoRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The request log tells more."""


class Recorded:
    """moto, asked one request at a time since its backends are not made for threads, each request recorded."""

    def __init__(self, log: RequestLog) -> None:
        self._log = log
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/moto-api"):  # control of the emulator, not of AWS
            with self._lock:
                return t.cast("Iterable[bytes]", self._moto(environ, start_response))

        length = -1 if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        asked = describe(Request(environ | {"wsgi.input": io.BytesIO(body)}))
        status = 500  # of what moto does not catch

        def start(line: str, headers: list[tuple[str, str]], error: t.Any = None) -> t.Any:
            nonlocal status
            status = int(line.split()[0])
            return start_response(line, headers, error)

        polls = asked["action"] == "ReceiveMessage"  # which may wait for what another request is to bring
        try:
            with contextlib.nullcontext() if polls else self._lock:
                return t.cast("Iterable[bytes]", self._moto(environ | {"wsgi.input": io.BytesIO(body)}, start))
        finally:
            self._log.write(**asked, status=status)


def _serve(application: WSGIApplication, port: int) -> BaseWSGIServer:
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    """Serve on the port given (0: any), tell the ports in a line of JSON, and end when standard input does."""
    log, port = RequestLog(pathlib.Path(sys.argv[1])), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ports = {"aws": _serve(Recorded(log), port).port, "cloudflare": _serve(cloudflare(log), 0).port}
    print(json.dumps(ports), flush=True)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads on: what moto prints goes with its errors
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
