# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sandbox as seen from the process that wants one."""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import secrets
import subprocess
import sys
import tempfile
import types
import typing as t
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
REGION = "eu-west-3"
STOP_TIMEOUT = 5  # seconds

# What moto does only when asked to.
MOTO = {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true", "MOTO_ENABLE_AMI_VALIDATION": "true", "MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION": "true"}

# What would lead boto past the stand-in credentials.
UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN")

Request = dict[str, t.Any]


class Sandbox:
    """An AWS account and Cloudflare on two loopback ports, for as long as the `with` block lasts.

    The servers are a child process that ends when its standard input does: it cannot outlive this one.
    """

    def __init__(self, directory: pathlib.Path | None = None, port: int = 0) -> None:
        """The request log goes to `directory`/requests.jsonl (a temporary one by default); AWS is on `port` (0: any free one)."""
        self._temporary = None if directory else tempfile.TemporaryDirectory(prefix="sandbox-")
        self.directory = directory or pathlib.Path(t.cast("tempfile.TemporaryDirectory[str]", self._temporary).name)
        self.log = self.directory / "requests.jsonl"
        self.port = port
        self.env: dict[str, str] = {}

    def __enter__(self) -> t.Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise RuntimeError(f"{self.directory} is another running sandbox's: stop that one, or choose another directory.") from None
        self.log.unlink(missing_ok=True)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "sandbox.server", str(self.log.resolve()), str(self.port)],
            cwd=ROOT,
            env=os.environ | MOTO,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C is for this process; the servers go after it
        )
        with t.cast(t.IO[bytes], self._server.stdout) as output:
            ready = output.readline()
        if not ready:
            self.stop()
            raise RuntimeError("The sandbox did not start; its error stands above.")
        ports = json.loads(ready)
        self.env = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports['aws']}",
            "CLOUDFLARE_BASE_URL": f"http://127.0.0.1:{ports['cloudflare']}/client/v4",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": f"STANDIN{secrets.token_hex(10).upper()}",
            "AWS_SECRET_ACCESS_KEY": f"stand-in-{secrets.token_hex(20)}",
            "CLOUDFLARE_API_TOKEN": f"stand-in-{secrets.token_hex(20)}",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End the servers, and the account with them."""
        t.cast(t.IO[bytes], self._server.stdin).close()
        try:
            self._server.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._server.kill()
            self._server.wait()
        os.close(self._lock)
        if self._temporary:
            self._temporary.cleanup()

    def reset(self) -> None:
        """Make the account what it is from the start. The request log goes on."""
        request = urllib.request.Request(f"{self.env['AWS_ENDPOINT_URL']}/moto-api/reset", method="POST")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).close()

    def environ(self) -> dict[str, str]:
        """This process's environment, led to the sandbox."""
        return {name: value for name, value in os.environ.items() if name not in UNSET} | self.env

    def mark(self) -> int:
        """The request log's present end, to be given as `since`."""
        return self.log.stat().st_size

    def requests(self, since: int = 0) -> list[Request]:
        """The requests since then, in order; sandbox/requests.py tells their fields."""
        with self.log.open("rb") as log:
            log.seek(since)
            return [json.loads(line) for line in log]

    def writes(self, since: int = 0) -> list[Request]:
        """Those of them that ask for a change."""
        return [request for request in self.requests(since) if request["kind"] == "write"]
