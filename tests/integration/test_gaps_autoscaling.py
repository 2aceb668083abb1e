# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sandbox.gaps.autoscaling, asked by boto3."""

from __future__ import annotations

import typing as t

import botocore.exceptions
import pytest

AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
HOOK = {
    "LifecycleHookName": "ready",
    "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING",
    "HeartbeatTimeout": 300,
    "DefaultResult": "CONTINUE",
}

State = dict[str, t.Any]


@pytest.fixture
def client(aws: t.Any) -> t.Any:
    return aws("autoscaling")


@pytest.fixture
def template(aws: t.Any) -> str:
    image = aws("ssm").get_parameter(Name=AL2023)["Parameter"]["Value"]
    ec2 = aws("ec2")
    made = ec2.create_launch_template(LaunchTemplateName="app", LaunchTemplateData={"ImageId": image, "InstanceType": "t3.small"})
    template_id: str = made["LaunchTemplate"]["LaunchTemplateId"]
    ec2.create_launch_template_version(LaunchTemplateId=template_id, SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.medium"})
    return template_id


@pytest.fixture
def subnets(aws: t.Any) -> list[str]:
    return [subnet["SubnetId"] for subnet in aws("ec2").describe_subnets()["Subnets"]][:2]


@pytest.fixture
def create(client: t.Any, template: str, subnets: list[str]) -> t.Any:
    def create(name: str = "app", **options: t.Any) -> None:
        request = {
            "LaunchTemplate": {"LaunchTemplateId": template, "Version": "1"},
            "MinSize": 0,
            "MaxSize": 4,
            "DesiredCapacity": 4,
            "VPCZoneIdentifier": ",".join(subnets),
        }
        client.create_auto_scaling_group(AutoScalingGroupName=name, **request | options)

    return create


def group(client: t.Any, name: str = "app") -> State:
    found: State = client.describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0]
    return found


def refusal(call: t.Any, **request: t.Any) -> tuple[str, str]:
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_create_keeps_what_moto_drops(client: t.Any, create: t.Any) -> None:
    create(LifecycleHookSpecificationList=[HOOK], DefaultInstanceWarmup=0, MaxInstanceLifetime=86400)
    made = group(client)
    assert (made["DefaultInstanceWarmup"], made["MaxInstanceLifetime"], made["HealthCheckGracePeriod"]) == (0, 86400, 0)
    (hook,) = client.describe_lifecycle_hooks(AutoScalingGroupName="app")["LifecycleHooks"]
    assert hook | HOOK == hook
    assert "NotificationTargetARN" not in hook


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"MinSize": 5}, "must be greater than or equal to min bound, 5"),
        ({"DesiredCapacity": 5}, "Desired capacity:5 must be between the specified min size:0 and max size:4"),
        ({"VPCZoneIdentifier": "subnet-0123"}, "The subnet ID 'subnet-0123' does not exist"),
        ({"MaxInstanceLifetime": 60}, "86400"),
        ({"TargetGroupARNs": ["arn:aws:elasticloadbalancing:eu-west-3:123456789012:targetgroup/x/1"]}, "Provided Target Groups"),
        ({"LifecycleHookSpecificationList": [HOOK | {"HeartbeatTimeout": 29}]}, "HeartbeatTimeout"),
    ],
)
def test_create_refuses(client: t.Any, create: t.Any, options: State, message: str) -> None:
    code, told = refusal(create, **options)
    assert code == "ValidationError"
    assert message in told
    assert client.describe_auto_scaling_groups()["AutoScalingGroups"] == []


def test_create_refuses_a_template_that_cannot_be_launched(create: t.Any, template: str) -> None:
    code, told = refusal(create, LaunchTemplate={"LaunchTemplateId": template, "Version": "9"})
    assert (code, told.split(".")[0]) == ("ValidationError", "You must use a valid fully-formed launch template")


def test_a_name_is_taken_once(create: t.Any) -> None:
    create()
    assert refusal(create)[0] == "AlreadyExists"


def test_instances_are_spread_and_know_their_version(client: t.Any, create: t.Any, aws: t.Any, subnets: list[str]) -> None:
    create()
    instances = group(client)["Instances"]
    assert sorted(instance["AvailabilityZone"] for instance in instances) == ["eu-west-3a"] * 2 + ["eu-west-3b"] * 2
    assert {instance["LaunchTemplate"]["Version"] for instance in instances} == {"1"}
    ids = [instance["InstanceId"] for instance in instances]
    machines = [machine for r in aws("ec2").describe_instances(InstanceIds=ids)["Reservations"] for machine in r["Instances"]]
    assert {machine["SubnetId"] for machine in machines} == set(subnets)
    assert {"Key": "aws:ec2launchtemplate:version", "Value": "1"} in machines[0]["Tags"]


def test_update_keeps_and_removes_settings(client: t.Any, create: t.Any) -> None:
    create(DefaultInstanceWarmup=60, MaxInstanceLifetime=86400)
    client.update_auto_scaling_group(AutoScalingGroupName="app", TerminationPolicies=["OldestInstance"], DefaultCooldown=30)
    made = group(client)
    assert (made["DefaultInstanceWarmup"], made["MaxInstanceLifetime"]) == (60, 86400)
    assert (made["TerminationPolicies"], made["DefaultCooldown"]) == (["OldestInstance"], 30)
    client.update_auto_scaling_group(AutoScalingGroupName="app", DefaultInstanceWarmup=-1, MaxInstanceLifetime=0)
    assert {"DefaultInstanceWarmup", "MaxInstanceLifetime"}.isdisjoint(group(client))


def test_update_and_scaling_refuse_sizes(client: t.Any, create: t.Any) -> None:
    create()
    assert refusal(client.update_auto_scaling_group, AutoScalingGroupName="app", MinSize=5)[0] == "ValidationError"
    assert refusal(client.update_auto_scaling_group, AutoScalingGroupName="none", MinSize=1)[0] == "ValidationError"
    told = refusal(client.set_desired_capacity, AutoScalingGroupName="app", DesiredCapacity=5)[1]
    assert told == "New SetDesiredCapacity value 5 is above max value 4 for the AutoScalingGroup."
    assert group(client)["DesiredCapacity"] == 4


def test_targets_follow_the_instances(client: t.Any, create: t.Any, aws: t.Any) -> None:
    vpc = aws("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    elbv2 = aws("elbv2")
    arn = elbv2.create_target_group(Name="app", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]

    def targets() -> set[str]:
        return {target["Target"]["Id"] for target in elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]}

    def instances() -> set[str]:
        return {instance["InstanceId"] for instance in group(client)["Instances"]}

    create(TargetGroupARNs=[arn])
    assert len(targets()) == 4
    client.set_desired_capacity(AutoScalingGroupName="app", DesiredCapacity=2)
    assert targets() == instances()
    aws("ec2").terminate_instances(InstanceIds=[min(instances())])
    assert targets() == instances()
    assert len(targets()) == 2


def test_delete_of_a_group_with_instances(client: t.Any, create: t.Any) -> None:
    create(LifecycleHookSpecificationList=[HOOK])
    assert refusal(client.delete_auto_scaling_group, AutoScalingGroupName="app")[0] == "ResourceInUse"
    client.delete_auto_scaling_group(AutoScalingGroupName="app", ForceDelete=True)
    assert group(client)["Status"] == "Delete in progress"
    assert client.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert client.describe_lifecycle_hooks(AutoScalingGroupName="app")["LifecycleHooks"] == []


def test_delete_of_an_empty_group(client: t.Any, create: t.Any) -> None:
    create(DesiredCapacity=0)
    client.delete_auto_scaling_group(AutoScalingGroupName="app")
    assert client.describe_auto_scaling_groups()["AutoScalingGroups"] == []
    assert refusal(client.delete_auto_scaling_group, AutoScalingGroupName="app")[0] == "ValidationError"


def test_tags_of_a_missing_group(client: t.Any) -> None:
    tag = {"ResourceId": "none", "ResourceType": "auto-scaling-group", "Key": "a", "Value": "b", "PropagateAtLaunch": True}
    assert refusal(client.create_or_update_tags, Tags=[tag])[0] == "ValidationError"


def test_metrics(client: t.Any, create: t.Any) -> None:
    create(DesiredCapacity=0)

    def enabled() -> set[str]:
        return {metric["Metric"] for metric in group(client)["EnabledMetrics"]}

    for metric in ("GroupMinSize", "GroupMaxSize"):
        client.enable_metrics_collection(AutoScalingGroupName="app", Granularity="1Minute", Metrics=[metric])
    assert enabled() == {"GroupMinSize", "GroupMaxSize"}
    client.disable_metrics_collection(AutoScalingGroupName="app", Metrics=["GroupMinSize"])
    assert enabled() == {"GroupMaxSize"}
    client.enable_metrics_collection(AutoScalingGroupName="app", Granularity="1Minute")
    assert len(enabled()) == 13
    client.disable_metrics_collection(AutoScalingGroupName="app")
    assert enabled() == set()
    code = refusal(client.enable_metrics_collection, AutoScalingGroupName="app", Granularity="1Minute", Metrics=["Nonsense"])[0]
    assert code == "ValidationError"


def test_a_hook_keeps_what_is_not_given(client: t.Any, create: t.Any) -> None:
    create(DesiredCapacity=0, LifecycleHookSpecificationList=[HOOK])
    client.put_lifecycle_hook(AutoScalingGroupName="app", LifecycleHookName="ready", HeartbeatTimeout=600)
    (hook,) = client.describe_lifecycle_hooks(AutoScalingGroupName="app")["LifecycleHooks"]
    assert hook | HOOK | {"HeartbeatTimeout": 600} == hook


def test_policies_of_two_groups_may_share_a_name(client: t.Any, create: t.Any) -> None:
    create("blue", DesiredCapacity=0)
    create("green", DesiredCapacity=0)
    for name, target in (("blue", 40.0), ("green", 60.0)):
        client.put_scaling_policy(
            AutoScalingGroupName=name,
            PolicyName="cpu",
            PolicyType="TargetTrackingScaling",
            TargetTrackingConfiguration={
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
                "TargetValue": target,
            },
        )
    for name, target in (("blue", 40.0), ("green", 60.0)):
        (policy,) = client.describe_policies(AutoScalingGroupName=name)["ScalingPolicies"]
        assert policy["TargetTrackingConfiguration"]["TargetValue"] == target
        assert policy["TargetTrackingConfiguration"]["DisableScaleIn"] is False
    client.delete_policy(AutoScalingGroupName="blue", PolicyName="cpu")
    assert [policy["AutoScalingGroupName"] for policy in client.describe_policies()["ScalingPolicies"]] == ["green"]
    client.delete_auto_scaling_group(AutoScalingGroupName="green")
    assert client.describe_policies()["ScalingPolicies"] == []


# Instance refreshes


@pytest.fixture
def start(client: t.Any, template: str) -> t.Any:
    def start(**preferences: t.Any) -> str:
        answer = client.start_instance_refresh(
            AutoScalingGroupName="app",
            DesiredConfiguration={"LaunchTemplate": {"LaunchTemplateId": template, "Version": "2"}},
            Preferences=preferences,
        )
        refresh_id: str = answer["InstanceRefreshId"]
        return refresh_id

    return start


def statuses(client: t.Any, count: int) -> list[str]:
    return [client.describe_instance_refreshes(AutoScalingGroupName="app")["InstanceRefreshes"][0]["Status"] for _ in range(count)]


def test_a_refresh_replaces_the_instances(client: t.Any, create: t.Any, start: t.Any) -> None:
    create()
    old = {instance["InstanceId"] for instance in group(client)["Instances"]}
    refresh_id = start(MinHealthyPercentage=50)
    assert statuses(client, 2) == ["Pending", "InProgress"]
    assert group(client)["LaunchTemplate"]["Version"] == "1"
    (refresh,) = client.describe_instance_refreshes(AutoScalingGroupName="app")["InstanceRefreshes"]
    assert (refresh["InstanceRefreshId"], refresh["Status"], refresh["PercentageComplete"]) == (refresh_id, "Successful", 100)
    assert refresh["Preferences"] == {"MinHealthyPercentage": 50, "SkipMatching": False, "AutoRollback": False}
    made = group(client)
    assert made["LaunchTemplate"]["Version"] == "2"
    assert {instance["LaunchTemplate"]["Version"] for instance in made["Instances"]} == {"2"}
    assert old.isdisjoint(instance["InstanceId"] for instance in made["Instances"])
    assert len(made["Instances"]) == 4


def test_a_refresh_skips_instances_that_match(client: t.Any, create: t.Any, start: t.Any, template: str) -> None:
    create(LaunchTemplate={"LaunchTemplateId": template, "Version": "2"})
    old = {instance["InstanceId"] for instance in group(client)["Instances"]}
    start(SkipMatching=True)
    assert statuses(client, 3)[-1] == "Successful"
    assert {instance["InstanceId"] for instance in group(client)["Instances"]} == old


def test_one_refresh_at_a_time(client: t.Any, create: t.Any, start: t.Any, template: str) -> None:
    create()
    assert refusal(client.cancel_instance_refresh, AutoScalingGroupName="app")[0] == "ActiveInstanceRefreshNotFound"
    start()
    assert refusal(start)[0] == "InstanceRefreshInProgress"
    change = {"LaunchTemplate": {"LaunchTemplateId": template, "Version": "2"}}
    assert refusal(client.update_auto_scaling_group, AutoScalingGroupName="app", **change)[0] == "ValidationError"
    client.cancel_instance_refresh(AutoScalingGroupName="app")
    assert statuses(client, 2) == ["Cancelling", "Cancelled"]
    start()
    found = client.describe_instance_refreshes(AutoScalingGroupName="app", MaxRecords=1)
    assert [refresh["Status"] for refresh in found["InstanceRefreshes"]] == ["Pending"]
    rest = client.describe_instance_refreshes(AutoScalingGroupName="app", NextToken=found["NextToken"])["InstanceRefreshes"]
    assert [refresh["Status"] for refresh in rest] == ["Cancelled"]


@pytest.mark.parametrize(("rollback", "told"), [(True, ["RollbackInProgress", "RollbackSuccessful"]), (False, ["Failed", "Failed"])])
def test_a_refresh_can_be_made_to_fail(client: t.Any, create: t.Any, start: t.Any, rollback: bool, told: list[str]) -> None:
    create(Tags=[{"Key": "sandbox:launches", "Value": "unhealthy", "PropagateAtLaunch": False}])
    start(AutoRollback=rollback)
    assert statuses(client, 4) == ["Pending", "InProgress", *told]
    (refresh,) = client.describe_instance_refreshes(AutoScalingGroupName="app")["InstanceRefreshes"]
    assert refresh["StatusReason"] == "New instances failed their health checks."
    assert group(client)["LaunchTemplate"]["Version"] == "1"


def test_a_refresh_can_be_rolled_back(client: t.Any, create: t.Any, start: t.Any) -> None:
    create()
    start()
    client.rollback_instance_refresh(AutoScalingGroupName="app")
    assert statuses(client, 2) == ["RollbackInProgress", "RollbackSuccessful"]
    client.start_instance_refresh(AutoScalingGroupName="app")
    assert refusal(client.rollback_instance_refresh, AutoScalingGroupName="app")[0] == "IrreversibleInstanceRefresh"


def test_a_rollback_wants_a_version_by_number(client: t.Any, create: t.Any, template: str) -> None:
    create(LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"})
    request = {"AutoScalingGroupName": "app", "Preferences": {"AutoRollback": True}}
    desired = {"LaunchTemplate": {"LaunchTemplateId": template, "Version": "2"}}
    assert refusal(client.start_instance_refresh, **request)[0] == "ValidationError"
    assert "$Latest" in refusal(client.start_instance_refresh, **request, DesiredConfiguration=desired)[1]


def test_refreshes_of_a_missing_group(client: t.Any) -> None:
    assert refusal(client.describe_instance_refreshes, AutoScalingGroupName="none")[0] == "ValidationError"
