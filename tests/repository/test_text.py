# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may stand nowhere in the repository."""

from __future__ import annotations

import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENTS = "|".join(sorted(path.parent.name for path in ROOT.glob("inventories/*/hosts.yml")))
PRODUCT = ("group_vars", "inventories", "meta", "playbooks", "plugins", "roles", "site.yml")
DECLARATIVE = ("group_vars", "playbooks", "roles", "site.yml")


def lines(pattern: str, *paths: str) -> list[str]:
    """file:line of every match in the tracked, and soon to be tracked, files."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = [ROOT / name for name in listed.split("\0") if name]
    assert files
    wanted = re.compile(pattern)
    return [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in files
        if path.is_file()
        for number, line in enumerate(path.read_text(errors="ignore").splitlines(), 1)
        if wanted.search(line)
    ]


def test_no_decision_by_the_name_of_an_environment() -> None:
    assert lines(rf"greenleaf_environment\s*(==|!=|\bin\b)|(==|!=|\bin\b)\s*[\[('\"]+({ENVIRONMENTS})['\"]", *DECLARATIVE) == []


def test_the_product_knows_no_emulator() -> None:
    assert lines(r"(?i)\bmoto\b|emulator|sandbox|endpoint_url|https?://(localhost|127\.)", *PRODUCT) == []


@pytest.mark.parametrize("host", [r"\b(pypi|pythonhosted|npmjs|galaxy\.ansible)\.(com|io|org)\b", "--(extra-)?index-url|--find-links"])
def test_no_package_registry_is_named(host: str) -> None:
    assert lines(host, ".", ":!tests/repository") == []
