# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sandbox.gaps.elasticache, asked by boto3, and the stock module for subnet groups on it."""

from __future__ import annotations

import json
import typing as t

import botocore.exceptions
import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.community.aws.plugins.modules import elasticache_subnet_group

TOKEN = "Shamrock-and-clover-42"
OTHER = "Dandelion-and-daisy-43"

State = dict[str, t.Any]


@pytest.fixture
def client(aws: t.Any) -> t.Any:
    return aws("elasticache")


@pytest.fixture
def subnets(aws: t.Any) -> list[str]:
    return [subnet["SubnetId"] for subnet in aws("ec2").describe_subnets()["Subnets"]]


@pytest.fixture
def create(client: t.Any, subnets: list[str]) -> t.Any:
    client.create_cache_subnet_group(CacheSubnetGroupName="data", CacheSubnetGroupDescription="data", SubnetIds=subnets[:2])

    def create(**options: t.Any) -> State:
        request = {
            "ReplicationGroupId": "shop",
            "ReplicationGroupDescription": "Sessions",
            "Engine": "redis",
            "EngineVersion": "7.0",
            "CacheNodeType": "cache.t3.micro",
            "CacheSubnetGroupName": "data",
        }
        answer = client.create_replication_group(**request | options)["ReplicationGroup"]
        assert answer["Status"] == "creating"
        return t.cast(State, answer)

    return create


def group(client: t.Any) -> State:
    found: State = client.describe_replication_groups(ReplicationGroupId="shop")["ReplicationGroups"][0]
    return found


def settled(client: t.Any) -> State:
    while (found := group(client))["Status"] != "available":
        pass
    return found


def member(client: t.Any, number: int = 1) -> State:
    answer = client.describe_cache_clusters(CacheClusterId=f"shop-{number:03}", ShowCacheNodeInfo=True)
    return t.cast(State, answer["CacheClusters"][0])


def refusal(call: t.Any, **request: t.Any) -> str:
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**request)
    return t.cast(str, error.value.response["Error"]["Code"])


# Replication groups


def test_a_creation_takes_a_while(client: t.Any, create: t.Any) -> None:
    create(Tags=[{"Key": "Name", "Value": "shop"}])
    assert refusal(client.modify_replication_group, ReplicationGroupId="shop", SnapshotRetentionLimit=1) == "InvalidReplicationGroupState"
    told = group(client)
    assert (told["Status"], told.get("NodeGroups", [])) == ("creating", [])
    assert refusal(client.list_tags_for_resource, ResourceName=told["ARN"]) == "InvalidReplicationGroupState"
    made = group(client)
    assert made["Status"] == "available"
    assert made["NodeGroups"][0]["PrimaryEndpoint"]["Port"] == 6379
    assert client.list_tags_for_resource(ResourceName=made["ARN"])["TagList"] == [{"Key": "Name", "Value": "shop"}]
    assert refusal(create) == "ReplicationGroupAlreadyExists"


def test_settings_are_told(client: t.Any, create: t.Any, aws: t.Any) -> None:
    security_group = aws("ec2").create_security_group(GroupName="data", Description="data")["GroupId"]
    create(
        NumCacheClusters=2,
        AutomaticFailoverEnabled=True,
        MultiAZEnabled=True,
        SecurityGroupIds=[security_group],
        Port=6380,
        TransitEncryptionEnabled=True,
        AtRestEncryptionEnabled=True,
        AuthToken=TOKEN,
        PreferredMaintenanceWindow="mon:02:00-mon:03:00",
    )
    made = settled(client)
    assert made["MemberClusters"] == ["shop-001", "shop-002"]
    assert made["AutomaticFailover"] == made["MultiAZ"] == "enabled"
    assert made["AuthTokenEnabled"] is made["TransitEncryptionEnabled"] is made["AtRestEncryptionEnabled"] is True
    (shard,) = made["NodeGroups"]
    assert shard["PrimaryEndpoint"]["Address"].startswith("master.shop.")
    assert shard["ReaderEndpoint"]["Address"].startswith("replica.shop.")
    assert shard["PrimaryEndpoint"]["Address"].endswith(".euw3.cache.amazonaws.com")
    assert [node["PreferredAvailabilityZone"] for node in shard["NodeGroupMembers"]] == ["eu-west-3a", "eu-west-3b"]
    assert [node["CurrentRole"] for node in shard["NodeGroupMembers"]] == ["primary", "replica"]
    node = member(client, 2)
    assert (node["EngineVersion"], node["ReplicationGroupId"], node["NumCacheNodes"]) == ("7.0.7", "shop", 1)
    assert node["SecurityGroups"] == [{"SecurityGroupId": security_group, "Status": "active"}]
    assert node["CacheParameterGroup"]["CacheParameterGroupName"] == "default.redis7"
    assert (node["CacheSubnetGroupName"], node["PreferredMaintenanceWindow"]) == ("data", "mon:02:00-mon:03:00")
    assert node["CacheNodes"][0]["Endpoint"]["Port"] == 6380


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"CacheNodeType": "cache.t9.micro"}, "InvalidParameterValue"),
        ({"EngineVersion": "7.9"}, "InvalidParameterCombination"),
        ({"AutomaticFailoverEnabled": True}, "InvalidParameterCombination"),
        ({"MultiAZEnabled": True, "NumCacheClusters": 2}, "InvalidParameterCombination"),
        ({"CacheSubnetGroupName": "none"}, "CacheSubnetGroupNotFoundFault"),
        ({"CacheParameterGroupName": "none"}, "CacheParameterGroupNotFound"),
        ({"CacheParameterGroupName": "default.redis6.x"}, "InvalidParameterCombination"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidParameterValue"),
        ({"AuthToken": TOKEN}, "InvalidParameterValue"),
        ({"AuthToken": "short", "TransitEncryptionEnabled": True}, "InvalidParameterValue"),
        ({"AuthToken": f"{TOKEN}@", "TransitEncryptionEnabled": True}, "InvalidParameterValue"),
        ({"NumNodeGroups": 2}, "NotImplemented"),
    ],
)
def test_create_refuses(client: t.Any, create: t.Any, options: State, code: str) -> None:
    assert refusal(create, **options) == code
    assert client.describe_replication_groups()["ReplicationGroups"] == []
    assert client.describe_cache_clusters()["CacheClusters"] == []


def test_modify(client: t.Any, create: t.Any) -> None:
    create(NumCacheClusters=2)
    settled(client)
    change = {"ReplicationGroupId": "shop", "ApplyImmediately": True}
    quick = client.modify_replication_group(**change, SnapshotRetentionLimit=7)["ReplicationGroup"]
    assert (quick["Status"], quick["SnapshotRetentionLimit"]) == ("available", 7)
    slow = client.modify_replication_group(**change, CacheNodeType="cache.t3.small", EngineVersion="7.1", AutomaticFailoverEnabled=True)[
        "ReplicationGroup"
    ]
    assert (slow["Status"], slow["CacheNodeType"], slow["AutomaticFailover"]) == ("modifying", "cache.t3.micro", "enabling")
    assert slow["PendingModifiedValues"] == {"AutomaticFailoverStatus": "enabled"}
    assert member(client)["PendingModifiedValues"] == {"CacheNodeType": "cache.t3.small", "EngineVersion": "7.1"}
    made = settled(client)
    assert (made["CacheNodeType"], made["AutomaticFailover"]) == ("cache.t3.small", "enabled")
    assert (member(client)["EngineVersion"], member(client)["CacheNodeType"]) == ("7.1.0", "cache.t3.small")
    assert refusal(client.modify_replication_group, **change, EngineVersion="7.0") == "InvalidParameterCombination"
    client.modify_replication_group(**change, Engine="valkey", EngineVersion="8.0")
    assert settled(client)["Engine"] == "valkey"
    assert member(client)["CacheParameterGroup"]["CacheParameterGroupName"] == "default.valkey8"


def test_replicas(client: t.Any, create: t.Any) -> None:
    create()
    settled(client)
    change = {"ReplicationGroupId": "shop", "ApplyImmediately": True}
    assert refusal(client.increase_replica_count, **change, NewReplicaCount=6) == "InvalidParameterValue"
    assert refusal(client.decrease_replica_count, **change, NewReplicaCount=0) == "NoOperationFault"
    assert client.increase_replica_count(**change, NewReplicaCount=2)["ReplicationGroup"]["Status"] == "modifying"
    assert refusal(client.increase_replica_count, **change, NewReplicaCount=3) == "InvalidReplicationGroupState"
    assert settled(client)["MemberClusters"] == ["shop-001", "shop-002", "shop-003"]
    client.modify_replication_group(**change, AutomaticFailoverEnabled=True)
    settled(client)
    assert refusal(client.decrease_replica_count, **change, NewReplicaCount=0) == "InvalidParameterValue"
    client.decrease_replica_count(**change, NewReplicaCount=1)
    assert settled(client)["MemberClusters"] == ["shop-001", "shop-002"]


def test_auth_token(client: t.Any, create: t.Any) -> None:
    create(TransitEncryptionEnabled=True)
    settled(client)
    change = {"ReplicationGroupId": "shop", "ApplyImmediately": True}
    assert refusal(client.modify_replication_group, **change, AuthToken=TOKEN, AuthTokenUpdateStrategy="SET") == "InvalidParameterValue"
    for token, strategy, status in ((TOKEN, "ROTATE", "ROTATING"), (TOKEN, "SET", "SETTING"), (OTHER, "ROTATE", "ROTATING")):
        told = client.modify_replication_group(**change, AuthToken=token, AuthTokenUpdateStrategy=strategy)["ReplicationGroup"]
        assert (told["Status"], told["PendingModifiedValues"]) == ("modifying", {"AuthTokenStatus": status})
        assert settled(client)["AuthTokenEnabled"] is True
        assert group(client)["PendingModifiedValues"] == {}


def test_tags_reach_the_nodes(client: t.Any, create: t.Any) -> None:
    create()
    made = settled(client)
    told = client.add_tags_to_resource(ResourceName=made["ARN"], Tags=[{"Key": "a", "Value": "b"}])["TagList"]
    assert told == client.list_tags_for_resource(ResourceName=member(client)["ARN"])["TagList"] == [{"Key": "a", "Value": "b"}]


def test_a_deletion_ends(client: t.Any, create: t.Any) -> None:
    create()
    assert refusal(client.delete_replication_group, ReplicationGroupId="shop") == "InvalidReplicationGroupState"
    settled(client)
    client.delete_replication_group(ReplicationGroupId="shop", FinalSnapshotIdentifier="last")
    assert group(client)["Status"] == "deleting"
    assert refusal(client.describe_replication_groups, ReplicationGroupId="shop") == "ReplicationGroupNotFoundFault"
    assert client.describe_cache_clusters()["CacheClusters"] == []
    (snapshot,) = client.describe_snapshots(SnapshotName="last")["Snapshots"]
    assert (snapshot["ReplicationGroupId"], snapshot["Engine"]) == ("shop", "redis")


# Cache clusters


@pytest.mark.parametrize(("engine", "count"), [("redis", 1), ("memcached", 2)])
def test_a_cluster_has_nodes_and_ends(client: t.Any, engine: str, count: int) -> None:
    client.create_cache_cluster(CacheClusterId="alone", Engine=engine, CacheNodeType="cache.t3.micro", NumCacheNodes=count)
    (plain,) = client.describe_cache_clusters(CacheClusterId="alone")["CacheClusters"]
    assert plain.get("CacheNodes", []) == []
    (shown,) = client.describe_cache_clusters(ShowCacheNodeInfo=True, ShowCacheClustersNotInReplicationGroups=True)["CacheClusters"]
    assert [node["CacheNodeId"] for node in shown["CacheNodes"]] == [f"{number:04}" for number in range(1, count + 1)]
    assert shown["CacheParameterGroup"]["CacheParameterGroupName"].startswith(f"default.{engine}")
    client.delete_cache_cluster(CacheClusterId="alone")
    (told,) = client.describe_cache_clusters()["CacheClusters"]
    assert told["CacheClusterStatus"] == "deleting"
    assert client.describe_cache_clusters()["CacheClusters"] == []


# Subnet groups


def test_subnet_groups(client: t.Any, create: t.Any, subnets: list[str]) -> None:
    create()
    (made,) = client.describe_cache_subnet_groups()["CacheSubnetGroups"]
    assert [subnet["SubnetAvailabilityZone"]["Name"] for subnet in made["Subnets"]] == ["eu-west-3a", "eu-west-3b"]
    change = {"CacheSubnetGroupName": "data"}
    assert refusal(client.modify_cache_subnet_group, **change, SubnetIds=subnets[1:]) == "SubnetInUse"
    client.modify_cache_subnet_group(**change, SubnetIds=subnets, CacheSubnetGroupDescription="all")
    (made,) = client.describe_cache_subnet_groups()["CacheSubnetGroups"]
    assert {subnet["SubnetIdentifier"] for subnet in made["Subnets"]} == set(subnets)
    assert made["CacheSubnetGroupDescription"] == "all"
    assert refusal(client.delete_cache_subnet_group, **change) == "CacheSubnetGroupInUse"
    settled(client)
    client.delete_replication_group(ReplicationGroupId="shop")
    assert client.describe_replication_groups()["ReplicationGroups"][0]["Status"] == "deleting"
    assert client.describe_replication_groups()["ReplicationGroups"] == []
    client.delete_cache_subnet_group(**change)
    assert refusal(client.describe_cache_subnet_groups, **change) == "CacheSubnetGroupNotFoundFault"
    assert refusal(client.delete_cache_subnet_group, **change) == "CacheSubnetGroupNotFoundFault"


def test_a_subnet_group_wants_subnets_that_exist(client: t.Any) -> None:
    request = {"CacheSubnetGroupName": "data", "CacheSubnetGroupDescription": "data", "SubnetIds": ["subnet-0123456789abcdef0"]}
    assert refusal(client.create_cache_subnet_group, **request) == "InvalidSubnet"


def test_the_stock_module_keeps_a_subnet_group(
    account: t.Any, client: t.Any, subnets: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def changed(*, check_mode: bool, **options: t.Any) -> bool:
        before = account.mark()
        with patch_module_args({"name": "data", **options, "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            elasticache_subnet_group.main()
        result = json.loads(capsys.readouterr().out)
        assert bool(account.writes(before)) is (result["changed"] and not check_mode)
        return t.cast(bool, result["changed"])

    for options in (
        {"description": "data", "subnets": subnets[:1]},
        {"description": "more data", "subnets": subnets[:2]},
        {"state": "absent"},
    ):
        runs = [changed(check_mode=check_mode, **options) for check_mode in (True, False, True, False)]
        assert runs == [True, True, False, False]
    assert client.describe_cache_subnet_groups()["CacheSubnetGroups"] == []


# Parameter groups


def test_parameter_groups(client: t.Any, create: t.Any) -> None:
    name = {"CacheParameterGroupName": "shop"}
    client.create_cache_parameter_group(**name, CacheParameterGroupFamily="redis7", Description="shop", Tags=[{"Key": "a", "Value": "b"}])
    again = {"CacheParameterGroupFamily": "redis7", "Description": "shop"}
    assert refusal(client.create_cache_parameter_group, **name, **again) == "CacheParameterGroupAlreadyExists"
    (made,) = client.describe_cache_parameter_groups(**name)["CacheParameterGroups"]
    assert (made["CacheParameterGroupFamily"], made["Description"]) == ("redis7", "shop")
    assert client.list_tags_for_resource(ResourceName=made["ARN"])["TagList"] == [{"Key": "a", "Value": "b"}]

    client.modify_cache_parameter_group(
        **name, ParameterNameValues=[{"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"}]
    )
    (parameter,) = client.describe_cache_parameters(**name, Source="user")["Parameters"]
    assert (parameter["ParameterName"], parameter["ParameterValue"]) == ("maxmemory-policy", "allkeys-lru")
    for wrong in (("maxmemory-policy", "nonsense"), ("nonsense", "1"), ("timeout", "soon")):
        pair = {"ParameterName": wrong[0], "ParameterValue": wrong[1]}
        assert refusal(client.modify_cache_parameter_group, **name, ParameterNameValues=[pair]) == "InvalidParameterValue"

    create(**name)
    assert refusal(client.delete_cache_parameter_group, **name) == "InvalidCacheParameterGroupState"
    settled(client)
    client.delete_replication_group(ReplicationGroupId="shop")
    client.describe_replication_groups()
    client.describe_replication_groups()
    client.delete_cache_parameter_group(**name)
    assert refusal(client.describe_cache_parameter_groups, **name) == "CacheParameterGroupNotFound"
    assert refusal(client.delete_cache_parameter_group, CacheParameterGroupName="default.redis7") == "InvalidParameterValue"


# Versions and node types


def test_engine_versions(client: t.Any) -> None:
    versions = client.describe_cache_engine_versions(Engine="redis")["CacheEngineVersions"]
    assert {"7.0", "7.1"} <= {version["EngineVersion"] for version in versions}
    (one,) = client.describe_cache_engine_versions(Engine="redis", EngineVersion="7.1")["CacheEngineVersions"]
    assert one["CacheParameterGroupFamily"] == "redis7"
    assert client.describe_cache_engine_versions(Engine="redis", EngineVersion="7.9")["CacheEngineVersions"] == []


def test_node_types(client: t.Any) -> None:
    offerings = client.describe_reserved_cache_nodes_offerings(CacheNodeType="cache.t3.micro")["ReservedCacheNodesOfferings"]
    assert {offering["ProductDescription"] for offering in offerings} == {"memcached", "redis", "valkey"}
    assert client.describe_reserved_cache_nodes_offerings(CacheNodeType="cache.t9.micro")["ReservedCacheNodesOfferings"] == []


def test_tagging_api_finds_them(client: t.Any, aws: t.Any, create: t.Any) -> None:
    tags = [{"Key": "Environment", "Value": "test"}]
    client.create_cache_parameter_group(CacheParameterGroupName="shop", CacheParameterGroupFamily="redis7", Description="shop", Tags=tags)
    create(Tags=tags)
    found = aws("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "Environment", "Values": ["test"]}])["ResourceTagMappingList"]
    kinds = sorted(":".join(resource["ResourceARN"].split(":")[5:]) for resource in found)
    assert kinds == ["cluster:shop-001", "parametergroup:shop", "replicationgroup:shop"]
