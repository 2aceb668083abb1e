# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

NAME = "greenleaf-test-nat-eu-west-3a"


@pytest.fixture
def ec2(aws):
    return aws("ec2")


@pytest.fixture
def vpc(ec2):
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def options(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="eu-west-3a")["Subnet"]["SubnetId"]
    groups = [ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in ("nat", "probe")]
    return {
        "name": NAME,
        "subnet_id": subnet,
        "security_group_ids": groups,
        "source_dest_check": False,
        "description": "NAT of eu-west-3a",
        "tags": {"Project": "greenleaf"},
    }


def interfaces(ec2):
    return ec2.describe_network_interfaces(Filters=[{"Name": "tag:Name", "Values": [NAME]}])["NetworkInterfaces"]


def attach(ec2, options, interface):
    """An instance that holds `interface` beside its own."""
    instance = ec2.run_instances(
        ImageId=ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"], SubnetId=options["subnet_id"], MinCount=1, MaxCount=1
    )["Instances"][0]["InstanceId"]
    ec2.attach_network_interface(NetworkInterfaceId=interface, InstanceId=instance, DeviceIndex=1)
    return instance


def test_converges(assert_converges, ec2, options):
    result = assert_converges("network_interface", **options)

    (interface,) = interfaces(ec2)
    assert interface["SourceDestCheck"] is False
    assert interface["SubnetId"] == options["subnet_id"]
    assert {group["GroupId"] for group in interface["Groups"]} == set(options["security_group_ids"])
    assert interface["Description"] == "NAT of eu-west-3a"
    assert {tag["Key"]: tag["Value"] for tag in interface["TagSet"]} == {"Name": NAME, "Project": "greenleaf"}
    assert {field: result["resource"][field] for field in ("id", "private_ip_address", "mac_address", "instance_id")} == {
        "id": interface["NetworkInterfaceId"],
        "private_ip_address": interface["PrivateIpAddress"],
        "mac_address": interface["MacAddress"],
        "instance_id": None,
    }


def test_check_mode_tells_the_plan(run_module, options):
    result = run_module("network_interface", check_mode=True, **options)

    assert result["diff"]["before"] == {}
    assert result["diff"]["after"] == {
        **{field: value for field, value in options.items() if field != "name"},
        "security_group_ids": sorted(options["security_group_ids"]),
        "tags": {"Name": NAME, "Project": "greenleaf"},
    }
    assert result["resource"]["id"] == "eni-00000000000000000"


def test_it_is_created_with_its_tags_and_a_token(run_module, account, options):
    mark = account.mark()
    run_module("network_interface", **options)

    create, modify = account.writes(mark)
    assert create["action"] == "CreateNetworkInterface"
    assert create["parameters"]["ClientToken"]
    assert create["parameters"]["TagSpecifications"] == [
        {"ResourceType": "network-interface", "Tags": [{"Key": "Name", "Value": NAME}, {"Key": "Project", "Value": "greenleaf"}]}
    ]
    assert modify["action"] == "ModifyNetworkInterfaceAttribute"
    assert modify["parameters"]["SourceDestCheck"] == {"Value": False}


@pytest.mark.parametrize(
    ("field", "attribute"),
    [
        ("source_dest_check", {"SourceDestCheck": {"Value": True}}),
        ("description", {"Description": {"Value": "changed"}}),
        ("security_group_ids", {"Groups": ["default"]}),
    ],
)
def test_drift_is_seen_and_mended(run_module, account, ec2, vpc, options, field, attribute):
    interface = run_module("network_interface", **options)["resource"]["id"]
    if field == "security_group_ids":
        groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}])
        attribute = {"Groups": [groups["SecurityGroups"][0]["GroupId"]]}
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface, **attribute)

    mark = account.mark()
    plan = run_module("network_interface", check_mode=True, **options)
    assert list(plan["diff"]["after"]) == [field]
    assert account.writes(mark) == []
    assert list(run_module("network_interface", **options)["diff"]["after"]) == [field]
    assert len(account.writes(mark)) == 1
    assert not run_module("network_interface", **options)["changed"]


def test_undeclared_tags_stay(run_module, ec2, options):
    interface = run_module("network_interface", **options)["resource"]["id"]
    ec2.create_tags(Resources=[interface], Tags=[{"Key": "Team", "Value": "net"}])
    ec2.delete_tags(Resources=[interface], Tags=[{"Key": "Project"}])

    assert run_module("network_interface", **options)["diff"]["after"]["tags"] == {"Name": NAME, "Project": "greenleaf", "Team": "net"}
    assert {tag["Key"] for tag in interfaces(ec2)[0]["TagSet"]} == {"Name", "Project", "Team"}


def test_a_fixed_address(assert_converges, run_module, options):
    options["private_ip_address"] = "10.0.1.10"
    assert assert_converges("network_interface", **options)["resource"]["private_ip_address"] == "10.0.1.10"

    message = run_module("network_interface", fails=True, **{**options, "private_ip_address": "10.0.1.11"})["msg"]
    assert "exists with another private_ip_address" in message


def test_another_subnet_is_refused(run_module, ec2, vpc, options):
    run_module("network_interface", **options)
    other = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.2.0/24")["Subnet"]["SubnetId"]

    assert "exists with another subnet_id" in run_module("network_interface", fails=True, **{**options, "subnet_id": other})["msg"]
    assert len(interfaces(ec2)) == 1


@pytest.mark.parametrize("state", ["present", "absent"])
def test_two_of_the_same_name_are_refused(run_module, account, ec2, options, state):
    first = run_module("network_interface", **options)["resource"]["id"]
    second = ec2.create_network_interface(
        SubnetId=options["subnet_id"],
        TagSpecifications=[{"ResourceType": "network-interface", "Tags": [{"Key": "Name", "Value": NAME}]}],
    )["NetworkInterface"]["NetworkInterfaceId"]

    mark = account.mark()
    message = run_module("network_interface", fails=True, **{**options, "state": state})["msg"]
    assert first in message
    assert second in message
    assert account.writes(mark) == []


def test_delete(run_module, account, ec2, options):
    run_module("network_interface", **options)

    mark = account.mark()
    assert run_module("network_interface", check_mode=True, name=NAME, state="absent")["changed"]
    assert account.writes(mark) == []
    assert run_module("network_interface", name=NAME, state="absent")["resource"] == {}
    assert not run_module("network_interface", name=NAME, state="absent")["changed"]
    assert interfaces(ec2) == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_an_attached_one_is_kept_unless_forced(run_module, account, ec2, options, check_mode):
    interface = run_module("network_interface", **options)["resource"]["id"]
    instance = attach(ec2, options, interface)
    assert run_module("network_interface", **options)["resource"]["instance_id"] == instance

    mark = account.mark()
    message = run_module("network_interface", fails=True, check_mode=check_mode, name=NAME, state="absent")["msg"]
    assert message == f"{interface} ({NAME}) is attached to {instance}: set force to detach and delete it."
    assert account.writes(mark) == []

    assert run_module("network_interface", check_mode=check_mode, name=NAME, state="absent", force=True)["changed"]
    assert [request["action"] for request in account.writes(mark)] == (
        [] if check_mode else ["DetachNetworkInterface", "DeleteNetworkInterface"]
    )
    assert len(interfaces(ec2)) == (1 if check_mode else 0)


@pytest.mark.parametrize(
    ("option", "value"),
    [("name", ""), ("name", "x" * 257), ("description", "x" * 256), ("security_group_ids", []), ("private_ip_address", "10.0.1")],
)
def test_what_ec2_refuses_is_refused_before_any_call(run_module, account, option, value):
    mark = account.mark()
    options = {"name": NAME, "subnet_id": "subnet-0123456789abcdef0", option: value}
    assert run_module("network_interface", fails=True, **options)["msg"].startswith(f"{option}:")
    assert account.requests(mark) == []
