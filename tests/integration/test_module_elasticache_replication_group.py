# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""elasticache_replication_group, against the sandbox's ElastiCache."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils import elasticache_replication_group as module_utils

ID = "greenleaf-test"
PARAMETER = "/greenleaf/test/redis/auth_token"
TOKEN = "Shamrock-and-clover-42"

State = dict[str, t.Any]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_utils.time, "sleep", lambda seconds: None)


@pytest.fixture
def security_groups(aws: t.Any) -> list[str]:
    return [aws("ec2").create_security_group(GroupName=name, Description=name)["GroupId"] for name in ("data", "more")]


@pytest.fixture
def wanted(aws: t.Any, security_groups: list[str]) -> State:
    subnets = [subnet["SubnetId"] for subnet in aws("ec2").describe_subnets()["Subnets"]][:2]
    aws("elasticache").create_cache_subnet_group(CacheSubnetGroupName=ID, CacheSubnetGroupDescription=ID, SubnetIds=subnets)
    return {
        "id": ID,
        "description": "Sessions",
        "engine": "redis",
        "engine_version": "7.1",
        "node_type": "cache.t3.micro",
        "subnet_group_name": ID,
        "security_group_ids": security_groups[:1],
        "port": 6380,
        "transit_encryption": True,
        "at_rest_encryption": True,
        "snapshot_retention_limit": 1,
        "snapshot_window": "03:00-04:00",
        "maintenance_window": "sun:04:30-sun:05:30",
        "auto_minor_version_upgrade": False,
        "tags": {"Environment": "test"},
    }


@pytest.fixture
def token(aws: t.Any) -> str:
    aws("ssm").put_parameter(Name=PARAMETER, Value=TOKEN, Type="SecureString")
    return PARAMETER


def described(aws: t.Any) -> tuple[State, State]:
    group = aws("elasticache").describe_replication_groups(ReplicationGroupId=ID)["ReplicationGroups"][0]
    member = aws("elasticache").describe_cache_clusters(CacheClusterId=group["MemberClusters"][0])["CacheClusters"][0]
    return group, member


def settle(aws: t.Any) -> None:
    while described(aws)[0]["Status"] != "available":
        pass


def asked(account: t.Any, since: int) -> list[State]:
    return [request["parameters"] | {"action": request["action"]} for request in account.writes(since)]


def test_converges(aws: t.Any, assert_converges: t.Any, wanted: State) -> None:
    resource = assert_converges("elasticache_replication_group", **wanted)["resource"]
    settle(aws)
    group, member = described(aws)
    assert resource["arn"] == group["ARN"]
    assert (group["Description"], group["Engine"], group["CacheNodeType"]) == ("Sessions", "redis", "cache.t3.micro")
    assert (group["TransitEncryptionEnabled"], group["TransitEncryptionMode"], group["AtRestEncryptionEnabled"]) == (True, "required", True)
    assert (group["SnapshotRetentionLimit"], group["SnapshotWindow"]) == (1, "03:00-04:00")
    assert group["MemberClusters"] == [f"{ID}-001"]
    assert group["AuthTokenEnabled"] is group["AutoMinorVersionUpgrade"] is False
    assert (member["EngineVersion"], member["CacheSubnetGroupName"]) == ("7.1.0", ID)
    assert [membership["SecurityGroupId"] for membership in member["SecurityGroups"]] == wanted["security_group_ids"]
    assert member["PreferredMaintenanceWindow"] == "sun:04:30-sun:05:30"
    assert group["NodeGroups"][0]["PrimaryEndpoint"]["Port"] == 6380
    tags = aws("elasticache").list_tags_for_resource(ResourceName=group["ARN"])["TagList"]
    assert tags == [{"Key": "Environment", "Value": "test"}]


def test_tells_the_endpoints_once_it_is_available(aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("elasticache_replication_group", **wanted)
    settle(aws)
    resource = run_module("elasticache_replication_group", **wanted)["resource"]
    shard = described(aws)[0]["NodeGroups"][0]
    assert resource["status"] == "available"
    assert resource["primary_endpoint"] == {"address": shard["PrimaryEndpoint"]["Address"], "port": 6380}
    assert resource["reader_endpoint"] == {"address": shard["ReaderEndpoint"]["Address"], "port": 6380}


def test_check_mode_of_a_missing_one_gives_placeholders(account: t.Any, run_module: t.Any, wanted: State) -> None:
    before = account.mark()
    resource = run_module("elasticache_replication_group", check_mode=True, **wanted, auth_token_parameter=PARAMETER)["resource"]
    assert resource["arn"] == f"arn:aws:elasticache:eu-west-3:000000000000:replicationgroup:{ID}"
    assert resource["primary_endpoint"] == {"address": f"master.{ID}.000000.eu-west-3.cache.amazonaws.com", "port": 6380}
    assert resource["status"] == "creating"
    assert {request["service"] for request in account.requests(before)} == {"elasticache"}


def test_the_token_goes_to_elasticache_and_nowhere_else(
    account: t.Any, aws: t.Any, assert_converges: t.Any, wanted: State, token: str
) -> None:
    result = assert_converges("elasticache_replication_group", **wanted, auth_token_parameter=token)
    assert described(aws)[0]["AuthTokenEnabled"] is True
    assert result["resource"]["auth_token"] is True
    assert TOKEN not in json.dumps(result)
    assert TOKEN not in account.log.read_text()


def test_a_token_is_let_in_then_required(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State, token: str) -> None:
    run_module("elasticache_replication_group", **wanted)
    settle(aws)
    before = account.mark()
    assert run_module("elasticache_replication_group", **wanted, auth_token_parameter=token)["changed"]
    assert [request["AuthTokenUpdateStrategy"] for request in asked(account, before)] == ["ROTATE", "SET"]
    for check_mode in (True, False):
        assert not run_module("elasticache_replication_group", check_mode=check_mode, **wanted, auth_token_parameter=token)["changed"]


@pytest.mark.parametrize(
    ("kind", "value", "told"),
    [(None, None, "does not exist"), ("String", TOKEN, "is a String"), ("SecureString", "short", "is no AUTH token")],
)
def test_refuses_a_token_that_aws_would_not_take(
    account: t.Any, aws: t.Any, run_module: t.Any, wanted: State, kind: str | None, value: str, told: str
) -> None:
    if kind:
        aws("ssm").put_parameter(Name=PARAMETER, Value=value, Type=kind)
    before = account.mark()
    failure = run_module("elasticache_replication_group", fails=True, **wanted, auth_token_parameter=PARAMETER)
    assert f"auth_token_parameter {PARAMETER} {told}" in failure["msg"]
    assert account.writes(before) == []


def test_changes_only_what_differs(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State, security_groups: list[str]) -> None:
    run_module("elasticache_replication_group", **wanted)
    settle(aws)
    changed = wanted | {
        "description": "Sessions and events",
        "node_type": "cache.t3.small",
        "security_group_ids": security_groups,
        "snapshot_retention_limit": 7,
        "tags": {"Component": "elasticache"},
    }
    before = account.mark()
    planned = run_module("elasticache_replication_group", check_mode=True, **changed)
    assert account.writes(before) == []
    assert planned["diff"]["after"].keys() == {"description", "node_type", "security_group_ids", "snapshot_retention_limit", "tags"}
    assert run_module("elasticache_replication_group", **changed)["changed"]
    tagging, modification = asked(account, before)
    assert tagging["action"] == "AddTagsToResource"
    assert modification == {
        "action": "ModifyReplicationGroup",
        "ReplicationGroupId": ID,
        "ApplyImmediately": True,
        "ReplicationGroupDescription": "Sessions and events",
        "CacheNodeType": "cache.t3.small",
        "SecurityGroupIds": sorted(security_groups),
        "SnapshotRetentionLimit": 7,
    }
    for check_mode in (True, False):
        assert not run_module("elasticache_replication_group", check_mode=check_mode, **changed)["changed"]
    settle(aws)
    group, member = described(aws)
    assert (group["Description"], group["CacheNodeType"], group["SnapshotRetentionLimit"]) == ("Sessions and events", "cache.t3.small", 7)
    assert sorted(membership["SecurityGroupId"] for membership in member["SecurityGroups"]) == sorted(security_groups)
    tags = aws("elasticache").list_tags_for_resource(ResourceName=group["ARN"])["TagList"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"Environment": "test", "Component": "elasticache"}


def test_grows_a_replica_before_failover_and_loses_it_after(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("elasticache_replication_group", **wanted)
    settle(aws)
    safe = {"replicas": 1, "automatic_failover": True, "multi_az": True}
    for change, actions in (
        (safe, ["IncreaseReplicaCount", "ModifyReplicationGroup"]),
        ({"replicas": 0, "automatic_failover": False, "multi_az": False}, ["ModifyReplicationGroup", "DecreaseReplicaCount"]),
    ):
        before = account.mark()
        assert run_module("elasticache_replication_group", **wanted, **change)["changed"]
        assert [request["action"] for request in asked(account, before)] == actions
        settle(aws)
        group = described(aws)[0]
        assert len(group["MemberClusters"]) == change["replicas"] + 1
        assert group["AutomaticFailover"] == group["MultiAZ"] == ("enabled" if change is safe else "disabled")
        assert not run_module("elasticache_replication_group", **wanted, **change)["changed"]


def test_refuses_one_that_is_being_deleted(aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("elasticache_replication_group", **wanted)
    settle(aws)
    run_module("elasticache_replication_group", id=ID, state="absent")
    failure = run_module("elasticache_replication_group", fails=True, **wanted)
    assert "is being deleted: run again when it is gone" in failure["msg"]


def test_refuses_a_change_while_it_is_created(account: t.Any, aws: t.Any, run_module: t.Any) -> None:
    request = {"ReplicationGroupId": ID, "ReplicationGroupDescription": "Sessions", "Engine": "redis", "CacheNodeType": "cache.t3.micro"}
    aws("elasticache").create_replication_group(**request)
    other = {"id": ID, "description": "Events", "engine": "redis", "node_type": "cache.t3.micro"}
    before = account.mark()
    failure = run_module("elasticache_replication_group", check_mode=True, fails=True, **other)
    assert failure["msg"] == f"ElastiCache replication group {ID} is creating: run again when it is available, to change description."
    assert account.writes(before) == []


@pytest.mark.parametrize("field", ["port", "transit_encryption", "subnet_group_name"])
def test_refuses_what_cannot_be_changed(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State, field: str) -> None:
    run_module("elasticache_replication_group", **wanted)
    settle(aws)
    other = {"port": 6379, "transit_encryption": False, "subnet_group_name": "other"}
    before = account.mark()
    failure = run_module("elasticache_replication_group", fails=True, **wanted | {field: other[field]})
    assert field in failure["msg"]
    assert account.writes(before) == []


def test_deletes_and_keeps_a_snapshot(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("elasticache_replication_group", **wanted)
    settle(aws)
    gone = {"id": ID, "state": "absent", "final_snapshot_id": "last"}
    before = account.mark()
    assert run_module("elasticache_replication_group", check_mode=True, **gone)["changed"]
    assert account.writes(before) == []
    assert run_module("elasticache_replication_group", **gone)["changed"]
    assert not run_module("elasticache_replication_group", **gone)["changed"]
    assert aws("elasticache").describe_replication_groups()["ReplicationGroups"] == []
    assert aws("elasticache").describe_cache_clusters()["CacheClusters"] == []
    assert aws("elasticache").describe_snapshots()["Snapshots"][0]["SnapshotName"] == "last"
    assert not run_module("elasticache_replication_group", **gone)["changed"]
