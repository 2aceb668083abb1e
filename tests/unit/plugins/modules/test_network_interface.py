# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""network_interface: what it refuses, and the requests that it sends."""

from __future__ import annotations

import types
from unittest.mock import Mock, call

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules.network_interface import DETACH_POLL, NetworkInterface, problem

ID = "eni-0123456789abcdef0"
UNSET = dict.fromkeys(["security_group_ids", "source_dest_check", "description", "private_ip_address", "tags"])
INTERFACE = {
    "NetworkInterfaceId": ID,
    "SubnetId": "subnet-1",
    "PrivateIpAddress": "10.0.1.10",
    "MacAddress": "06:00:00:00:00:01",
    "Groups": [{"GroupId": "sg-2"}, {"GroupId": "sg-1"}],
    "SourceDestCheck": True,
    "Description": "",
    "TagSet": [{"Key": "Name", "Value": "nat"}],
}
ATTACHMENT = {"AttachmentId": "eni-attach-1", "InstanceId": "i-1", "DeviceIndex": 1}


class Failed(Exception):
    pass


def fail_json(msg):
    raise Failed(msg)


def error(code):
    return botocore.exceptions.ClientError({"Error": {"Code": code}}, "Operation")


def interface(*observed, **params):
    """The resource, whose client answers each look with the next of `observed`, a list of interfaces."""
    client = Mock()
    client.get_paginator.return_value.paginate.side_effect = [[{"NetworkInterfaces": found}] for found in observed]
    client.create_network_interface.return_value = {"NetworkInterface": INTERFACE}
    params = {"name": "nat", "state": "present", "subnet_id": "subnet-1", "force": False, **UNSET, **params}
    return NetworkInterface(types.SimpleNamespace(params=params, fail_json=fail_json), client)


def writes(client):
    return [request for request in client.mock_calls if not request[0].startswith("get_paginator")]


def test_a_new_one_forwards_after_one_run():
    off = {**INTERFACE, "SourceDestCheck": False}
    resource = interface([], [INTERFACE], [off], source_dest_check=False)

    result = converge(resource, present=True, check_mode=False)
    assert result["resource"]["source_dest_check"] is False
    assert writes(resource.client)[1:] == [
        call.modify_network_interface_attribute(NetworkInterfaceId=ID, SourceDestCheck={"Value": False}, aws_retry=True)
    ]
    looks = [look.kwargs for look in resource.client.get_paginator.return_value.paginate.call_args_list]
    assert looks == [{"Filters": [{"Name": "tag:Name", "Values": ["nat"]}]}, *[{"NetworkInterfaceIds": [ID]}] * 2]


def test_the_request_that_creates_it():
    resource = interface(security_group_ids=["sg-2", "sg-1", "sg-2"], description="NAT", tags={"Project": "greenleaf", "Name": "other"})
    resource.create()
    ((_name, _args, request),) = writes(resource.client)
    token = request.pop("ClientToken")
    assert 1 <= len(token) <= 64
    assert request == {
        "SubnetId": "subnet-1",
        "Groups": ["sg-1", "sg-2"],
        "Description": "NAT",
        "TagSpecifications": [
            {"ResourceType": "network-interface", "Tags": [{"Key": "Name", "Value": "nat"}, {"Key": "Project", "Value": "greenleaf"}]}
        ],
        "aws_retry": True,
    }


def test_the_order_of_groups_does_not_matter():
    resource = interface([INTERFACE], security_group_ids=["sg-1", "sg-2"])
    assert not converge(resource, present=True, check_mode=False)["changed"]
    assert writes(resource.client) == []


def test_one_attribute_a_request():
    resource = interface()
    resource.id = ID
    resource.update({"security_group_ids": ["sg-1"], "source_dest_check": False, "description": "NAT", "tags": {"Name": "nat"}})
    assert writes(resource.client) == [
        call.modify_network_interface_attribute(NetworkInterfaceId=ID, Groups=["sg-1"], aws_retry=True),
        call.modify_network_interface_attribute(NetworkInterfaceId=ID, SourceDestCheck={"Value": False}, aws_retry=True),
        call.modify_network_interface_attribute(NetworkInterfaceId=ID, Description={"Value": "NAT"}, aws_retry=True),
        call.create_tags(Resources=[ID], Tags=[{"Key": "Name", "Value": "nat"}], aws_retry=True),
    ]


def test_one_that_was_just_made_is_looked_for_again(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    resource = interface()
    resource.id = ID
    resource.client.get_paginator.return_value.paginate.side_effect = [
        error("InvalidNetworkInterfaceID.NotFound"),
        [{"NetworkInterfaces": [INTERFACE]}],
    ]
    assert resource.read()["id"] == ID


def test_force_detaches_waits_and_deletes():
    resource = interface([{**INTERFACE, "Attachment": ATTACHMENT}], state="absent", force=True)
    converge(resource, present=False, check_mode=False)
    assert writes(resource.client) == [
        call.detach_network_interface(AttachmentId="eni-attach-1", aws_retry=True),
        call.get_waiter("network_interface_available"),
        call.get_waiter().wait(NetworkInterfaceIds=[ID], WaiterConfig=DETACH_POLL),
        call.delete_network_interface(NetworkInterfaceId=ID, aws_retry=True),
    ]


def test_an_instances_primary_interface_is_refused_even_with_force():
    resource = interface([{**INTERFACE, "Attachment": {**ATTACHMENT, "DeviceIndex": 0}}], state="absent", force=True)
    with pytest.raises(Failed, match="is the primary interface of i-1"):
        converge(resource, present=False, check_mode=False)


def test_one_that_is_gone_meanwhile_is_deleted():
    resource = interface([INTERFACE], state="absent")
    resource.client.delete_network_interface.side_effect = error("InvalidNetworkInterfaceID.NotFound")
    assert converge(resource, present=False, check_mode=False)["changed"]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("name", ""),
        ("name", "x" * 257),
        ("name", "nat-*"),
        ("description", "x" * 256),
        ("security_group_ids", []),
        ("private_ip_address", "10.0.1.300"),
        ("private_ip_address", "::1"),
    ],
)
def test_what_ec2_refuses(option, value):
    assert problem({"name": "nat", **UNSET}) is None
    assert problem({"name": "nat", **UNSET, option: value}).startswith(f"{option}: ")
