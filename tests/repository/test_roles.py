# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every role holds itself to: its inputs are declared once, documented, used, and the same everywhere."""

from __future__ import annotations

import collections.abc as c
import pathlib
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
REUSABLE = [role for role in ROLES if role != "run_guard"]  # whose inputs are not its own but the environment's

Options = dict[str, dict[str, t.Any]]


def load(path: pathlib.Path) -> dict[str, t.Any]:
    return yaml.safe_load(path.read_text()) if path.exists() else {}


BILLS = {path.parent.name: load(path)["components"]["hosts"].keys() for path in (ROOT / "inventories").glob("*/hosts.yml")}
COMPONENTS = sorted(set().union(*BILLS.values()))


def entry_points(role: str) -> dict[str, Options]:
    specs = load(ROOT / "roles" / role / "meta/argument_specs.yml")["argument_specs"]
    return {name: spec.get("options", {}) for name, spec in specs.items()}


def options(role: str) -> Options:
    return {name: option for entry_point in entry_points(role).values() for name, option in entry_point.items()}


def nested(declared: Options, prefix: str = "") -> c.Iterator[tuple[str, dict[str, t.Any]]]:
    for name, option in declared.items():
        yield prefix + name, option
        yield from nested(option.get("options", {}), f"{prefix}{name}.")


@pytest.mark.parametrize("environment", sorted(BILLS))
def test_every_component_has_a_role(environment: str) -> None:
    assert sorted(BILLS[environment] - set(ROLES)) == []


@pytest.mark.parametrize("role", ROLES)
def test_role_is_complete(role: str) -> None:
    wanted = ["README.md", "meta/main.yml", "meta/argument_specs.yml", "tasks/main.yml"]
    assert [name for name in wanted if not (ROOT / "roles" / role / name).is_file()] == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_component_has_a_scenario(component: str) -> None:
    wanted = ["molecule.yml", "converge.yml", "verify.yml"]
    assert [name for name in wanted if not (ROOT / "molecule" / component / name).is_file()] == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_component_can_be_present_or_absent(component: str) -> None:
    state = entry_points(component)["main"][f"{component}_state"]
    assert (state["type"], state["choices"], state["default"]) == ("str", ["present", "absent"], "present")


@pytest.mark.parametrize("role", REUSABLE)
def test_defaults_are_those_of_the_argument_specs(role: str) -> None:
    declared = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert load(ROOT / "roles" / role / "defaults/main.yml") == declared


@pytest.mark.parametrize("role", REUSABLE)
def test_an_option_is_required_or_has_a_default(role: str) -> None:
    assert [name for name, option in options(role).items() if option.get("required", False) == ("default" in option)] == []


@pytest.mark.parametrize("role", ROLES)
def test_entry_points_agree_on_an_option(role: str) -> None:
    assert [
        (entry_point, name)
        for entry_point, declared in entry_points(role).items()
        for name, option in declared.items()
        if option != options(role)[name]
    ] == []


@pytest.mark.parametrize("role", ROLES)
def test_options_have_a_description_and_a_type(role: str) -> None:
    incomplete = [
        name
        for name, option in nested(options(role))
        if not option.get("description") or not option.get("type") or (option["type"] == "list" and not option.get("elements"))
    ]
    assert incomplete == []


@pytest.mark.parametrize("role", REUSABLE)
def test_names_begin_with_the_role(role: str) -> None:
    internal = load(ROOT / "roles" / role / "vars/main.yml")
    assert [name for name in options(role) if not name.startswith(f"{role}_")] == []
    assert [name for name in internal if not name.startswith(f"__{role}_")] == []


@pytest.mark.parametrize("role", REUSABLE)
def test_options_are_used(role: str) -> None:
    files = [path for part in ("handlers", "tasks", "templates", "vars") for path in (ROOT / "roles" / role / part).rglob("*.*")]
    code = "".join(path.read_text() for path in [*files, ROOT / "plugins/module_utils/preflight.py"])
    assert [name for name in options(role) if name not in code] == []


@pytest.mark.parametrize("role", ROLES)
def test_readme_explains_the_options(role: str) -> None:
    readme = (ROOT / "roles" / role / "README.md").read_text()
    assert [name for name in options(role) if name not in readme] == []
