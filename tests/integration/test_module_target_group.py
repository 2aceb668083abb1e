# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""target_group, against the sandbox's ELBv2."""

from __future__ import annotations

import typing as t

import pytest

NAME = "greenleaf-test-app"

State = dict[str, t.Any]


@pytest.fixture
def wanted(aws: t.Any) -> State:
    return {
        "name": NAME,
        "vpc_id": aws("ec2").describe_vpcs()["Vpcs"][0]["VpcId"],
        "protocol": "HTTP",
        "port": 80,
        "health_check_path": "/health",
        "health_check_interval": 30,
        "health_check_timeout": 5,
        "healthy_threshold": 2,
        "unhealthy_threshold": 2,
        "matcher": "200-299",
        "deregistration_delay": 60,
        "stickiness": True,
        "stickiness_duration": 3600,
        "tags": {"Environment": "test"},
    }


def observed(aws: t.Any) -> tuple[State, dict[str, str], dict[str, str]]:
    elbv2 = aws("elbv2")
    group = elbv2.describe_target_groups(Names=[NAME])["TargetGroups"][0]
    arn = group["TargetGroupArn"]
    attributes = elbv2.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
    tags = elbv2.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]
    return group, {item["Key"]: item["Value"] for item in attributes}, {item["Key"]: item["Value"] for item in tags}


def test_converges(aws: t.Any, assert_converges: t.Any, wanted: State) -> None:
    result = assert_converges("target_group", **wanted)
    group, attributes, tags = observed(aws)
    assert result["resource"]["arn"] == group["TargetGroupArn"]
    assert result["resource"]["arn_suffix"] == group["TargetGroupArn"].split(":")[-1]
    assert (group["Protocol"], group["Port"], group["VpcId"], group["TargetType"]) == ("HTTP", 80, wanted["vpc_id"], "instance")
    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"], group["HealthCheckTimeoutSeconds"]) == ("/health", 30, 5)
    assert (group["HealthyThresholdCount"], group["UnhealthyThresholdCount"]) == (2, 2)
    assert group["Matcher"] == {"HttpCode": "200-299"}
    assert attributes["deregistration_delay.timeout_seconds"] == "60"
    assert attributes["stickiness.enabled"] == "true"
    assert attributes["stickiness.lb_cookie.duration_seconds"] == "3600"
    assert tags == {"Environment": "test"}


def test_changes_only_what_differs(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("target_group", **wanted)
    changed = wanted | {"health_check_interval": 15, "deregistration_delay": 30, "stickiness": False, "tags": {"Component": "alb_asg"}}

    before = account.mark()
    planned = run_module("target_group", check_mode=True, **changed)
    assert account.writes(before) == []
    fields = {"health_check_interval", "deregistration_delay", "stickiness", "tags"}
    assert planned["diff"]["after"].keys() == planned["diff"]["before"].keys() == fields
    assert planned["diff"]["before"]["health_check_interval"] == 30
    assert planned["diff"]["after"]["health_check_interval"] == 15

    assert run_module("target_group", **changed)["changed"]
    asked = {request["action"]: request["parameters"] for request in account.writes(before)}
    assert asked.keys() == {"ModifyTargetGroup", "ModifyTargetGroupAttributes", "AddTags"}
    assert asked["ModifyTargetGroup"].keys() == {"TargetGroupArn", "HealthCheckIntervalSeconds"}
    group, attributes, tags = observed(aws)
    assert group["HealthCheckIntervalSeconds"] == 15
    assert attributes["deregistration_delay.timeout_seconds"] == "30"
    assert attributes["stickiness.enabled"] == "false"
    assert tags == {"Environment": "test", "Component": "alb_asg"}
    assert not run_module("target_group", **changed)["changed"]


def test_check_mode_of_a_missing_one_gives_placeholders(run_module: t.Any, wanted: State) -> None:
    resource = run_module("target_group", check_mode=True, **wanted)["resource"]
    assert resource["arn"] == f"arn:aws:elasticloadbalancing:eu-west-3:000000000000:targetgroup/{NAME}/0000000000000000"
    assert resource["arn_suffix"] == f"targetgroup/{NAME}/0000000000000000"
    assert resource["port"] == 80


def test_refuses_what_cannot_be_changed(account: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("target_group", **wanted)
    before = account.mark()
    for check_mode in (True, False):
        failure = run_module("target_group", check_mode=check_mode, fails=True, **wanted | {"port": 8080})
        assert "port" in failure["msg"]
        assert "delete it first" in failure["msg"]
    assert account.writes(before) == []


def test_deletes(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("target_group", **wanted)
    before = account.mark()
    assert run_module("target_group", check_mode=True, name=NAME, state="absent")["changed"]
    assert account.writes(before) == []
    assert run_module("target_group", name=NAME, state="absent")["changed"]
    assert all(group["TargetGroupName"] != NAME for group in aws("elbv2").describe_target_groups()["TargetGroups"])
    for check_mode in (True, False):
        assert not run_module("target_group", check_mode=check_mode, name=NAME, state="absent")["changed"]
