# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ways of running it: from a checkout of any name, from an installed collection, and by ansible-pull."""

from __future__ import annotations

import subprocess

import pytest

from tests.integration.playbooks import BIN, ROOT, bill, run

LISTED = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The files of this repository, as they are, committed to a repository of another name."""
    copy = tmp_path_factory.mktemp("src") / "another-name"
    copy.mkdir()
    names = subprocess.run(LISTED, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    there = "\0".join(name for name in names if name and (ROOT / name).exists())
    archive = subprocess.run(["tar", "-c", "--null", "-T", "-"], cwd=ROOT, input=there.encode(), check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x"], cwd=copy, input=archive, check=True)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@greenleaf.example", "-c", "commit.gpgsign=false"]
    for command in ["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--no-verify", "--message", "as it is"]:
        subprocess.run([*git, *command], cwd=copy, check=True)
    return copy


def test_a_checkout_under_another_name(account, checkout):
    done = run(account, "ansible-playbook", "site.yml", "-i", "inventories/dev", "--check", "--limit", "bootstrap,vpc", cwd=checkout)

    assert done.changed == {"bootstrap", "vpc"}
    assert done.writes == []
    assert str(ROOT) not in done.output


def test_pulled(account, checkout, tmp_path):
    """ansible-pull limits itself to localhost: the components want to be named."""
    command = ["ansible-pull", "--url", checkout.as_uri(), "--directory", tmp_path / "pulled", "--inventory", "inventories/dev"]
    done = run(account, *command, "--limit", "components", "--check", "site.yml", cwd=tmp_path)

    assert done.changed - {"localhost"} == bill("dev")
    assert done.writes == []


@pytest.mark.site
def test_the_installed_collection_finds_nothing_to_do(site, prod, tmp_path):
    """A project of one's own, which has an inventory, and the collection where ansible-galaxy installs it."""
    galaxy = [BIN / "ansible-galaxy", "collection"]
    subprocess.run([*galaxy, "build", "--output-path", tmp_path], cwd=ROOT, check=True)
    (archive,) = tmp_path.glob("greenleaf-cloud-*.tar.gz")
    subprocess.run([*galaxy, "install", archive, "--no-deps", "--collections-path", tmp_path / "collections"], cwd=tmp_path, check=True)
    (tmp_path / "inventories").symlink_to(ROOT / "inventories")

    command = ["ansible-playbook", "greenleaf.cloud.site", "-i", "inventories/prod", "--check"]
    done = run(site.sandbox, *command, cwd=tmp_path, ANSIBLE_COLLECTIONS_PATH=str(tmp_path / "collections"))

    assert done.components == bill("prod")
    assert done.changes == []
    assert done.writes == []
    assert str(ROOT) not in done.output.replace(str(ROOT / "inventories"), "")
