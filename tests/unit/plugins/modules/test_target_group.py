# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""target_group: what it refuses, how it reads AWS's answers, and the requests that it sends."""

from __future__ import annotations

import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules import target_group
from ansible_collections.greenleaf.cloud.tests.unit.recording import Failed, Module, error

ARN = "arn:aws:elasticloadbalancing:eu-west-3:123456789012:targetgroup/app/50dc6c495c0c9188"
GROUP = {
    "TargetGroupArn": ARN,
    "TargetGroupName": "app",
    "VpcId": "vpc-1",
    "Protocol": "HTTP",
    "Port": 80,
    "HealthCheckPath": "/",
    "HealthCheckIntervalSeconds": 30,
    "HealthCheckTimeoutSeconds": 5,
    "HealthyThresholdCount": 5,
    "UnhealthyThresholdCount": 2,
    "Matcher": {"HttpCode": "200"},
}
ATTRIBUTES = [
    {"Key": "deregistration_delay.timeout_seconds", "Value": "300"},
    {"Key": "stickiness.enabled", "Value": "false"},
    {"Key": "stickiness.type", "Value": "lb_cookie"},
    {"Key": "stickiness.lb_cookie.duration_seconds", "Value": "86400"},
]
THERE = {
    "describe_target_groups": [{"TargetGroups": [GROUP]}],
    "describe_target_group_attributes": [{"Attributes": ATTRIBUTES}],
    "describe_tags": [{"TagDescriptions": [{"Tags": [{"Key": "Owner", "Value": "somebody"}, {"Key": "aws:x", "Value": "y"}]}]}],
}
WANTED = {"name": "app", "vpc_id": "vpc-1", "protocol": "HTTP", "port": 80}


def module(answers, **params):
    return Module(target_group.ARGUMENTS, answers, **{**WANTED, **params})


def run(module, check_mode=False):
    return converge(target_group.build(module), present=module.params["state"] == "present", check_mode=check_mode)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"name": "a" * 33}, "name"),
        ({"name": "-app"}, "name"),
        ({"name": "app-"}, "name"),
        ({"name": "my--app"}, "name"),
        ({"name": "my_app"}, "name"),
        ({"port": 0}, "port"),
        ({"health_check_path": "health"}, "health_check_path"),
        ({"health_check_interval": 4}, "health_check_interval"),
        ({"health_check_timeout": 121}, "health_check_timeout"),
        ({"health_check_interval": 10, "health_check_timeout": 10}, "health_check_timeout is 10: set it to less than"),
        ({"healthy_threshold": 1}, "healthy_threshold"),
        ({"unhealthy_threshold": 11}, "unhealthy_threshold"),
        ({"matcher": "2xx"}, "matcher"),
        ({"matcher": "500"}, "matcher"),
        ({"deregistration_delay": 3601}, "deregistration_delay"),
        ({"stickiness_duration": 0}, "stickiness_duration"),
    ],
)
def test_a_bad_option_is_refused(options, names):
    refused = module({}, **options)
    with pytest.raises(Failed, match=names):
        target_group.build(refused)
    assert refused.calls == []


@pytest.mark.parametrize("options", [{"name": "a" * 32}, {"matcher": "200,202"}, {"matcher": "200-299"}, {"health_check_path": "/"}])
def test_a_good_option_is_taken(options):
    assert target_group.build(module({}, **options)).label


def test_creates_with_all_that_a_creation_takes():
    missing = error("TargetGroupNotFound")
    new = module(
        {**THERE, "describe_target_groups": [missing, {"TargetGroups": [{**GROUP, "HealthCheckPath": "/health"}]}]},
        health_check_path="/health",
        matcher="200",
        deregistration_delay=60,
        tags={"Environment": "test"},
    )
    result = run(new)
    assert new.writes == [
        (
            "create_target_group",
            {
                "Name": "app",
                "TargetType": "instance",
                "VpcId": "vpc-1",
                "Protocol": "HTTP",
                "Port": 80,
                "HealthCheckPath": "/health",
                "Matcher": {"HttpCode": "200"},
                "Tags": [{"Key": "Environment", "Value": "test"}],
            },
        ),
        (
            "modify_target_group_attributes",
            {"TargetGroupArn": ARN, "Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "60"}]},
        ),
        ("add_tags", {"ResourceArns": [ARN], "Tags": [{"Key": "Environment", "Value": "test"}]}),
    ]
    assert result["changed"]
    assert result["resource"]["arn_suffix"] == "targetgroup/app/50dc6c495c0c9188"


def test_adopts_one_that_was_made_meanwhile():
    answers = {**THERE, "create_target_group": [error("DuplicateTargetGroupName")]}
    answers["describe_target_groups"] = [error("TargetGroupNotFound"), *THERE["describe_target_groups"]]
    new = module(answers, health_check_interval=10)
    run(new)
    assert new.writes[1:] == [("modify_target_group", {"TargetGroupArn": ARN, "HealthCheckIntervalSeconds": 10})]


def test_asks_for_no_more_than_is_declared():
    same = module(THERE)
    assert not run(same)["changed"]
    assert [operation for operation, request in same.calls] == ["describe_target_groups"]


def test_stickiness_is_the_load_balancer_s_cookie():
    other = [*ATTRIBUTES[:1], {"Key": "stickiness.enabled", "Value": "true"}, {"Key": "stickiness.type", "Value": "app_cookie"}]
    assert target_group.from_attributes(other) == {"deregistration_delay": 300, "stickiness": False, "stickiness_duration": 86400}
    assert target_group.to_attributes({"stickiness": True, "port": 80}) == [
        {"Key": "stickiness.enabled", "Value": "true"},
        {"Key": "stickiness.type", "Value": "lb_cookie"},
    ]
    assert target_group.to_attributes({"stickiness": False}) == [{"Key": "stickiness.enabled", "Value": "false"}]


def test_foreign_tags_stay():
    tagged = module(THERE, tags={"Environment": "test"})
    result = run(tagged)
    assert result["resource"]["tags"] == {"Owner": "somebody", "Environment": "test"}
    assert [operation for operation, request in tagged.writes] == ["add_tags"]
