# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks through the module of the same name again and again: a module cannot tell anything before it ends."""

from __future__ import annotations

import time
import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

display = Display()


class ActionModule(ActionBase):  # type: ignore[misc]
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        began = time.monotonic()
        timeout = int(self._task.args.get("timeout", 1800))
        while True:
            result: dict[str, t.Any] = self._execute_module("greenleaf.cloud.wait_for", dict(self._task.args), task_vars=task_vars)
            waited = round(time.monotonic() - began)
            done = result.pop("done", False)
            label = f"{result.pop('label', '')} {self._task.args.get('name')}"
            if result.get("failed") or done:
                return {**result, "waited": waited}
            state = result.get("status") or "not there yet"
            if waited >= timeout:
                return {
                    "failed": True,
                    "msg": f"{label} is {state} after {waited} seconds of the {timeout} that were allowed: run again to go on waiting.",
                }
            display.display(f"{(task_vars or {}).get('inventory_hostname', '')}: waiting for {label} since {waited} s: {state}")
