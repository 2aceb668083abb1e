# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""wait_for: what it tells while it waits, and how it ends."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from ansible_collections.greenleaf.cloud.plugins.action import wait_for

ARGS = {"kind": "db_instance", "name": "greenleaf-prod", "region": "eu-west-3"}
DONE = {"changed": False, "done": True, "status": "available", "label": "RDS instance", "timeout": 1800}


def creating(**more):
    return {"changed": False, "done": False, "status": "creating", "label": "RDS instance", "timeout": 1800, **more}


@pytest.fixture
def wait(monkeypatch):
    """Runs the action; each look gives the next of `looks` and lasts 30 seconds. Gives the result, the looks' arguments and the lines."""

    def wait(*looks, **args):
        now, asked, lines, left = [1000.0], [], [], list(looks)

        def execute(name, module_args, task_vars):
            assert name == "greenleaf.cloud.wait_for"
            asked.append(module_args)
            now[0] += 30.2
            return dict(left.pop(0))

        monkeypatch.setattr(wait_for.time, "monotonic", lambda: now[0])
        monkeypatch.setattr(wait_for.time, "strftime", lambda pattern: "14:03:20")
        monkeypatch.setattr(wait_for.display, "display", lines.append)
        task = Mock(args=ARGS | args, async_val=0, check_mode=False)
        action = wait_for.ActionModule(task, Mock(), Mock(), Mock(), Mock(), Mock())
        monkeypatch.setattr(action, "_execute_module", execute)
        result = action.run(task_vars={"inventory_hostname": "rds"})
        assert left == []
        return result, asked, lines

    return wait


def test_what_is_ready_is_not_waited_for(wait):
    result, asked, lines = wait(DONE)
    assert result == {"changed": False, "status": "available", "waited": 30}
    assert asked == [ARGS]
    assert lines == []


def test_every_look_is_told(wait):
    result, _asked, lines = wait(creating(), creating(status="backing-up"), DONE)
    assert lines == [
        "rds: waiting until RDS instance greenleaf-prod is ready, since 14:03:20 (30 s): creating",
        "rds: waiting until RDS instance greenleaf-prod is ready, since 14:03:20 (60 s): backing-up",
    ]
    assert result["waited"] == 91


def test_each_look_gets_the_time_that_is_left(wait):
    asked = wait(creating(timeout=100), creating(timeout=70), DONE, timeout=100)[1]
    assert [args.get("timeout") for args in asked] == [100, 70, 40]
    assert all(args["region"] == "eu-west-3" for args in asked)


def test_a_deletion_is_told(wait):
    lines = wait(creating(status="deleting"), creating(status="", done=True), state="absent")[2]
    assert lines == ["rds: waiting until RDS instance greenleaf-prod is gone, since 14:03:20 (30 s): deleting"]


def test_what_is_not_there_yet_is_told(wait):
    lines = wait(creating(status=""), DONE)[2]
    assert lines[0].endswith("(30 s): not there")


@pytest.mark.parametrize(("args", "aim"), [({}, "ready"), ({"state": "absent"}, "gone")])
def test_the_end_of_patience(wait, args, aim):
    result, asked, lines = wait(creating(timeout=60), creating(timeout=30), timeout=60, **args)
    assert (len(asked), len(lines)) == (2, 1)
    assert result == {
        "failed": True,
        "changed": False,
        "status": "creating",
        "waited": 60,
        "msg": f"RDS instance greenleaf-prod is not {aim} after 60 seconds, but creating: "
        "run again to go on waiting, or raise timeout (60).",
    }


def test_a_failure_ends_the_waiting(wait):
    failure = {"failed": True, "msg": "Instance refresh of greenleaf-prod-app is Failed: health checks failed.", "status": "Failed"}
    result, _asked, lines = wait(creating(), failure, kind="instance_refresh")
    assert result == {**failure, "waited": 60}
    assert len(lines) == 1


def test_check_mode_ends_at_once(wait):
    result, asked, lines = wait({"changed": False, "done": True, "status": ""})
    assert result["changed"] is False
    assert (len(asked), lines) == (1, [])
