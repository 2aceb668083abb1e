# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""wait_for: one look of the module, which lasts until something is decided or its patience ends."""

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.waiting import KINDS, Status
from ansible_collections.greenleaf.cloud.plugins.modules import wait_for
from ansible_collections.greenleaf.cloud.tests.unit.recording import Failed, Module, error

READY = Status("available", ready=True)
CREATING = Status("creating")
FAILED = Status("failed", failed=True, mend="no capacity is left.")


class Ended(Exception):
    """exit_json, with the result."""


@pytest.fixture
def look(monkeypatch):
    """Runs the module, to which each look shows the next of `statuses`; gives its result and the seconds that it slept."""

    def look(*statuses, check_mode=False, **params):
        now, left = [0.0], list(statuses)
        params = {"kind": "db_instance", "name": "greenleaf-prod"} | params

        def show(api, name):
            assert name == "greenleaf-prod"
            status = left.pop(0)
            if isinstance(status, Exception):
                raise status
            return status

        class WaitFor(Module):
            def __init__(self, argument_spec, supports_check_mode):
                super().__init__(argument_spec, {}, **params)
                self.check_mode = check_mode
                assert supports_check_mode

            def exit_json(self, **result):
                raise Ended(result)

            def fail_json(self, msg, **more):
                raise Failed(msg)

        monkeypatch.setattr(wait_for, "AnsibleAWSModule", WaitFor)
        monkeypatch.setattr(wait_for.time, "monotonic", lambda: now[0])
        monkeypatch.setattr(wait_for.time, "sleep", lambda pause: now.__setitem__(0, now[0] + pause))
        monkeypatch.setitem(KINDS, params["kind"], dataclasses.replace(KINDS[params["kind"]], look=show))
        with pytest.raises(Ended) as ended:
            wait_for.main()
        assert left == []
        return ended.value.args[0], now[0]

    return look


def told(status, done):
    return {"changed": False, "done": done, "status": status, "label": "RDS instance", "timeout": 1800}


def test_what_is_ready_is_told_at_once(look):
    assert look(READY) == (told("available", True), 0)


def test_a_look_goes_on_until_it_is_ready(look):
    assert look(None, CREATING, CREATING, READY) == (told("available", True), 15)


def test_a_look_ends_with_its_patience(look):
    assert look(*[CREATING] * 7) == (told("creating", False), 30)
    assert look(*[CREATING] * 2, patience=9) == (told("creating", False), 5)
    assert look(CREATING, patience=0) == (told("creating", False), 0)


def test_a_look_ends_with_the_time_that_is_left(look):
    result, slept = look(*[CREATING] * 3, timeout=12)
    assert (result["timeout"], slept) == (12, 10)


def test_what_is_not_there_yet_is_waited_for(look):
    assert look(None, patience=0) == (told("", False), 0)


def test_a_deletion_ends_when_it_is_gone(look):
    assert look(Status("deleting"), Status("deleting"), None, state="absent") == (told("", True), 10)


@pytest.mark.parametrize("status", [READY, CREATING, FAILED])
def test_what_is_to_go_is_waited_for_in_any_state(look, status):
    assert look(status, None, state="absent")[0]["done"] is True


def test_a_failure_is_told_at_once_with_its_mend(look):
    with pytest.raises(Failed, match=r"^RDS instance greenleaf-prod is failed: no capacity is left\.$"):
        look(CREATING, FAILED)


def test_an_error_names_what_was_looked_at(look):
    with pytest.raises(Failed, match=r"^Failed to look at RDS instance greenleaf-prod$"):
        look(error("AccessDenied"))


def test_a_refresh_is_never_gone(look):
    with pytest.raises(Failed, match="use ready"):
        look(kind="instance_refresh", state="absent")


def test_check_mode_looks_at_nothing(look):
    assert look(check_mode=True)[0] == {"changed": False, "done": True, "status": "", "waited": 0}
