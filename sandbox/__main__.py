# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""python -m sandbox: keep a sandbox in the foreground, or run one command in it."""

from __future__ import annotations

import argparse
import os
import pathlib
import shlex
import signal
import subprocess
import sys

from sandbox.process import UNSET, Sandbox

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="AWS and Cloudflare on loopback, kept until Ctrl-C.")
    _add_options(parser, directory=pathlib.Path(".sandbox"), keeps="env and requests.jsonl")
    commands = parser.add_subparsers(metavar="run", title="commands")
    run = commands.add_parser("run", help="run one command in a sandbox of its own", description="Run one command in a sandbox.")
    _add_options(run, directory=None, keeps="requests.jsonl")
    run.add_argument("command", nargs="+", metavar="-- COMMAND", help="its exit code is this one's")
    options = parser.parse_args()
    try:
        with Sandbox(options.directory, options.port) as sandbox:
            return _run(sandbox, options.command) if "command" in options else _wait(sandbox)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1


def _add_options(parser: argparse.ArgumentParser, directory: pathlib.Path | None, keeps: str) -> None:
    where = f"where to keep {keeps} (default: {directory or 'a temporary one'})"
    parser.add_argument("--directory", type=pathlib.Path, default=directory, help=where)
    parser.add_argument("--port", type=int, default=0, help="AWS's port (default: any free one)")


def _run(sandbox: Sandbox, command: list[str]) -> int:
    try:
        process = subprocess.Popen(command, env=sandbox.environ())
    except FileNotFoundError:
        print(f"{command[0]}: command not found", file=sys.stderr)
        return 127
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the command too, and it is the one to decide
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: process.send_signal(number))
    code = process.wait()
    return code if code >= 0 else 128 - code


def _wait(sandbox: Sandbox) -> int:
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    env = sandbox.directory / "env"
    env.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(env, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"unset {' '.join(UNSET)}\n")
            file.writelines(f"export {name}={shlex.quote(value)}\n" for name, value in sandbox.env.items())
        print(f"The sandbox is ready, until Ctrl-C. In another shell:\n\n    . {env}\n\nEvery request goes to {sandbox.log}.", flush=True)
        signal.sigwait(STOPS)
    finally:
        env.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
