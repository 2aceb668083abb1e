# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""check_inputs on the inventories that ship; test_guard.py tells what a run says about wrong ones."""

from __future__ import annotations

import pytest

from tests.integration.playbooks import copy_inventory, run

WEAK = "hunter2-hunter2"
SECRET = f"{WEAK}-Aa1!"


@pytest.fixture
def guard(account, tmp_path):
    """Runs guard.yml on an inventory with the given changes, as if another region were at hand."""

    def guard(environment, *arguments, fails=False, **edits):
        inventory = copy_inventory(environment, tmp_path, **edits)
        elsewhere = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
        return run(account, "ansible-playbook", "playbooks/guard.yml", "-i", inventory, *arguments, fails=fails, **elsewhere)

    return guard


def actions(done):
    return {request["action"] for request in done.requests}


@pytest.mark.parametrize("environment", ["dev", "preprod", "prod"])
def test_what_ships_is_right(guard, environment):
    done = guard(environment)

    checks = [told for told in done.told if told.action.endswith("check_inputs")]
    assert [check.result["problems"] for check in checks] == [[], []]  # the names, and then the values
    assert "DescribeAvailabilityZones" in actions(done)
    assert done.writes == []
    ordered = {"DescribeOrderableDBInstanceOptions", "DescribeCacheEngineVersions"}
    assert ordered & actions(done) == (set() if environment == "dev" else ordered)


def test_templates_in_host_vars_are_evaluated(guard):
    """Although the files are read for their names before."""
    done = guard("prod", rds={"rds_allocated_storage": "{{ 4 * 5 }}", "rds_multi_az": "{{ greenleaf_protect }}"})
    assert done.writes == []


def test_what_is_wrong_in_itself_is_not_asked_of_aws(guard):
    done = guard("prod", fails=True, rds={"rds_tags": {"Owner": "{{ nobody }}"}, "rds_instance_class": "{{ sizes.rds }}"})

    assert done.message.splitlines()[1:] == [
        "- rds_instance_class cannot be evaluated: 'sizes' is undefined.",
        "- rds_tags cannot be evaluated: 'nobody' is undefined.",
    ]
    assert "DescribeAvailabilityZones" not in actions(done)


def test_misspelt_names_are_told_before_anything_is_asked(guard):
    done = guard("dev", fails=True, rds={"rds_multi_az": True})

    assert done.message.splitlines()[1:] == ["- host_vars/rds.yml belongs to nothing in hosts.yml."]
    assert done.requests == []


@pytest.mark.parametrize(
    "edits",
    [
        {"app_secrets_values": {"ADMIN_PASSWORD": SECRET}, "app_secrets_database_port": SECRET},
        {"app_secrets_values": {"ADMIN_PASSWORD": WEAK}},
    ],
)
def test_no_secret_is_told(guard, edits):
    done = guard("prod", "-vvv", fails=True, app_secrets=edits)

    assert "app_secrets" in done.message
    assert WEAK not in done.output
    assert WEAK not in done.record
