# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How each slow kind of AWS resource tells whether it is ready."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import datetime
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code

# What an RDS instance does not leave by itself.
BROKEN_DATABASES = (
    "failed",
    "inaccessible-encryption-credentials",
    "inaccessible-encryption-credentials-recoverable",
    "incompatible-network",
    "incompatible-option-group",
    "incompatible-parameters",
    "incompatible-restore",
    "insufficient-capacity",
    "restore-error",
    "storage-full",
)
ENDED_REFRESHES = ("Successful", "Cancelled", "Failed", "RollbackSuccessful", "RollbackFailed")
REFRESHES = 100  # the most that DescribeInstanceRefreshes gives at once
LONG_AGO = datetime.datetime.min.replace(tzinfo=datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Status:
    """One look at a resource: AWS's word for its state, and what that means."""

    text: str
    ready: bool = False
    failed: bool = False
    mend: str = ""


@dataclasses.dataclass(frozen=True)
class Kind:
    """`look` returns None where the resource does not exist."""

    label: str
    service: str
    look: c.Callable[[t.Any, str], Status | None]


def _db_instance(rds: t.Any, name: str) -> Status | None:
    try:
        instance = rds.describe_db_instances(DBInstanceIdentifier=name, aws_retry=True)["DBInstances"][0]
    except is_boto3_error_code(["DBInstanceNotFound", "DBInstanceNotFoundFault"]):
        return None
    text = instance["DBInstanceStatus"]
    # Each is as usable as an available one; a stopped one (asleep at night) will not become available by waiting.
    usable = text in ("available", "backing-up", "storage-optimization", "configuring-enhanced-monitoring", "stopped")
    ready = usable and bool(instance.get("Endpoint"))  # a new one is backed up before it can be reached
    return Status(text, ready, text in BROKEN_DATABASES, "its events tell why; what failed at its creation has to be deleted")


def _replication_group(elasticache: t.Any, name: str) -> Status | None:
    try:
        text = elasticache.describe_replication_groups(ReplicationGroupId=name, aws_retry=True)["ReplicationGroups"][0]["Status"]
    except is_boto3_error_code("ReplicationGroupNotFoundFault"):
        return None
    return Status(text, text in ("available", "snapshotting"), text == "create-failed", "delete it, then run again")


def _load_balancer(elbv2: t.Any, name: str) -> Status | None:
    try:
        state = elbv2.describe_load_balancers(Names=[name], aws_retry=True)["LoadBalancers"][0]["State"]
    except is_boto3_error_code("LoadBalancerNotFound"):
        return None
    text = state["Code"]
    return Status(text, text in ("active", "active_impaired"), text == "failed", state.get("Reason", "delete it, then run again"))


def _autoscaling_group(autoscaling: t.Any, name: str) -> Status | None:
    groups = autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[name], aws_retry=True)["AutoScalingGroups"]
    if not groups:
        return None
    group = groups[0]
    healthy = sum(machine["LifecycleState"] == "InService" for machine in group["Instances"])
    return Status(f"{healthy} of {group['DesiredCapacity']} in service", healthy >= group["DesiredCapacity"])


def _instance_refresh(autoscaling: t.Any, name: str) -> Status | None:
    answer = autoscaling.describe_instance_refreshes(AutoScalingGroupName=name, MaxRecords=REFRESHES, aws_retry=True)
    refreshes = answer["InstanceRefreshes"]
    if not refreshes:
        return Status("none", ready=True)
    # AWS promises no order, and one that has not begun has no start.
    last = max(refreshes, key=lambda one: (one["Status"] not in ENDED_REFRESHES, one.get("StartTime", LONG_AGO)))
    text = last["Status"] if last.get("PercentageComplete") is None else f"{last['Status']} {last['PercentageComplete']} %"
    return Status(
        text,
        last["Status"] in ("Successful", "Cancelled"),
        last["Status"] in ("Failed", "RollbackSuccessful", "RollbackFailed"),
        last.get("StatusReason", "see the group's activity history"),
    )


def _nat_gateway(ec2: t.Any, name: str) -> Status | None:
    gateways = ec2.describe_nat_gateways(Filter=[{"Name": "nat-gateway-id", "Values": [name]}], aws_retry=True)["NatGateways"]
    if not gateways or gateways[0]["State"] == "deleted":
        return None
    gateway = gateways[0]
    return Status(
        gateway["State"], gateway["State"] == "available", gateway["State"] == "failed", gateway.get("FailureMessage", "delete it")
    )


KINDS = {
    "db_instance": Kind("RDS instance", "rds", _db_instance),
    "replication_group": Kind("ElastiCache replication group", "elasticache", _replication_group),
    "load_balancer": Kind("Load balancer", "elbv2", _load_balancer),
    "autoscaling_group": Kind("Auto Scaling group", "autoscaling", _autoscaling_group),
    "instance_refresh": Kind("Instance refresh of", "autoscaling", _instance_refresh),
    "nat_gateway": Kind("NAT gateway", "ec2", _nat_gateway),
}
