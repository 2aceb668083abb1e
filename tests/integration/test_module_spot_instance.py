# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""spot_instance, against the sandbox's EC2."""

from __future__ import annotations

import typing as t

import pytest

NAME = "greenleaf-test"
AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"

State = dict[str, t.Any]


@pytest.fixture
def security_groups(aws: t.Any) -> list[str]:
    return [aws("ec2").create_security_group(GroupName=name, Description=name)["GroupId"] for name in ("app", "more")]


@pytest.fixture
def subnets(aws: t.Any) -> list[str]:
    return [subnet["SubnetId"] for subnet in aws("ec2").describe_subnets()["Subnets"]]


@pytest.fixture
def wanted(aws: t.Any, subnets: list[str], security_groups: list[str]) -> State:
    image = aws("ssm").get_parameter(Name=AL2023)["Parameter"]["Value"]
    data = {"ImageId": image, "InstanceType": "t3.small"}
    template = aws("ec2").create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData=data)["LaunchTemplate"]
    aws("ec2").create_launch_template_version(LaunchTemplateId=template["LaunchTemplateId"], SourceVersion="1", LaunchTemplateData={})
    return {
        "name": NAME,
        "launch_template": {"id": template["LaunchTemplateId"], "version": 1},
        "subnet_id": subnets[0],
        "security_group_ids": security_groups[:1],
        "max_price": "0.0150",
        "associate_public_ip": True,
        "tags": {"Environment": "test"},
    }


def machines(aws: t.Any, *states: str) -> list[State]:
    filters = [{"Name": "instance-state-name", "Values": list(states or ("pending", "running", "stopping", "stopped"))}]
    answer = aws("ec2").describe_instances(Filters=filters)
    return [instance for reservation in answer["Reservations"] for instance in reservation["Instances"]]


def request_of(aws: t.Any, instance: State) -> State:
    ids = [instance["SpotInstanceRequestId"]]
    request: State = aws("ec2").describe_spot_instance_requests(SpotInstanceRequestIds=ids)["SpotInstanceRequests"][0]
    return request


def carriers(instance: State) -> list[str]:
    return [
        instance["InstanceId"],
        instance["BlockDeviceMappings"][0]["Ebs"]["VolumeId"],
        instance["NetworkInterfaces"][0]["NetworkInterfaceId"],
        instance["SpotInstanceRequestId"],
    ]


def test_converges(account: t.Any, aws: t.Any, assert_converges: t.Any, wanted: State) -> None:
    before = account.mark()
    resource = assert_converges("spot_instance", **wanted)["resource"]
    (instance,) = machines(aws)
    spot = request_of(aws, instance)
    assert instance["InstanceLifecycle"] == "spot"
    assert (spot["Type"], spot["InstanceInterruptionBehavior"], float(spot["SpotPrice"])) == ("persistent", "stop", 0.015)
    assert instance["SubnetId"] == wanted["subnet_id"]
    assert [group["GroupId"] for group in instance["NetworkInterfaces"][0]["Groups"]] == wanted["security_group_ids"]
    assert resource | {"name": NAME} == resource
    assert (resource["id"], resource["state"]) == (instance["InstanceId"], "running")
    assert resource["public_ip_address"] == instance["PublicIpAddress"]
    assert resource["private_ip_address"] == instance["PrivateIpAddress"]
    assert resource["availability_zone"] == instance["Placement"]["AvailabilityZone"]
    assert resource["launch_template_version"] == 1
    assert resource["spot_instance_request_id"] == spot["SpotInstanceRequestId"]
    (launch,) = account.writes(before)
    assert launch["action"] == "RunInstances"
    assert (launch["parameters"]["MinCount"], launch["parameters"]["MaxCount"], len(launch["parameters"]["ClientToken"])) == (1, 1, 64)
    kinds = {item["ResourceType"] for item in launch["parameters"]["TagSpecifications"]}
    assert kinds == {"instance", "volume", "network-interface", "spot-instances-request"}
    for carrier in carriers(instance):
        tags = aws("ec2").describe_tags(Filters=[{"Name": "resource-id", "Values": [carrier]}])["Tags"]
        assert {"Name": NAME, "Environment": "test"}.items() <= {tag["Key"]: tag["Value"] for tag in tags}.items()


def test_check_mode_of_a_missing_one_gives_placeholders(run_module: t.Any, wanted: State) -> None:
    resource = run_module("spot_instance", check_mode=True, **wanted)["resource"]
    assert resource["id"] == "i-00000000000000000"
    assert resource["spot_instance_request_id"] == "sir-00000000"
    assert resource["launch_template_version"] == 1


def test_changes_groups_and_tags_in_place(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State, security_groups: list[str]) -> None:
    run_module("spot_instance", **wanted)
    (instance,) = machines(aws)
    aws("ec2").delete_tags(Resources=[instance["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]], Tags=[{"Key": "Environment"}])
    changed = wanted | {"security_group_ids": security_groups}
    before = account.mark()
    planned = run_module("spot_instance", check_mode=True, **changed)
    assert planned["diff"]["after"].keys() == {"security_group_ids", "tags"}
    assert account.writes(before) == []
    assert run_module("spot_instance", **changed)["changed"]
    assert [request["action"] for request in account.writes(before)] == ["ModifyInstanceAttribute", "CreateTags"]
    (after,) = machines(aws)
    assert after["InstanceId"] == instance["InstanceId"]
    assert sorted(group["GroupId"] for group in after["NetworkInterfaces"][0]["Groups"]) == sorted(security_groups)
    volume = aws("ec2").describe_volumes(VolumeIds=[carriers(after)[1]])["Volumes"][0]
    assert {"Key": "Environment", "Value": "test"} in volume["Tags"]
    for check_mode in (True, False):
        assert not run_module("spot_instance", check_mode=check_mode, **changed)["changed"]


@pytest.mark.parametrize("field", ["launch_template", "subnet_id", "max_price", "interruption_behavior"])
def test_keeps_a_machine_that_only_a_new_one_could_mend(
    account: t.Any, aws: t.Any, run_module: t.Any, wanted: State, subnets: list[str], field: str
) -> None:
    run_module("spot_instance", **wanted)
    other = {
        "launch_template": wanted["launch_template"] | {"version": 2},
        "subnet_id": subnets[1],
        "max_price": 0.02,
        "interruption_behavior": "terminate",
    }
    before = account.mark()
    for check_mode in (True, False):
        result = run_module("spot_instance", check_mode=check_mode, **wanted | {field: other[field]})
        assert not result["changed"]
        assert f"has another {field} than declared and is kept for its disk" in str(result["warnings"])
    assert account.writes(before) == []
    assert len(machines(aws)) == 1


def test_replaces_when_told_to(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("spot_instance", **wanted)
    (old,) = machines(aws)
    changed = wanted | {"launch_template": wanted["launch_template"] | {"version": 2}, "replace": True}
    before = account.mark()
    planned = run_module("spot_instance", check_mode=True, **changed)
    assert planned["diff"]["after"] == {"launch_template": changed["launch_template"]}
    assert account.writes(before) == []
    result = run_module("spot_instance", **changed)
    assert [request["action"] for request in account.writes(before)] == [
        "CancelSpotInstanceRequests",
        "TerminateInstances",
        "RunInstances",
    ]
    (new,) = machines(aws)
    assert new["InstanceId"] != old["InstanceId"]
    assert result["resource"]["id"] == new["InstanceId"]
    assert result["resource"]["launch_template_version"] == 2
    for check_mode in (True, False):
        assert not run_module("spot_instance", check_mode=check_mode, **changed)["changed"]


def test_a_stopped_machine_is_left_to_aws(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("spot_instance", **wanted)
    (instance,) = machines(aws)
    aws("ec2").stop_instances(InstanceIds=[instance["InstanceId"]])
    before = account.mark()
    result = run_module("spot_instance", **wanted)
    assert not result["changed"]
    assert result["resource"]["state"] == "stopped"
    assert "is stopped (" in str(result["warnings"])
    assert account.writes(before) == []


def test_refuses_a_name_that_is_not_one_spot_machine_s(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("spot_instance", **wanted)
    image = machines(aws)[0]["ImageId"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": NAME}]}]
    other = aws("ec2").run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t3.small", TagSpecifications=tags)
    ids = sorted(instance["InstanceId"] for instance in machines(aws))
    before = account.mark()
    failure = run_module("spot_instance", fails=True, **wanted)
    assert failure["msg"] == f"{', '.join(ids)} all carry the name {NAME}: terminate or rename all but one."
    spot = next(instance_id for instance_id in ids if instance_id != other["Instances"][0]["InstanceId"])
    aws("ec2").delete_tags(Resources=[spot], Tags=[{"Key": "Name"}])
    before = account.mark()
    failure = run_module("spot_instance", fails=True, name=NAME, state="absent")
    assert "is no spot machine" in failure["msg"]
    assert account.writes(before) == []


def test_terminates_for_good(account: t.Any, aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("spot_instance", **wanted)
    before = account.mark()
    assert run_module("spot_instance", check_mode=True, name=NAME, state="absent")["changed"]
    assert account.writes(before) == []
    assert run_module("spot_instance", name=NAME, state="absent")["changed"]
    assert [request["action"] for request in account.writes(before)] == ["CancelSpotInstanceRequests", "TerminateInstances"]
    assert machines(aws) == []
    for check_mode in (True, False):
        assert not run_module("spot_instance", check_mode=check_mode, name=NAME, state="absent")["changed"]


def test_launches_again_after_a_termination(aws: t.Any, run_module: t.Any, wanted: State) -> None:
    run_module("spot_instance", **wanted)
    run_module("spot_instance", name=NAME, state="absent")
    assert run_module("spot_instance", **wanted)["changed"]
    assert len(machines(aws)) == 1
    assert len(machines(aws, "terminated")) == 1
