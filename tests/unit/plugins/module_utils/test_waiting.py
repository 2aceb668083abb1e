# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""waiting: when each kind is ready, has failed or is gone."""

from __future__ import annotations

import datetime

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.waiting import BROKEN_DATABASES, KINDS
from ansible_collections.greenleaf.cloud.tests.unit.recording import Client, error

ENDPOINT = {"Address": "db.example", "Port": 5432}


def look(kind, operation, answer):
    """What a look tells, and the request that it made."""
    calls = []
    status = KINDS[kind].look(Client(calls, {operation: [answer]}), "greenleaf-prod")
    ((called, request),) = calls
    assert called == operation
    return status, request


def database(**fields):
    return {"DBInstances": [{"DBInstanceStatus": "available", "Endpoint": ENDPOINT} | fields]}


def cache(status):
    return {"ReplicationGroups": [{"Status": status}]}


def balancer(code, **reason):
    return {"LoadBalancers": [{"State": {"Code": code, **reason}}]}


def group(desired, *states):
    return {"AutoScalingGroups": [{"DesiredCapacity": desired, "Instances": [{"LifecycleState": state} for state in states]}]}


def gateway(state, **more):
    return {"NatGateways": [{"State": state, **more}]}


LOOKS = {
    "db_instance": ("describe_db_instances", {"DBInstanceIdentifier": "greenleaf-prod"}),
    "replication_group": ("describe_replication_groups", {"ReplicationGroupId": "greenleaf-prod"}),
    "load_balancer": ("describe_load_balancers", {"Names": ["greenleaf-prod"]}),
    "autoscaling_group": ("describe_auto_scaling_groups", {"AutoScalingGroupNames": ["greenleaf-prod"]}),
    "nat_gateway": ("describe_nat_gateways", {"Filter": [{"Name": "nat-gateway-id", "Values": ["greenleaf-prod"]}]}),
    "instance_refresh": ("describe_instance_refreshes", {"AutoScalingGroupName": "greenleaf-prod", "MaxRecords": 100}),
}


def test_every_kind_is_looked_at_here():
    assert LOOKS.keys() == KINDS.keys()


@pytest.mark.parametrize(
    ("kind", "answer", "text", "ready", "failed"),
    [
        ("db_instance", database(), "available", True, False),
        ("db_instance", database(DBInstanceStatus="backing-up"), "backing-up", True, False),
        ("db_instance", database(DBInstanceStatus="storage-optimization"), "storage-optimization", True, False),
        ("db_instance", database(DBInstanceStatus="stopped"), "stopped", True, False),
        ("db_instance", database(DBInstanceStatus="backing-up", Endpoint=None), "backing-up", False, False),
        ("db_instance", database(DBInstanceStatus="creating", Endpoint=None), "creating", False, False),
        ("db_instance", database(DBInstanceStatus="stopping"), "stopping", False, False),
        ("db_instance", database(DBInstanceStatus="deleting"), "deleting", False, False),
        *(("db_instance", database(DBInstanceStatus=status), status, False, True) for status in BROKEN_DATABASES),
        ("replication_group", cache("available"), "available", True, False),
        ("replication_group", cache("snapshotting"), "snapshotting", True, False),
        ("replication_group", cache("creating"), "creating", False, False),
        ("replication_group", cache("modifying"), "modifying", False, False),
        ("replication_group", cache("create-failed"), "create-failed", False, True),
        ("load_balancer", balancer("active"), "active", True, False),
        ("load_balancer", balancer("active_impaired"), "active_impaired", True, False),
        ("load_balancer", balancer("provisioning"), "provisioning", False, False),
        ("load_balancer", balancer("failed"), "failed", False, True),
        ("autoscaling_group", group(2, "InService", "InService"), "2 of 2 in service", True, False),
        ("autoscaling_group", group(1, "InService", "InService"), "2 of 1 in service", True, False),
        ("autoscaling_group", group(2, "InService", "Pending:Wait"), "1 of 2 in service", False, False),
        ("autoscaling_group", group(1), "0 of 1 in service", False, False),
        ("autoscaling_group", group(0), "0 of 0 in service", True, False),
        ("nat_gateway", gateway("available"), "available", True, False),
        ("nat_gateway", gateway("pending"), "pending", False, False),
        ("nat_gateway", gateway("deleting"), "deleting", False, False),
        ("nat_gateway", gateway("failed"), "failed", False, True),
    ],
)
def test_status(kind, answer, text, ready, failed):
    operation, request = LOOKS[kind]
    status, asked = look(kind, operation, answer)
    assert (status.text, status.ready, status.failed) == (text, ready, failed)
    assert asked == request


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("db_instance", error("DBInstanceNotFound")),
        ("db_instance", error("DBInstanceNotFoundFault")),
        ("replication_group", error("ReplicationGroupNotFoundFault")),
        ("load_balancer", error("LoadBalancerNotFound")),
        ("autoscaling_group", {"AutoScalingGroups": []}),
        ("nat_gateway", {"NatGateways": []}),
        ("nat_gateway", gateway("deleted")),
    ],
)
def test_gone(kind, answer):
    assert look(kind, LOOKS[kind][0], answer)[0] is None


@pytest.mark.parametrize("kind", KINDS)
def test_another_error_is_raised(kind):
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        look(kind, LOOKS[kind][0], error("AccessDenied"))


@pytest.mark.parametrize(
    ("kind", "answer", "mend"),
    [
        ("load_balancer", balancer("failed", Reason="no address is left"), "no address is left"),
        ("load_balancer", balancer("failed"), "delete it, then run again"),
        ("nat_gateway", gateway("failed", FailureMessage="no address is left"), "no address is left"),
        ("replication_group", cache("create-failed"), "delete it, then run again"),
    ],
)
def test_a_failure_tells_why_or_the_mend(kind, answer, mend):
    assert look(kind, LOOKS[kind][0], answer)[0].mend == mend


# Instance refreshes


def refresh(status, hour=None, **more):
    started = {} if hour is None else {"StartTime": datetime.datetime(2026, 1, 1, hour, tzinfo=datetime.UTC)}
    return {"Status": status, **started, **more}


def last(*refreshes):
    return look("instance_refresh", LOOKS["instance_refresh"][0], {"InstanceRefreshes": list(refreshes)})


def test_no_refresh_is_ready():
    status, request = last()
    assert (status.text, status.ready) == ("none", True)
    assert request == LOOKS["instance_refresh"][1]


@pytest.mark.parametrize(
    ("told", "ready", "failed"),
    [
        ("Pending", False, False),
        ("InProgress", False, False),
        ("Baking", False, False),
        ("Cancelling", False, False),
        ("RollbackInProgress", False, False),
        ("Successful", True, False),
        ("Cancelled", True, False),
        ("Failed", False, True),
        ("RollbackSuccessful", False, True),
        ("RollbackFailed", False, True),
    ],
)
def test_the_status_of_a_refresh(told, ready, failed):
    status = last(refresh(told, 1))[0]
    assert (status.text, status.ready, status.failed) == (told, ready, failed)


def test_a_refresh_tells_how_far_it_is_and_why_it_failed():
    assert last(refresh("InProgress", 1, PercentageComplete=50))[0].text == "InProgress 50 %"
    assert last(refresh("InProgress", 1, PercentageComplete=0))[0].text == "InProgress 0 %"
    assert last(refresh("Failed", 1, StatusReason="health checks failed"))[0].mend == "health checks failed"
    assert last(refresh("Failed", 1))[0].mend == "see the group's activity history"


@pytest.mark.parametrize(
    "refreshes",
    [
        [refresh("Failed", 1), refresh("Successful", 2)],
        [refresh("Failed", 1), refresh("Pending")],
        [refresh("Failed", 2), refresh("InProgress", 1)],
        [refresh("Cancelled"), refresh("Successful", 1)],
    ],
)
def test_the_last_refresh_counts_whatever_the_order(refreshes):
    wanted = refreshes[1]["Status"]
    assert last(*refreshes)[0].text == last(*reversed(refreshes))[0].text == wanted
