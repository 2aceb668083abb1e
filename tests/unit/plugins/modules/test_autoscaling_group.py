# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""autoscaling_group: what it refuses, how it reads AWS's answers, and what it asks for in each state of an instance refresh."""

from __future__ import annotations

import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils import autoscaling_group as asg
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules.autoscaling_group import ARGUMENTS, build
from ansible_collections.greenleaf.cloud.tests.unit.recording import Failed, Module, error

LAUNCHING = "autoscaling:EC2_INSTANCE_LAUNCHING"
HOOK = {"name": "ready", "transition": LAUNCHING, "heartbeat_timeout": 300, "default_result": None}
POLICY = {"name": "cpu", "predefined_metric": "ASGAverageCPUUtilization", "target_value": 60.0}
REFRESH = {"min_healthy_percentage": 50, "instance_warmup": None, "auto_rollback": True, "skip_matching": None}
GROUP = {
    "AutoScalingGroupName": "app",
    "AutoScalingGroupARN": "arn:aws:autoscaling:eu-west-3:123456789012:autoScalingGroup:1:autoScalingGroupName/app",
    "LaunchTemplate": {"LaunchTemplateId": "lt-1", "LaunchTemplateName": "app", "Version": "1"},
    "MinSize": 1,
    "MaxSize": 4,
    "DesiredCapacity": 2,
    "VPCZoneIdentifier": "subnet-b,subnet-a",
    "TargetGroupARNs": ["arn:b", "arn:a"],
    "HealthCheckType": "ELB",
    "HealthCheckGracePeriod": 300,
    "TerminationPolicies": ["Default"],
    "EnabledMetrics": [{"Metric": "GroupMinSize", "Granularity": "1Minute"}],
    "Tags": [
        {"Key": "Name", "Value": "app", "PropagateAtLaunch": True},
        {"Key": "Environment", "Value": "test", "PropagateAtLaunch": False},
    ],
    "Instances": [
        {
            "InstanceId": "i-1",
            "AvailabilityZone": "eu-west-3a",
            "LifecycleState": "InService",
            "HealthStatus": "Healthy",
            "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "1"},
        }
    ],
}
WANTED = {
    "name": "app",
    "launch_template": {"id": "lt-1", "name": None, "version": 1},
    "min_size": 1,
    "max_size": 4,
    "subnet_ids": ["subnet-a", "subnet-b"],
}
MISSING = {"describe_auto_scaling_groups": [{"AutoScalingGroups": []}], "describe_instance_refreshes": [error("ValidationError")]}


def there(refresh=None, **fields):
    return {
        "describe_auto_scaling_groups": [{"AutoScalingGroups": [{**GROUP, **fields}]}],
        "describe_instance_refreshes": [{"InstanceRefreshes": [refresh] if refresh else []}],
    }


def refreshing(status, version="2", **fields):
    template = {"LaunchTemplateId": "lt-1", "Version": version}
    return {"InstanceRefreshId": "r-1", "Status": status, "DesiredConfiguration": {"LaunchTemplate": template}, **fields}


def module(answers, **params):
    return Module(ARGUMENTS, answers, **{**WANTED, **params})


def run(module, check_mode=False):
    return converge(build(module), present=module.params["state"] == "present", check_mode=check_mode)


def asked(module):
    return [operation for operation, request in module.writes]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(asg.time, "sleep", lambda seconds: None)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"name": "a" * 256}, "name"),
        ({"name": "my app"}, "name"),
        ({"name": "my:app"}, "name"),
        ({"min_size": -1}, "min_size"),
        ({"min_size": 5}, "min_size is 5, more than max_size, which is 4"),
        ({"desired_capacity": 0}, "min_size is 1, more than desired_capacity, which is 0"),
        ({"desired_capacity": 5}, "desired_capacity is 5, more than max_size, which is 4"),
        ({"health_check_grace_period": -1}, "health_check_grace_period"),
        ({"default_instance_warmup": -2}, "default_instance_warmup"),
        ({"max_instance_lifetime": 3600}, "max_instance_lifetime is 3600: set it to 86400"),
        ({"max_instance_lifetime": 31536001}, "max_instance_lifetime"),
        ({"lifecycle_hooks": [{**HOOK, "name": "is ready"}]}, "lifecycle_hooks"),
        ({"lifecycle_hooks": [{**HOOK, "heartbeat_timeout": 29}]}, "heartbeat_timeout of the lifecycle hook ready is 29"),
        ({"lifecycle_hooks": [HOOK, HOOK]}, "lifecycle_hooks has two items of one name"),
        ({"target_tracking": [{**POLICY, "target_value": 0.0}]}, "target_value of the policy cpu"),
        ({"instance_refresh": {**REFRESH, "min_healthy_percentage": 101}}, "min_healthy_percentage"),
        ({"instance_refresh": {**REFRESH, "instance_warmup": -1}}, "instance_warmup"),
    ],
)
def test_a_bad_option_is_refused(options, names):
    refused = module({}, **options)
    with pytest.raises(Failed, match=names):
        build(refused)
    assert refused.calls == []


@pytest.mark.parametrize(
    "options", [{"max_instance_lifetime": 0}, {"default_instance_warmup": -1}, {"min_size": 4}, {"min_size": None, "max_size": None}]
)
def test_a_good_option_is_taken(options):
    assert build(module({}, **options)).name == "app"


def test_reads_a_group():
    state = asg.from_api(GROUP, {}, [], [])
    assert state["launch_template"] == {"id": "lt-1", "name": "app", "version": 1}
    assert state["subnet_ids"] == ["subnet-a", "subnet-b"]
    assert state["target_group_arns"] == ["arn:a", "arn:b"]
    assert (state["default_instance_warmup"], state["max_instance_lifetime"]) == (-1, 0)
    assert state["metrics"] == ["GroupMinSize"]
    assert state["tags"] == {"Name": "app"}
    assert state["instances"] == [
        {"id": "i-1", "zone": "eu-west-3a", "lifecycle_state": "InService", "health_status": "Healthy", "launch_template_version": 1}
    ]
    assert state["refresh"] == {}


@pytest.mark.parametrize(("version", "told"), [("7", 7), ("$Latest", "$Latest")])
def test_reads_a_template_version(version, told):
    assert asg.from_launch_template({"Version": version})["version"] == told


def test_creates_with_hooks_and_capacity():
    new = module(
        {**MISSING, "describe_auto_scaling_groups": [{"AutoScalingGroups": []}, {"AutoScalingGroups": [GROUP]}]},
        desired_capacity=2,
        lifecycle_hooks=[HOOK],
        target_group_arns=["arn:b", "arn:a"],
        tags={"Name": "app"},
    )
    new.answers["describe_lifecycle_hooks"] = [
        {"LifecycleHooks": [{"LifecycleHookName": "ready", "LifecycleTransition": LAUNCHING, "HeartbeatTimeout": 300}]}
    ]
    run(new)
    assert new.writes == [
        (
            "create_auto_scaling_group",
            {
                "AutoScalingGroupName": "app",
                "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "1"},
                "MinSize": 1,
                "MaxSize": 4,
                "DesiredCapacity": 2,
                "VPCZoneIdentifier": "subnet-a,subnet-b",
                "TargetGroupARNs": ["arn:a", "arn:b"],
                "LifecycleHookSpecificationList": [
                    {"LifecycleHookName": "ready", "LifecycleTransition": LAUNCHING, "HeartbeatTimeout": 300}
                ],
                "Tags": [
                    {"ResourceId": "app", "ResourceType": "auto-scaling-group", "Key": "Name", "Value": "app", "PropagateAtLaunch": True}
                ],
            },
        )
    ]


def test_adopts_one_that_was_made_meanwhile():
    new = module(
        {
            **MISSING,
            "describe_auto_scaling_groups": [{"AutoScalingGroups": []}, {"AutoScalingGroups": [{**GROUP, "MaxSize": 9}]}],
            "create_auto_scaling_group": [error("AlreadyExists")],
        }
    )
    run(new)
    assert new.writes[1:] == [("update_auto_scaling_group", {"AutoScalingGroupName": "app", "MaxSize": 4})]


def test_the_desired_capacity_is_nobody_s_difference_later():
    assert not run(module(there(), desired_capacity=4))["changed"]


def test_asks_for_no_more_than_is_declared():
    same = module(there())
    assert not run(same)["changed"]
    assert [operation for operation, request in same.calls] == ["describe_instance_refreshes", "describe_auto_scaling_groups"]


def test_puts_only_the_hooks_and_policies_that_differ():
    other = module(
        {
            **there(),
            "describe_lifecycle_hooks": [
                {"LifecycleHooks": [{"LifecycleHookName": "ready", "LifecycleTransition": LAUNCHING, "HeartbeatTimeout": 300}]}
            ],
            "describe_policies": [
                {
                    "ScalingPolicies": [
                        {
                            "PolicyName": "cpu",
                            "TargetTrackingConfiguration": {
                                "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
                                "TargetValue": 60.0,
                            },
                        }
                    ]
                }
            ],
        },
        lifecycle_hooks=[HOOK, {**HOOK, "name": "drain", "default_result": "CONTINUE"}],
        target_tracking=[POLICY, {**POLICY, "name": "in", "predefined_metric": "ASGAverageNetworkIn"}],
    )
    run(other)
    assert other.writes == [
        (
            "put_lifecycle_hook",
            {
                "AutoScalingGroupName": "app",
                "LifecycleHookName": "drain",
                "LifecycleTransition": LAUNCHING,
                "HeartbeatTimeout": 300,
                "DefaultResult": "CONTINUE",
            },
        ),
        (
            "put_scaling_policy",
            {
                "AutoScalingGroupName": "app",
                "PolicyName": "in",
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingConfiguration": {
                    "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageNetworkIn"},
                    "TargetValue": 60.0,
                },
            },
        ),
    ]


# Instance refreshes

NEXT = {"launch_template": {"id": "lt-1", "name": None, "version": 2}, "instance_refresh": REFRESH}
START = {
    "AutoScalingGroupName": "app",
    "Strategy": "Rolling",
    "DesiredConfiguration": {"LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "2"}},
    "Preferences": {"MinHealthyPercentage": 50, "AutoRollback": True},
}


def test_a_new_version_is_left_to_a_refresh():
    changed = module(there(), **NEXT, max_size=6)
    assert run(changed)["changed"]
    assert changed.writes == [
        ("update_auto_scaling_group", {"AutoScalingGroupName": "app", "MaxSize": 6}),
        ("start_instance_refresh", START),
    ]


@pytest.mark.parametrize(("fields", "params"), [({"DesiredCapacity": 0}, {}), ({}, {"instance_refresh": None})])
def test_a_new_version_is_set_where_there_is_nothing_to_refresh(fields, params):
    changed = module(there(**fields), **{**NEXT, **params})
    run(changed)
    template = {"LaunchTemplateId": "lt-1", "Version": "2"}
    assert changed.writes == [("update_auto_scaling_group", {"AutoScalingGroupName": "app", "LaunchTemplate": template})]


@pytest.mark.parametrize("status", ["Pending", "InProgress", "Baking"])
def test_a_refresh_to_the_same_template_takes_its_course(status):
    same = module(there(refreshing(status)), **NEXT)
    result = run(same)
    assert not result["changed"]
    assert result["resource"]["launch_template"]["version"] == 2
    assert same.writes == same.warnings == []


@pytest.mark.parametrize("status", ["Cancelling", "RollbackInProgress"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_refresh_that_is_ending_is_an_error(status, check_mode):
    busy = module(there(refreshing(status, StatusReason="unhealthy")), **NEXT)
    with pytest.raises(Failed, match=rf"r-1 of Auto Scaling group app is {status} \(unhealthy\): run again when it has ended"):
        run(busy, check_mode)
    assert busy.writes == []


@pytest.mark.parametrize("status", ["Failed", "Cancelled", "RollbackFailed", "RollbackSuccessful"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_a_refresh_that_failed_is_tried_again(status, check_mode):
    failed = module(there(refreshing(status, StatusReason="unhealthy")), **NEXT)
    assert run(failed, check_mode)["changed"]
    assert failed.warnings == [
        f"Instance refresh r-1 of Auto Scaling group app to this launch template ended {status} (unhealthy): it is tried again."
    ]
    assert failed.writes == ([] if check_mode else [("start_instance_refresh", START)])


@pytest.mark.parametrize("status", ["Successful", "Failed"])
def test_the_end_of_another_refresh_is_no_warning(status):
    changed = module(there(refreshing(status, version="1")), **NEXT)
    assert run(changed)["changed"]
    assert changed.warnings == []


def test_another_refresh_is_cancelled_and_awaited():
    answers = there(refreshing("InProgress", version="3", PercentageComplete=40))
    ended = [{"InstanceRefreshes": [refreshing(status, version="3")]} for status in ("Cancelling", "Cancelled")]
    other = module({**answers, "describe_instance_refreshes": [*answers["describe_instance_refreshes"], *ended]}, **NEXT)
    run(other)
    assert other.warnings == [
        "Instance refresh r-1 of Auto Scaling group app to another launch template is InProgress (40 %): it is cancelled."
    ]
    assert other.writes == [
        ("cancel_instance_refresh", {"AutoScalingGroupName": "app", "WaitForTransitioningInstances": False}),
        ("start_instance_refresh", START),
    ]


def test_another_refresh_may_end_before_it_is_cancelled():
    answers = there(refreshing("InProgress", version="3"))
    other = module({**answers, "cancel_instance_refresh": [error("ActiveInstanceRefreshNotFound")]}, **NEXT)
    run(other)
    assert asked(other) == ["cancel_instance_refresh", "start_instance_refresh"]


def test_a_cancelled_refresh_is_not_waited_for_without_end(monkeypatch):
    clock = iter(range(0, 10000, 100))
    monkeypatch.setattr(asg.time, "monotonic", lambda: next(clock))
    stuck = module(there(refreshing("InProgress", version="3")), **NEXT)
    with pytest.raises(Failed, match="r-1 of Auto Scaling group app is still being cancelled"):
        run(stuck)
    assert asked(stuck) == ["cancel_instance_refresh"]


# Deletion


def test_deletes_by_force():
    old = module(there(), state="absent")
    assert run(old)["changed"]
    assert old.writes == [("delete_auto_scaling_group", {"AutoScalingGroupName": "app", "ForceDelete": True})]


def test_one_that_is_being_deleted_is_gone_or_an_error():
    answers = there(Status="Delete in progress")
    assert not run(module(answers, state="absent"))["changed"]
    with pytest.raises(Failed, match="is being deleted"):
        run(module(answers), check_mode=True)
