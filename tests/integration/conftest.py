# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Integration tests talk to the sandbox: one server a worker, an account as new for each test."""

from __future__ import annotations

import collections.abc as c
import functools
import importlib
import json
import pathlib
import sys
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

import boto3  # noqa: E402
import botocore.session  # noqa: E402
from ansible.module_utils.common import warnings  # noqa: E402
from ansible.module_utils.testing import patch_module_args  # noqa: E402

from sandbox import Sandbox  # noqa: E402
from sandbox.process import UNSET  # noqa: E402
from tests.integration.playbooks import Beside, Converged, Run, Site  # noqa: E402

Result = dict[str, t.Any]
RunModule = c.Callable[..., Result]


class ModuleFailed(Exception):
    """A module that ended in fail_json; `result` is what it told."""

    def __init__(self, result: Result) -> None:
        super().__init__(result["msg"])
        self.result = result


@pytest.fixture(scope="session", autouse=True)
def _shared_service_models() -> c.Iterator[None]:
    """botocore reads a service's model once, not once in every session; each run of a module has a session of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", functools.cache(botocore.session.create_loader))
        yield


@pytest.fixture(scope="session")
def sandbox() -> c.Iterator[Sandbox]:
    """The running sandbox. Tests want `account`."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def account(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The sandbox with an account as it is from the start, and an environment that leads to it."""
    sandbox.reset()
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    for name, value in sandbox.env.items():
        monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture
def aws(account: Sandbox) -> c.Callable[..., t.Any]:
    """A boto3 client of a service: `aws("ec2")`."""
    return functools.cache(boto3.Session().client)


@pytest.fixture
def run_module(account: Sandbox, capsys: pytest.CaptureFixture[str]) -> RunModule:
    """Runs a module of the collection in this process, in diff mode, and returns its result.

    `run_module("s3_bucket", check_mode=True, name=…)`; one that fails raises ModuleFailed, unless `fails=True`.
    """

    def run(name: str, /, *, check_mode: bool = False, fails: bool = False, **params: t.Any) -> Result:
        module = importlib.import_module(f"ansible_collections.greenleaf.cloud.plugins.modules.{name}")
        warnings._global_warnings.clear()
        warnings._global_deprecations.clear()
        capsys.readouterr()
        with patch_module_args({**params, "_ansible_check_mode": check_mode, "_ansible_diff": True}), pytest.raises(SystemExit):
            module.main()
        result: Result = json.loads(capsys.readouterr().out)
        if result.get("failed", False) and not fails:
            raise ModuleFailed(result)
        assert result.get("failed", False) == fails, result
        return result

    return run


@pytest.fixture
def assert_converges(run_module: RunModule, account: Sandbox) -> RunModule:
    """Asserts check (changed) → run (changed) → check (ok) → run (ok), and that only the first run writes. Returns its result."""

    def converge(module: str, /, **params: t.Any) -> Result:
        def step(*, check_mode: bool, changes: bool) -> Result:
            before = account.mark()
            result = run_module(module, check_mode=check_mode, **params)
            assert result["changed"] is changes, result
            writes = account.writes(before)
            assert bool(writes) is (changes and not check_mode), writes
            return result

        step(check_mode=True, changes=True)
        result = step(check_mode=False, changes=True)
        step(check_mode=True, changes=False)
        step(check_mode=False, changes=False)
        return result

    return converge


@pytest.fixture(scope="session")
def site() -> c.Iterator[Site]:
    """An account that a whole session's playbooks work in, one after the other; never emptied."""
    with Sandbox() as running:
        yield Site(running)


@pytest.fixture(scope="session")
def prod_plan(site: Site) -> Run:
    """What --check says of prod on an account where nothing exists."""
    return site.plan("prod")


@pytest.fixture(scope="session")
def prod(site: Site, prod_plan: Run) -> Converged:
    return site.make("prod")


@pytest.fixture(scope="session")
def beside(site: Site, prod: Converged) -> Beside:
    """preprod and dev in prod's account."""
    return Beside(site.state("prod"), site.make("preprod"), site.make("dev"))
