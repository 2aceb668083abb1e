# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import typing as t

import pytest

State = dict[str, t.Any]


@pytest.fixture
def subnets(account: t.Any, aws: t.Any) -> list[str]:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-west-3{zone}")["Subnet"]["SubnetId"]
        for number, zone in enumerate("abc")
    ]


def test_life(aws: t.Any, assert_converges: t.Any, subnets: list[str]) -> None:
    wanted = {"name": "shop", "description": "Cache", "subnet_ids": subnets[:2], "tags": {"Project": "greenleaf"}}
    made = assert_converges("elasticache_subnet_group", **wanted)
    elasticache = aws("elasticache")

    def tags() -> t.Any:
        return elasticache.list_tags_for_resource(ResourceName=made["resource"]["arn"])["TagList"]

    group = elasticache.describe_cache_subnet_groups(CacheSubnetGroupName="shop")["CacheSubnetGroups"][0]
    assert {subnet["SubnetIdentifier"] for subnet in group["Subnets"]} == set(subnets[:2])
    assert tags() == [{"Key": "Project", "Value": "greenleaf"}]

    changed = assert_converges("elasticache_subnet_group", **wanted | {"subnet_ids": subnets, "tags": {"Project": "other"}})
    assert set(changed["diff"]["after"]) == {"subnet_ids", "tags"}
    assert tags() == [{"Key": "Project", "Value": "other"}]

    assert_converges("elasticache_subnet_group", name="shop", state="absent")
    assert elasticache.describe_cache_subnet_groups()["CacheSubnetGroups"] == []


def test_refuses_a_name_that_elasticache_refuses(account: t.Any, run_module: t.Any, subnets: list[str]) -> None:
    mark = account.mark()
    failure = run_module("elasticache_subnet_group", fails=True, name="Shop", subnet_ids=subnets)
    assert failure["msg"].startswith("name is Shop")
    assert account.writes(mark) == []
