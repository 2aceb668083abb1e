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
        host = (task_vars or {}).get("inventory_hostname", "")
        aim = "gone" if self._task.args.get("state") == "absent" else "ready"
        began, since = time.monotonic(), time.strftime("%H:%M:%S")
        timeout = 0
        left: dict[str, int] = {}
        while True:
            result: dict[str, t.Any] = self._execute_module("greenleaf.cloud.wait_for", {**self._task.args, **left}, task_vars=task_vars)
            waited = round(time.monotonic() - began)
            done, label, allowed = (result.pop(name, None) for name in ("done", "label", "timeout"))
            if done or result.get("failed"):
                return {**result, "waited": waited}
            timeout = timeout or allowed
            what, state = f"{label} {self._task.args['name']}", result["status"] or "not there"
            if waited >= timeout:
                told = f"{what} is not {aim} after {waited} seconds, but {state}: run again to go on waiting, or raise timeout ({timeout})."
                return {**result, "failed": True, "msg": told, "waited": waited}
            display.display(f"{host}: waiting until {what} is {aim}, since {since} ({waited} s): {state}")
            left = {"timeout": timeout - waited}
