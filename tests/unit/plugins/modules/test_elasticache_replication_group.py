# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""elasticache_replication_group: what it refuses, how it reads AWS's answers, and the operations that it asks for, in order."""

from __future__ import annotations

import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils import elasticache_replication_group as elasticache
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import ImmutableFieldError, converge
from ansible_collections.greenleaf.cloud.plugins.modules.elasticache_replication_group import ARGUMENTS, build
from ansible_collections.greenleaf.cloud.tests.unit.recording import Failed, Module, error

TOKEN = "Shamrock-and-clover-42"
ARN = "arn:aws:elasticache:eu-west-3:123456789012:replicationgroup:shop"
GROUP = {
    "ReplicationGroupId": "shop",
    "ARN": ARN,
    "Description": "Sessions",
    "Status": "available",
    "PendingModifiedValues": {},
    "MemberClusters": ["shop-001"],
    "NodeGroups": [
        {"PrimaryEndpoint": {"Address": "master.shop", "Port": 6379}, "ReaderEndpoint": {"Address": "replica.shop", "Port": 6379}}
    ],
    "AutomaticFailover": "disabled",
    "MultiAZ": "disabled",
    "SnapshotRetentionLimit": 0,
    "SnapshotWindow": "05:00-06:00",
    "ClusterEnabled": False,
    "CacheNodeType": "cache.t3.micro",
    "AuthTokenEnabled": False,
    "TransitEncryptionEnabled": True,
    "AtRestEncryptionEnabled": True,
    "AutoMinorVersionUpgrade": False,
    "Engine": "redis",
}
MEMBER = {
    "CacheClusterId": "shop-001",
    "EngineVersion": "7.1.0",
    "CacheSubnetGroupName": "data",
    "SecurityGroups": [
        {"SecurityGroupId": "sg-b", "Status": "active"},
        {"SecurityGroupId": "sg-a", "Status": "adding"},
        {"SecurityGroupId": "sg-old", "Status": "removing"},
    ],
    "CacheParameterGroup": {"CacheParameterGroupName": "default.redis7"},
    "PreferredMaintenanceWindow": "sun:04:30-sun:05:30",
}
WANTED = {"id": "shop", "description": "Sessions", "engine": "redis", "node_type": "cache.t3.micro"}
SECRET = {"Parameter": {"Value": TOKEN, "Type": "SecureString"}}


def there(member=None, **fields):
    return {
        "describe_replication_groups": [{"ReplicationGroups": [{**GROUP, **fields}]}],
        "describe_cache_clusters": [{"CacheClusters": [{**MEMBER, **(member or {})}]}],
        "list_tags_for_resource": [{"TagList": [{"Key": "Owner", "Value": "somebody"}]}],
        "get_parameter": [SECRET],
    }


def module(answers, **params):
    return Module(ARGUMENTS, answers, **{**WANTED, **params})


def run(module, check_mode=False):
    return converge(build(module), present=module.params["state"] == "present", check_mode=check_mode)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(elasticache.time, "sleep", lambda seconds: None)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"id": "Shop"}, "id is 'Shop'"),
        ({"id": "1shop"}, "id"),
        ({"id": "shop-"}, "id"),
        ({"id": "my--shop"}, "id"),
        ({"id": "s" * 41}, "id"),
        ({"node_type": "t3.micro"}, "node_type"),
        ({"engine_version": "seven"}, "engine_version"),
        ({"replicas": 6}, "replicas"),
        ({"port": 0}, "port"),
        ({"snapshot_retention_limit": 36}, "snapshot_retention_limit"),
        ({"snapshot_window": "3:00-4:00"}, "snapshot_window"),
        ({"maintenance_window": "sunday:03:00-sunday:04:00"}, "maintenance_window"),
        ({"automatic_failover": True}, "set replicas to 1 or more"),
        ({"automatic_failover": True, "replicas": 0}, "set replicas to 1 or more"),
        ({"multi_az": True, "replicas": 1}, "multi_az wants automatic_failover"),
        ({"auth_token_parameter": "/token"}, "auth_token_parameter wants transit_encryption"),
    ],
)
def test_a_bad_option_is_refused(options, names):
    refused = module({}, **options)
    with pytest.raises(Failed, match=names):
        build(refused)
    assert refused.calls == []


@pytest.mark.parametrize("options", [{"id": "s" * 40}, {"engine_version": "6.x"}, {"replicas": 1, "automatic_failover": True}])
def test_a_good_option_is_taken(options):
    assert build(module({}, **options)).id


@pytest.mark.parametrize(
    ("declared", "observed", "minor_upgrades", "holds"),
    [
        ("7.1", "7.1.0", False, True),
        ("7.1.0", "7.1.0", False, True),
        ("6.x", "6.2.6", False, True),
        ("7.0", "7.1.0", False, False),
        ("7.0", "7.1.0", True, True),
        ("7.1", "7.0.7", True, False),
        ("7.2", "8.0.1", True, False),
        ("8.0", "7.2.6", True, False),
        (None, "7.1.0", True, False),
        ("7.1", None, True, False),
    ],
)
def test_versions(declared, observed, minor_upgrades, holds):
    assert elasticache.version_holds(declared, observed, minor_upgrades) is holds


def test_reads_a_group():
    state = elasticache.from_api({**GROUP, "AutomaticFailover": "enabling", "MemberClusters": ["shop-001", "shop-002"]}, MEMBER)
    assert state["security_group_ids"] == ["sg-a", "sg-b"]
    assert (state["replicas"], state["automatic_failover"], state["multi_az"]) == (1, True, False)
    assert (state["port"], state["primary_endpoint"]) == (6379, {"address": "master.shop", "port": 6379})
    assert (state["subnet_group_name"], state["parameter_group_name"]) == ("data", "default.redis7")


def test_what_is_under_way_counts_as_done():
    pending = {"PendingModifiedValues": {"CacheNodeType": "cache.t3.small", "EngineVersion": "7.2.6"}}
    state = elasticache.from_api({**GROUP, "PendingModifiedValues": {"AuthTokenStatus": "ROTATING"}}, {**MEMBER, **pending})
    assert (state["node_type"], state["engine_version"], state["auth_token"]) == ("cache.t3.small", "7.2.6", True)


def test_creates_a_single_encrypted_node():
    answers = there()
    looks = [error("ReplicationGroupNotFoundFault"), {"ReplicationGroups": [{**GROUP, "Status": "creating", "NodeGroups": []}]}]
    new = module(
        {**answers, "describe_replication_groups": looks, "describe_cache_clusters": [error("CacheClusterNotFound")]},
        subnet_group_name="data",
        security_group_ids=["sg-b", "sg-a"],
        port=6380,
        transit_encryption=True,
        at_rest_encryption=True,
        auth_token_parameter="/token",
        tags={"Environment": "test"},
    )
    new.answers["describe_replication_groups"][1]["ReplicationGroups"][0]["AuthTokenEnabled"] = True
    result = run(new)
    assert new.writes == [
        (
            "create_replication_group",
            {
                "ReplicationGroupId": "shop",
                "ReplicationGroupDescription": "Sessions",
                "Engine": "redis",
                "CacheNodeType": "cache.t3.micro",
                "NumCacheClusters": 1,
                "CacheSubnetGroupName": "data",
                "SecurityGroupIds": ["sg-a", "sg-b"],
                "Port": 6380,
                "TransitEncryptionEnabled": True,
                "AtRestEncryptionEnabled": True,
                "AuthToken": TOKEN,
                "Tags": [{"Key": "Environment", "Value": "test"}],
            },
        )
    ]
    assert result["resource"]["status"] == "creating"
    assert result["resource"]["primary_endpoint"] is None
    assert new.no_log_values == {TOKEN}
    assert TOKEN not in str(result)


def test_a_group_that_is_created_is_as_it_was_asked_for():
    creating = there(Status="creating", NodeGroups=[], MemberClusters=[])
    same = module(creating, port=6380, engine_version="7.1", replicas=1, tags={"Environment": "test"})
    assert not run(same)["changed"]
    assert [operation for operation, request in same.calls] == ["describe_replication_groups"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_change_wants_an_available_group(check_mode):
    busy = module(there(Status="modifying"), description="Events", snapshot_retention_limit=7)
    message = "shop is modifying: run again when it is available, to change description, snapshot_retention_limit"
    with pytest.raises(Failed, match=message):
        run(busy, check_mode)
    assert busy.writes == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_creation_with_tls_wants_a_subnet_group(check_mode):
    new = module({"describe_replication_groups": [error("ReplicationGroupNotFoundFault")]}, transit_encryption=True)
    with pytest.raises(Failed, match="transit_encryption wants a subnet_group_name"):
        run(new, check_mode)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Status": "deleting"}, "is being deleted"),
        ({"Status": "create-failed"}, "could not be created: delete it"),
        ({"ClusterEnabled": True}, "cluster mode"),
    ],
)
def test_an_unfit_group_is_refused(fields, message):
    with pytest.raises(Failed, match=message):
        run(module(there(**fields)), check_mode=True)


def test_refuses_what_cannot_be_changed():
    with pytest.raises(ImmutableFieldError, match="at_rest_encryption, port"):
        run(module(there(), port=6380, at_rest_encryption=False))


def plan(changes, observed=None, declared=None, token=None):
    before = elasticache.from_api(GROUP, MEMBER) | (observed or {})
    return elasticache.plan(changes, before, declared or changes, "shop-001", token)


def test_a_replica_comes_before_failover_and_goes_after_it():
    on = {"replicas": 1, "automatic_failover": True, "multi_az": True}
    assert plan(on) == [
        ("increase_replica_count", {"NewReplicaCount": 1}),
        ("modify_replication_group", {"AutomaticFailoverEnabled": True, "MultiAZEnabled": True}),
    ]
    off = {"replicas": 0, "automatic_failover": False}
    assert plan(off, {"replicas": 1}) == [
        ("modify_replication_group", {"AutomaticFailoverEnabled": False}),
        ("decrease_replica_count", {"NewReplicaCount": 0}),
    ]


def test_first_snapshots_are_taken_of_the_first_node():
    assert plan({"snapshot_retention_limit": 7}) == [
        ("modify_replication_group", {"SnapshotRetentionLimit": 7, "SnapshottingClusterId": "shop-001"})
    ]
    assert plan({"snapshot_retention_limit": 7}, {"snapshot_retention_limit": 1}) == [
        ("modify_replication_group", {"SnapshotRetentionLimit": 7})
    ]


def test_another_engine_comes_with_its_version():
    assert plan({"engine": "valkey"}, declared={"engine": "valkey", "engine_version": "8.0"}) == [
        ("modify_replication_group", {"Engine": "valkey", "EngineVersion": "8.0"})
    ]


def test_operations_wait_for_each_other():
    answers = there()
    statuses = ["available", "modifying", "modifying", "available"]
    answers["describe_replication_groups"] = [{"ReplicationGroups": [{**GROUP, "Status": status}]} for status in statuses]
    changed = module(answers, transit_encryption=True, auth_token_parameter="/token")
    run(changed)
    assert [operation for operation, request in changed.calls if operation != "describe_cache_clusters"] == [
        "describe_replication_groups",
        "get_parameter",
        "modify_replication_group",
        *["describe_replication_groups"] * 3,
        "modify_replication_group",
        "describe_replication_groups",
    ]
    assert [request["AuthTokenUpdateStrategy"] for operation, request in changed.writes] == ["ROTATE", "SET"]
    assert all(request["ApplyImmediately"] for operation, request in changed.writes)


def test_operations_do_not_wait_without_end(monkeypatch):
    clock = iter(range(0, 100000, 600))
    monkeypatch.setattr(elasticache.time, "monotonic", lambda: next(clock))
    answers = there()
    answers["describe_replication_groups"].append({"ReplicationGroups": [{**GROUP, "Status": "modifying"}]})
    slow = module(answers, replicas=1, automatic_failover=True)
    with pytest.raises(Failed, match="is still modifying after the first of its changes: run again"):
        run(slow)
    assert [operation for operation, request in slow.writes] == ["increase_replica_count"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (error("ParameterNotFound"), "/token does not exist"),
        ({"Parameter": {"Value": TOKEN, "Type": "String"}}, "/token is a String"),
        ({"Parameter": {"Value": "a" * 15, "Type": "SecureString"}}, "16 to 128"),
        ({"Parameter": {"Value": "a" * 129, "Type": "SecureString"}}, "16 to 128"),
        ({"Parameter": {"Value": f"{TOKEN}@", "Type": "SecureString"}}, "16 to 128"),
        ({"Parameter": {"Value": f"{TOKEN}\n", "Type": "SecureString"}}, "16 to 128"),
    ],
)
def test_a_bad_token_is_refused_before_anything_is_written(answer, message):
    answers = {**there(), "get_parameter": [answer]}
    refused = module(answers, description="Events", transit_encryption=True, auth_token_parameter="/token", tags={"Environment": "test"})
    with pytest.raises(Failed, match=message) as failure:
        run(refused)
    assert TOKEN not in str(failure.value)
    assert refused.writes == []


def test_check_mode_does_not_read_the_token():
    planned = module(there(), transit_encryption=True, auth_token_parameter="/token")
    assert run(planned, check_mode=True)["diff"]["after"] == {"auth_token": True}
    assert "get_parameter" not in [operation for operation, request in planned.calls]


def test_deletes():
    old = module(there(), state="absent", final_snapshot_id="last")
    assert run(old)["changed"]
    assert old.writes == [
        ("delete_replication_group", {"ReplicationGroupId": "shop", "RetainPrimaryCluster": False, "FinalSnapshotIdentifier": "last"})
    ]
    assert not run(module(there(Status="deleting"), state="absent"))["changed"]
    with pytest.raises(Failed, match="is creating: run again when it is available, to delete it"):
        run(module(there(Status="creating"), state="absent"), check_mode=True)
