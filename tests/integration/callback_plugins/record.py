# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every task told, for the tests to read."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: record
type: notification
short_description: Append the result of every task, and of every item of a loop, to a file of JSON lines
description:
  - The file is the one that the environment variable E(RECORD) names.
  - Results come as every callback gets them, without what no_log hides.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._append(result)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        self._append(result, item=label(result))

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._append(result, failed=True)

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        self._append(result, item=label(result), failed=True)

    def _append(self, result: t.Any, item: str | None = None, failed: bool = False) -> None:
        if "results" in result.result and item is None:
            return  # a loop, whose items were told one by one
        line = {
            "component": result.host.name,
            "task": result.task.get_name(),
            "action": result.task.action,
            "item": item,
            "failed": failed,
            "result": json.loads(self._dump_results(result.result)),
        }
        with open(os.environ["RECORD"], "a") as file:
            print(json.dumps(line), file=file)


def label(result: t.Any) -> str:
    return str(result.result.get("_ansible_item_label", result.result.get("item", "")))
