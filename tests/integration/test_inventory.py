# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The running machines as Day-2 sees them."""

from __future__ import annotations

import json

import pytest

from tests.integration.playbooks import run

NOBODY = {
    "AWS_ACCESS_KEY_ID": "",
    "AWS_SECRET_ACCESS_KEY": "",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


def listed(sandbox, environment):
    done = run(sandbox, "ansible-inventory", "-i", f"inventories/{environment}/aws_ec2.yml", "--list")
    # The stock plugin warns of its own variable `tags`, which it sets whether or not anybody reads it.
    return json.loads(done.output[done.output.index("{\n") :])


def machines(site, environment):
    reservations = site.state(environment)["ec2:describe_instances"]
    return [machine for reservation in reservations for machine in reservation["Instances"]]


@pytest.mark.site
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_machines_by_component_and_zone(site, beside, environment):
    inventory = listed(site.sandbox, environment)

    expected = {}
    for machine in machines(site, environment):
        component = next(tag["Value"] for tag in machine["Tags"] if tag["Key"] == "Component")
        zone = machine["Placement"]["AvailabilityZone"].replace("-", "_")
        for group in ("machines", f"component_{component}", f"zone_{zone}"):
            expected.setdefault(group, set()).add(machine["InstanceId"])
    assert expected
    groups = {name: set(group["hosts"]) for name, group in inventory.items() if name.startswith(("machines", "component_", "zone_"))}
    assert groups == expected
    assert set(inventory["_meta"]["hostvars"]) == expected["machines"]
    for hostvars in inventory["_meta"]["hostvars"].values():
        assert hostvars["ec2_tags"]["Environment"]["__ansible_unsafe"] == environment


@pytest.mark.parametrize("environment", ["dev", "preprod", "prod"])
def test_an_empty_account_has_no_machines(account, environment):
    assert listed(account, environment)["_meta"]["hostvars"] == {}


def test_no_credentials_are_told_first_and_break_nothing(account):
    done = run(account, "ansible-inventory", "-i", "inventories/dev/aws_ec2.yml", "--graph", **NOBODY)

    assert "@all:" in done.output
    assert done.output.index("Unable to locate credentials") < done.output.index("'yaml' plugin")
    assert done.requests == []


def test_components_do_not_ask_the_cloud(account):
    done = run(account, "ansible-inventory", "-i", "inventories/dev", "--list", **NOBODY)

    assert "dev_instance" in json.loads(done.output)["components"]["hosts"]
    assert done.requests == []
