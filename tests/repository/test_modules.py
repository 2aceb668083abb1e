# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every module holds itself to: a test of its own, and a place in the group of its cloud."""

from __future__ import annotations

import ast
import pathlib

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = {path.stem: path for path in sorted((ROOT / "plugins/modules").glob("*.py"))}


def fragments(module: str) -> list[str]:
    """The documentation fragments that a module extends."""
    for node in ast.parse(MODULES[module].read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION":
            found: list[str] = yaml.safe_load(ast.literal_eval(node.value)).get("extends_documentation_fragment", [])
            return found
    raise AssertionError(f"{module} has no DOCUMENTATION")


@pytest.mark.parametrize("module", MODULES)
def test_module_has_an_integration_test(module: str) -> None:
    assert (ROOT / f"tests/integration/test_module_{module}.py").is_file()


@pytest.mark.parametrize("test", [path.relative_to(ROOT) for path in (ROOT / "tests/unit/plugins").rglob("test_*.py")], ids=str)
def test_unit_test_mirrors_a_source(test: pathlib.Path) -> None:
    assert (ROOT / test.relative_to("tests/unit").with_name(test.name.removeprefix("test_"))).is_file()


def test_action_group_lists_the_aws_modules() -> None:
    group = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]["aws"]
    listed = [entry for entry in group if isinstance(entry, str)]
    assert listed == sorted(module for module in MODULES if "amazon.aws.region.modules" in fragments(module))
