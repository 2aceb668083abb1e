# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What sandbox.gaps adds to moto's Elastic Load Balancing."""

from __future__ import annotations

import collections.abc as c
import typing as t

import pytest
from botocore.exceptions import ClientError

Client = t.Any


@pytest.fixture
def elbv2(aws: c.Callable[[str], Client]) -> Client:
    return aws("elbv2")


@pytest.fixture
def vpc(aws: c.Callable[[str], Client]) -> str:
    return str(aws("ec2").describe_vpcs()["Vpcs"][0]["VpcId"])


@pytest.fixture
def subnets(aws: c.Callable[[str], Client]) -> list[str]:
    return [subnet["SubnetId"] for subnet in aws("ec2").describe_subnets()["Subnets"]]


@pytest.fixture
def balancer(elbv2: Client, subnets: list[str]) -> str:
    return str(elbv2.create_load_balancer(Name="app", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"])


def refused(code: str) -> pytest.RaisesExc[ClientError]:
    return pytest.raises(ClientError, match=code)


def attributes(answer: dict[str, t.Any]) -> dict[str, str]:
    return {attribute["Key"]: attribute["Value"] for attribute in answer["Attributes"]}


def test_load_balancer_attributes(elbv2: Client, balancer: str) -> None:
    before = attributes(elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer))
    assert {key: before[key] for key in before if "idle" in key or "http2" in key or "drop" in key or "protection" in key} == {
        "idle_timeout.timeout_seconds": "60",
        "routing.http2.enabled": "true",
        "routing.http.drop_invalid_header_fields.enabled": "false",
        "deletion_protection.enabled": "false",
    }
    assert {before[f"access_logs.s3.{key}"] for key in ("enabled", "bucket", "prefix")} == {"false", ""}
    change = {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"}
    elbv2.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[change])
    after = attributes(elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer))
    assert after == before | {change["Key"]: "true"}


def test_load_balancer_wants_two_zones(elbv2: Client, subnets: list[str]) -> None:
    with refused("ValidationError.*two"):
        elbv2.create_load_balancer(Name="app", Subnets=subnets[:1])
    assert elbv2.create_load_balancer(Name="app", Subnets=subnets[:2])["LoadBalancers"][0]["Scheme"] == "internet-facing"


def test_load_balancer_name_is_given_once(elbv2: Client, balancer: str, subnets: list[str]) -> None:
    assert elbv2.create_load_balancer(Name="app", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"] == balancer
    with refused("DuplicateLoadBalancerName"):
        elbv2.create_load_balancer(Name="app", Subnets=subnets[:2])
    assert len(elbv2.describe_load_balancers()["LoadBalancers"]) == 1


def test_protected_load_balancer_stays(elbv2: Client, balancer: str) -> None:
    for value, allowed in (("true", False), ("false", True)):
        elbv2.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[{"Key": "deletion_protection.enabled", "Value": value}])
        if allowed:
            elbv2.delete_load_balancer(LoadBalancerArn=balancer)
        else:
            with refused("OperationNotPermitted"):
                elbv2.delete_load_balancer(LoadBalancerArn=balancer)
    assert not elbv2.describe_load_balancers()["LoadBalancers"]


def test_target_group(elbv2: Client, vpc: str) -> None:
    group = elbv2.create_target_group(Name="app", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    assert (group["HealthCheckPath"], group["HealthCheckTimeoutSeconds"]) == ("/", 5)
    arn = group["TargetGroupArn"]
    before = attributes(elbv2.describe_target_group_attributes(TargetGroupArn=arn))
    assert before["deregistration_delay.timeout_seconds"] == "300"
    assert {key: value for key, value in before.items() if key.startswith("stickiness.")} == {
        "stickiness.app_cookie.cookie_name": "",
        "stickiness.app_cookie.duration_seconds": "86400",
        "stickiness.enabled": "false",
        "stickiness.lb_cookie.duration_seconds": "86400",
        "stickiness.type": "lb_cookie",
    }
    elbv2.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[{"Key": "stickiness.enabled", "Value": "true"}])
    assert attributes(elbv2.describe_target_group_attributes(TargetGroupArn=arn)) == before | {"stickiness.enabled": "true"}
    with refused("ValidationError.*not recognized"):
        elbv2.modify_target_group_attributes(TargetGroupArn=arn, Attributes=[{"Key": "stickyness.enabled", "Value": "true"}])


def test_listeners(elbv2: Client, balancer: str, vpc: str) -> None:
    group = elbv2.create_target_group(Name="app", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
    listener = {"LoadBalancerArn": balancer, "Protocol": "HTTP", "Port": 80}
    listener["DefaultActions"] = [{"Type": "forward", "TargetGroupArn": group}]
    elbv2.create_listener(**listener)
    with refused("DuplicateListener"):
        elbv2.create_listener(**listener)
    with refused("ResourceInUse"):
        elbv2.delete_target_group(TargetGroupArn=group)
    elbv2.delete_load_balancer(LoadBalancerArn=balancer)
    assert elbv2.describe_target_groups()["TargetGroups"][0]["LoadBalancerArns"] == []
    elbv2.delete_target_group(TargetGroupArn=group)
