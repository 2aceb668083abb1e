# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An AnsibleAWSModule and boto3 clients that answer what a test says and record what they are asked."""

from __future__ import annotations

import types
import typing as t

import botocore.exceptions

State = dict[str, t.Any]


class Failed(Exception):
    """fail_json, with its message."""


def error(code: str, message: str = "") -> botocore.exceptions.ClientError:
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": message or code}}, "Operation")


class Client:
    """Gives each operation's answers in turn, the last one for ever; an exception is raised."""

    meta = types.SimpleNamespace(partition="aws", region_name="eu-west-3")

    def __init__(self, calls: list[tuple[str, State]], answers: dict[str, list[t.Any]]) -> None:
        self.calls = calls
        self.answers = answers

    def __getattr__(self, operation: str) -> t.Any:
        def call(*, aws_retry: bool, **request: t.Any) -> t.Any:
            assert aws_retry, f"{operation} is not retried"
            self.calls.append((operation, request))
            answers = self.answers.get(operation) or [{}]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def get_waiter(self, name: str) -> t.Any:
        return types.SimpleNamespace(wait=lambda **request: self.calls.append((f"wait {name}", request)))


class Module:
    """Its parameters are `params` over the `arguments`' defaults; `answers` are lists by operation."""

    def __init__(self, arguments: State, answers: dict[str, list[t.Any]], **params: t.Any) -> None:
        self.params = {option: spec.get("default") for option, spec in arguments.items()} | {"state": "present"} | params
        self.calls: list[tuple[str, State]] = []
        self.answers = {operation: list(turns) for operation, turns in answers.items()}
        self.warnings: list[str] = []
        self.no_log_values: set[str] = set()

    def client(self, service: str, retry_decorator: t.Any) -> Client:
        return Client(self.calls, self.answers)

    def fail_json(self, msg: str) -> t.NoReturn:
        raise Failed(msg)

    def fail_json_aws(self, error: Exception, msg: str) -> t.NoReturn:
        raise Failed(msg)

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    @property
    def writes(self) -> list[tuple[str, State]]:
        return [call for call in self.calls if not call[0].startswith(("describe_", "list_", "get_", "wait "))]
