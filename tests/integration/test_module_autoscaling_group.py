# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""autoscaling_group, against the sandbox's Auto Scaling."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils import autoscaling_group as module_utils

NAME = "greenleaf-test-app"
LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

State = dict[str, t.Any]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_utils.time, "sleep", lambda seconds: None)


@pytest.fixture
def template(aws: t.Any) -> State:
    image = aws("ssm").get_parameter(Name=AL2023)["Parameter"]["Value"]
    data = {"ImageId": image, "InstanceType": "t3.small"}
    made = aws("ec2").create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData=data)["LaunchTemplate"]
    return {"id": made["LaunchTemplateId"], "version": 1}


@pytest.fixture
def next_template(aws: t.Any, template: State) -> State:
    aws("ec2").create_launch_template_version(
        LaunchTemplateId=template["id"], SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.medium"}
    )
    return template | {"version": 2}


@pytest.fixture
def target_groups(aws: t.Any) -> list[str]:
    vpc = aws("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    return [
        aws("elbv2").create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
        for name in ("blue", "green")
    ]


@pytest.fixture
def wanted(aws: t.Any, template: State, target_groups: list[str]) -> State:
    subnets = aws("ec2").describe_subnets()["Subnets"]
    return {
        "name": NAME,
        "launch_template": template,
        "min_size": 1,
        "max_size": 4,
        "desired_capacity": 2,
        "subnet_ids": [subnet["SubnetId"] for subnet in subnets][:2],
        "target_group_arns": target_groups[:1],
        "health_check_type": "ELB",
        "health_check_grace_period": 300,
        "default_instance_warmup": 60,
        "max_instance_lifetime": 1209600,
        "metrics": ["GroupInServiceInstances", "GroupDesiredCapacity"],
        "lifecycle_hooks": [{"name": "ready", "transition": LAUNCHING, "heartbeat_timeout": 600, "default_result": "ABANDON"}],
        "target_tracking": [{"name": "cpu", "predefined_metric": "ASGAverageCPUUtilization", "target_value": 60}],
        "termination_policies": ["OldestLaunchTemplate", "Default"],
        "instance_refresh": {"min_healthy_percentage": 50, "auto_rollback": True, "skip_matching": True},
        "tags": {"Name": NAME, "Environment": "test"},
    }


def group(aws: t.Any) -> State:
    found: State = aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[NAME])["AutoScalingGroups"][0]
    return found


def versions(aws: t.Any) -> list[str]:
    return [instance["LaunchTemplate"]["Version"] for instance in group(aws)["Instances"]]


def asked(account: t.Any, since: int) -> list[str]:
    return [request["action"] for request in account.writes(since)]


def test_converges(account: t.Any, aws: t.Any, assert_converges: t.Any, wanted: State) -> None:
    before = account.mark()
    resource = assert_converges("autoscaling_group", **wanted)["resource"]
    made = group(aws)
    assert resource["arn"] == made["AutoScalingGroupARN"]
    assert (made["MinSize"], made["DesiredCapacity"], made["MaxSize"]) == (1, 2, 4)
    assert made["LaunchTemplate"] | {"LaunchTemplateName": NAME} == {
        "LaunchTemplateId": wanted["launch_template"]["id"],
        "LaunchTemplateName": NAME,
        "Version": "1",
    }
    assert made["VPCZoneIdentifier"].split(",") == sorted(wanted["subnet_ids"])
    assert made["TargetGroupARNs"] == wanted["target_group_arns"]
    assert (made["HealthCheckType"], made["HealthCheckGracePeriod"]) == ("ELB", 300)
    assert (made["DefaultInstanceWarmup"], made["MaxInstanceLifetime"]) == (60, 1209600)
    assert made["TerminationPolicies"] == ["OldestLaunchTemplate", "Default"]
    assert {metric["Metric"] for metric in made["EnabledMetrics"]} == set(wanted["metrics"])
    assert {tag["Key"]: (tag["Value"], tag["PropagateAtLaunch"]) for tag in made["Tags"]} == {
        "Name": (NAME, True),
        "Environment": ("test", True),
    }
    assert {instance["AvailabilityZone"] for instance in made["Instances"]} == {"eu-west-3a", "eu-west-3b"}
    assert [instance["launch_template_version"] for instance in resource["instances"]] == [1, 1]
    policy = aws("autoscaling").describe_policies(AutoScalingGroupName=NAME)["ScalingPolicies"][0]
    assert policy["TargetTrackingConfiguration"]["TargetValue"] == 60
    creation = next(request for request in account.writes(before) if request["action"] == "CreateAutoScalingGroup")
    assert creation["parameters"]["LifecycleHookSpecificationList"] == [
        {"LifecycleHookName": "ready", "LifecycleTransition": LAUNCHING, "HeartbeatTimeout": 600, "DefaultResult": "ABANDON"}
    ]
    assert "PutLifecycleHook" not in asked(account, before)


def test_check_mode_of_a_missing_one_gives_placeholders(run_module: t.Any, wanted: State) -> None:
    resource = run_module("autoscaling_group", check_mode=True, **wanted)["resource"]
    assert resource["arn"].endswith(f":000000000000:autoScalingGroup:00000000-0000-0000-0000-000000000000:autoScalingGroupName/{NAME}")
    assert (resource["name"], resource["instances"], resource["refresh"]) == (NAME, [], {})


def test_says_what_a_creation_lacks(account: t.Any, run_module: t.Any) -> None:
    before = account.mark()
    for check_mode in (True, False):
        failure = run_module("autoscaling_group", check_mode=check_mode, fails=True, name=NAME, max_size=2)
        assert failure["msg"].endswith("set launch_template, min_size, subnet_ids to create it.")
    assert account.writes(before) == []


def test_changes_only_what_differs(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State, target_groups: list[str]) -> None:
    run_module("autoscaling_group", **wanted)
    client = aws("autoscaling")
    client.put_lifecycle_hook(
        AutoScalingGroupName=NAME, LifecycleHookName="theirs", LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING"
    )
    client.create_or_update_tags(
        Tags=[
            {"ResourceId": NAME, "ResourceType": "auto-scaling-group", "Key": "Theirs", "Value": "kept", "PropagateAtLaunch": True},
            {"ResourceId": NAME, "ResourceType": "auto-scaling-group", "Key": "Name", "Value": NAME, "PropagateAtLaunch": False},
        ]
    )
    changed = wanted | {
        "max_size": 6,
        "default_instance_warmup": -1,
        "max_instance_lifetime": 0,
        "target_group_arns": target_groups[1:],
        "metrics": ["GroupInServiceInstances", "GroupMaxSize"],
        "lifecycle_hooks": [{"name": "ready", "transition": LAUNCHING, "heartbeat_timeout": 300}],
        "target_tracking": [{"name": "cpu", "predefined_metric": "ASGAverageCPUUtilization", "target_value": 50}],
    }
    before = account.mark()
    planned = run_module("autoscaling_group", check_mode=True, **changed)
    assert account.writes(before) == []
    fields = changed.keys() - {name for name in wanted if changed[name] == wanted[name]}
    assert planned["diff"]["after"].keys() == fields | {"tags"}

    run_module("autoscaling_group", **changed)
    assert asked(account, before) == [
        "UpdateAutoScalingGroup",
        "CreateOrUpdateTags",
        "AttachLoadBalancerTargetGroups",
        "DetachLoadBalancerTargetGroups",
        "EnableMetricsCollection",
        "DisableMetricsCollection",
        "PutLifecycleHook",
        "PutScalingPolicy",
    ]
    made = group(aws)
    assert (made["MinSize"], made["MaxSize"]) == (1, 6)
    assert "DefaultInstanceWarmup" not in made
    assert "MaxInstanceLifetime" not in made
    assert made["TargetGroupARNs"] == target_groups[1:]
    assert {metric["Metric"] for metric in made["EnabledMetrics"]} == {"GroupInServiceInstances", "GroupMaxSize"}
    assert {tag["Key"]: tag["PropagateAtLaunch"] for tag in made["Tags"]} == {"Name": True, "Environment": True, "Theirs": True}
    hooks = {hook["LifecycleHookName"]: hook for hook in client.describe_lifecycle_hooks(AutoScalingGroupName=NAME)["LifecycleHooks"]}
    assert hooks.keys() == {"ready", "theirs"}
    assert (hooks["ready"]["HeartbeatTimeout"], hooks["ready"]["DefaultResult"]) == (300, "ABANDON")
    for check_mode in (True, False):
        assert not run_module("autoscaling_group", check_mode=check_mode, **changed)["changed"]


def test_scaling_moves_the_desired_capacity(aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("autoscaling_group", **wanted)
    aws("autoscaling").set_desired_capacity(AutoScalingGroupName=NAME, DesiredCapacity=4)
    result = run_module("autoscaling_group", **wanted)
    assert not result["changed"]
    assert result["resource"]["desired_capacity"] == group(aws)["DesiredCapacity"] == 4


def test_undeclared_sizes_stay(aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("autoscaling_group", **wanted)
    aws("autoscaling").update_auto_scaling_group(AutoScalingGroupName=NAME, MinSize=0, MaxSize=0, DesiredCapacity=0)
    asleep = {name: value for name, value in wanted.items() if name not in ("min_size", "max_size", "desired_capacity")}
    assert not run_module("autoscaling_group", **asleep)["changed"]
    assert group(aws)["MaxSize"] == 0


def test_a_new_template_version_starts_a_refresh(
    account: t.Any, aws: t.Any, run_module: t.Any, wanted: State, next_template: State
) -> None:
    run_module("autoscaling_group", **wanted)
    old = {instance["InstanceId"] for instance in group(aws)["Instances"]}
    changed = wanted | {"launch_template": next_template}
    before = account.mark()
    planned = run_module("autoscaling_group", check_mode=True, **changed)
    assert planned["changed"]
    assert planned["diff"]["after"]["launch_template"]["version"] == 2
    assert account.writes(before) == []

    result = run_module("autoscaling_group", **changed)
    started = account.writes(before)
    assert [request["action"] for request in started] == ["StartInstanceRefresh"]
    assert started[0]["parameters"] == {
        "AutoScalingGroupName": NAME,
        "Strategy": "Rolling",
        "DesiredConfiguration": {"LaunchTemplate": {"LaunchTemplateId": next_template["id"], "Version": "2"}},
        "Preferences": {"MinHealthyPercentage": 50, "AutoRollback": True, "SkipMatching": True},
    }
    assert result["resource"]["launch_template"]["version"] == 2
    assert result["resource"]["refresh"]["status"] == "Pending"
    assert group(aws)["LaunchTemplate"]["Version"] == "1"

    statuses = []
    for check_mode in (True, False, True, False):
        result = run_module("autoscaling_group", check_mode=check_mode, **changed)
        assert not result["changed"]
        statuses.append(result["resource"]["refresh"]["status"])
    assert statuses == ["InProgress", "Successful", "Successful", "Successful"]
    assert group(aws)["LaunchTemplate"]["Version"] == "2"
    assert versions(aws) == ["2", "2"]
    assert old.isdisjoint(instance["InstanceId"] for instance in group(aws)["Instances"])
    assert len(account.writes(before)) == 1


def test_a_refresh_that_was_rolled_back_is_tried_again(aws: t.Any, run_module: t.Any, wanted: State, next_template: State) -> None:
    run_module("autoscaling_group", **wanted)
    sick = {"ResourceId": NAME, "ResourceType": "auto-scaling-group", "Key": "sandbox:launches"}
    aws("autoscaling").create_or_update_tags(Tags=[sick | {"Value": "unhealthy", "PropagateAtLaunch": True}])
    changed = wanted | {"launch_template": next_template}
    run_module("autoscaling_group", **changed)
    aws("autoscaling").describe_instance_refreshes(AutoScalingGroupName=NAME)
    failure = run_module("autoscaling_group", check_mode=True, fails=True, **changed)
    assert failure["msg"].endswith("is RollbackInProgress (New instances failed their health checks.): run again when it has ended.")
    assert versions(aws) == ["1", "1"]

    aws("autoscaling").delete_tags(Tags=[sick])
    planned = run_module("autoscaling_group", check_mode=True, **changed)
    result = run_module("autoscaling_group", **changed)
    for told in (planned, result):
        assert told["changed"]
        assert "ended RollbackSuccessful (New instances failed their health checks.): it is tried again." in str(told["warnings"])
    for _ in range(2):
        result = run_module("autoscaling_group", **changed)
        assert not result["changed"]
    assert result["resource"]["refresh"]["status"] == "Successful"
    assert versions(aws) == ["2", "2"]


def test_a_refresh_to_another_template_is_cancelled_first(
    account: t.Any, aws: t.Any, run_module: t.Any, wanted: State, next_template: State
) -> None:
    run_module("autoscaling_group", **wanted)
    run_module("autoscaling_group", **wanted | {"launch_template": next_template})
    aws("ec2").create_launch_template_version(LaunchTemplateId=next_template["id"], SourceVersion="2", LaunchTemplateData={})
    changed = wanted | {"launch_template": next_template | {"version": 3}}
    before = account.mark()
    result = run_module("autoscaling_group", **changed)
    assert "to another launch template is InProgress (0 %): it is cancelled." in str(result["warnings"])
    assert asked(account, before) == ["CancelInstanceRefresh", "StartInstanceRefresh"]
    refreshes = aws("autoscaling").describe_instance_refreshes(AutoScalingGroupName=NAME)["InstanceRefreshes"]
    assert [refresh["DesiredConfiguration"]["LaunchTemplate"]["Version"] for refresh in refreshes] == ["3", "2"]
    assert refreshes[1]["Status"] == "Cancelled"


@pytest.mark.parametrize("without", ["instances", "refresh"])
def test_a_template_is_set_without_refresh(
    account: t.Any, aws: t.Any, run_module: t.Any, wanted: State, next_template: State, without: str
) -> None:
    if without == "instances":
        wanted |= {"min_size": 0, "desired_capacity": 0}
    else:
        del wanted["instance_refresh"]
    run_module("autoscaling_group", **wanted)
    before = account.mark()
    assert run_module("autoscaling_group", **wanted | {"launch_template": next_template})["changed"]
    assert asked(account, before) == ["UpdateAutoScalingGroup"]
    assert group(aws)["LaunchTemplate"]["Version"] == "2"
    assert set(versions(aws)) <= {"1"}


def test_deletes(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("autoscaling_group", **wanted)
    before = account.mark()
    assert run_module("autoscaling_group", check_mode=True, name=NAME, state="absent")["changed"]
    assert account.writes(before) == []
    assert run_module("autoscaling_group", name=NAME, state="absent")["changed"]
    assert account.writes(before)[0]["parameters"] == {"AutoScalingGroupName": NAME, "ForceDelete": True}
    assert not run_module("autoscaling_group", name=NAME, state="absent")["changed"]
    assert aws("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"] == []
    states = {i["State"]["Name"] for r in aws("ec2").describe_instances()["Reservations"] for i in r["Instances"]}
    assert states == {"terminated"}
    assert not run_module("autoscaling_group", name=NAME, state="absent")["changed"]


def test_one_that_is_being_deleted_is_waited_for_by_the_user(run_module: t.Any, wanted: State) -> None:
    run_module("autoscaling_group", **wanted)
    run_module("autoscaling_group", name=NAME, state="absent")
    failure = run_module("autoscaling_group", fails=True, **wanted)
    assert "is being deleted: run again when it is gone" in failure["msg"]
    assert run_module("autoscaling_group", **wanted)["changed"]
