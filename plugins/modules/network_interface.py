#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: network_interface
short_description: Keep a network interface in its declared state
version_added: 0.1.0
description:
  - Creates, updates or deletes an elastic network interface that outlives the instances it is attached to, such as a NAT instance's.
  - It is found by its tag C(Name). Two with the same name are refused, as none can tell which is meant.
  - Unlike M(amazon.aws.ec2_eni) one run also turns off the source/destination check of an interface that it creates.
  - Attaching is the instance's matter, and no option of this module.
  - Needs C(ec2:DescribeNetworkInterfaces), C(ec2:CreateNetworkInterface), C(ec2:ModifyNetworkInterfaceAttribute), C(ec2:CreateTags) and
    C(ec2:DeleteNetworkInterface); with O(force) C(ec2:DetachNetworkInterface) too.
options:
  name:
    description: Name, at most 256 characters, none of them C(*), C(?) or a backslash. It is the interface's tag C(Name).
    type: str
    required: true
  state:
    description: Whether the interface is there.
    type: str
    choices: [present, absent]
    default: present
  subnet_id:
    description: Subnet that it lies in. It cannot be changed later. Required with O(state=present).
    type: str
  security_group_ids:
    description: Security groups, at least one and all of the subnet's VPC. A new interface gets the VPC's default group if none is given.
    type: list
    elements: str
  source_dest_check:
    description: Whether it takes only packets to or from itself. V(false) for what forwards, such as a NAT instance.
    type: bool
  description:
    description: Text for people, at most 255 characters.
    type: str
  private_ip_address:
    description: Primary IPv4 address, of the subnet's range. AWS chooses a free one if it is not given. It cannot be changed later.
    type: str
  tags:
    description: Tags that the interface must have, beside C(Name), which is O(name). Others that it has stay.
    type: dict
  force:
    description: Whether O(state=absent) detaches the interface first. Without it one that is attached is refused.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Tells what a run would change; writes nothing.
  diff_mode:
    support: full
    description: Shows the declared fields before and after.
author: GreenLeaf (@greenleaf)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Keep the address that zone a's packets leave by
  greenleaf.cloud.network_interface:
    name: greenleaf-prod-nat-eu-west-3a
    subnet_id: subnet-0123456789abcdef0
    security_group_ids: [sg-0123456789abcdef0]
    source_dest_check: false
    description: NAT of eu-west-3a

- name: Delete it, although an instance still holds it
  greenleaf.cloud.network_interface:
    name: greenleaf-prod-nat-eu-west-3a
    state: absent
    force: true
"""

RETURN = r"""
resource:
  description: The interface after the run, with the declared options as they are; empty once it is deleted.
  returned: success
  type: dict
  contains:
    id:
      description: Its ID; C(eni-00000000000000000) in check mode while it does not exist.
      type: str
      sample: eni-0123456789abcdef0
    private_ip_address:
      description: Its primary IPv4 address; C(0.0.0.0) in check mode while it does not exist and none is declared.
      type: str
      sample: 10.0.1.10
    mac_address:
      description: Its MAC address; C(00:00:00:00:00:00) in check mode while it does not exist.
      type: str
      sample: "06:a1:b2:c3:d4:e5"
    instance_id:
      description: The instance that it is attached to.
      type: str
      sample: i-0123456789abcdef0
"""

import ipaddress
import typing as t
import uuid

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.retries import AWSRetry
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State

FIELDS = ("subnet_id", "security_group_ids", "source_dest_check", "description", "private_ip_address")
NAME_LENGTH = 256
WILDCARDS = set("*?\\")
DESCRIPTION_LENGTH = 255
DETACH_POLL = {"Delay": 2, "MaxAttempts": 60}  # s


class NetworkInterface(Resource):
    immutable = frozenset({"subnet_id", "private_ip_address"})

    def __init__(self, module: AnsibleAWSModule, ec2: t.Any) -> None:
        self.module = module
        self.params = module.params
        self.client = ec2
        self.name = module.params["name"]
        self.id = ""
        self.attachment: State = {}

    @property
    def label(self) -> str:
        return f"network interface {self.name}"

    def declared(self) -> State:
        fields = set_fields(self.params, FIELDS)
        if "security_group_ids" in fields:
            fields["security_group_ids"] = sorted(set(fields["security_group_ids"]))
        return {**fields, "tags": {**(self.params["tags"] or {}), "Name": self.name}}

    def read(self) -> State | None:
        if self.id:
            found = self._describe(NetworkInterfaceIds=[self.id])
        else:
            found = self._describe(Filters=[{"Name": "tag:Name", "Values": [self.name]}])
        if len(found) > 1:
            ids = " and ".join(sorted(interface["NetworkInterfaceId"] for interface in found))
            self.module.fail_json(msg=f"name: {ids} are both named {self.name}. Delete or rename the one that is not meant.")
        if not found:
            return None
        interface = found[0]
        self.id = interface["NetworkInterfaceId"]
        self.attachment = interface.get("Attachment", {})
        if self.params["state"] == "absent":
            self._refuse_to_cut_off()
        return {
            "id": self.id,
            "subnet_id": interface["SubnetId"],
            "private_ip_address": interface["PrivateIpAddress"],
            "mac_address": interface["MacAddress"],
            "instance_id": self.attachment.get("InstanceId"),
            "security_group_ids": sorted(group["GroupId"] for group in interface["Groups"]),
            "source_dest_check": interface["SourceDestCheck"],
            "description": interface.get("Description", ""),
            "tags": tags_from(interface["TagSet"]),
        }

    def unknown(self) -> State:
        return {
            "id": "eni-00000000000000000",
            "private_ip_address": "0.0.0.0",
            "mac_address": "00:00:00:00:00:00",
            "instance_id": None,
        }

    def create(self) -> None:
        declared = self.declared()
        options = {
            "Groups": declared.get("security_group_ids"),
            "Description": declared.get("description"),
            "PrivateIpAddress": declared.get("private_ip_address"),
        }
        answer = self.client.create_network_interface(
            SubnetId=declared["subnet_id"],
            TagSpecifications=[{"ResourceType": "network-interface", "Tags": tags_to(declared["tags"])}],
            ClientToken=str(uuid.uuid4()),
            aws_retry=True,
            **{name: value for name, value in options.items() if value is not None},
        )
        self.id = answer["NetworkInterface"]["NetworkInterfaceId"]

    def update(self, changes: State) -> None:
        # AWS takes one attribute a call.
        if "security_group_ids" in changes:
            self._modify(Groups=changes["security_group_ids"])
        if "source_dest_check" in changes:
            self._modify(SourceDestCheck={"Value": changes["source_dest_check"]})
        if "description" in changes:
            self._modify(Description={"Value": changes["description"]})
        if "tags" in changes:
            self.client.create_tags(Resources=[self.id], Tags=tags_to(changes["tags"]), aws_retry=True)

    def delete(self) -> None:
        try:
            if self.attachment:
                self.client.detach_network_interface(AttachmentId=self.attachment["AttachmentId"], aws_retry=True)
                self.client.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[self.id], WaiterConfig=DETACH_POLL)
            self.client.delete_network_interface(NetworkInterfaceId=self.id, aws_retry=True)
        except is_boto3_error_code("InvalidNetworkInterfaceID.NotFound"):
            pass

    # An interface that was just made may not be seen yet.
    @AWSRetry.jittered_backoff(catch_extra_error_codes=["InvalidNetworkInterfaceID.NotFound"])  # type: ignore[untyped-decorator]
    def _describe(self, **query: t.Any) -> list[State]:
        pages = self.client.get_paginator("describe_network_interfaces").paginate(**query)
        return [interface for page in pages for interface in page["NetworkInterfaces"]]

    def _modify(self, **attribute: t.Any) -> None:
        self.client.modify_network_interface_attribute(NetworkInterfaceId=self.id, aws_retry=True, **attribute)

    def _refuse_to_cut_off(self) -> None:
        holder = self.attachment.get("InstanceId") or self.attachment.get("InstanceOwnerId")
        if self.attachment and not self.params["force"]:
            self.module.fail_json(msg=f"{self.id} ({self.name}) is attached to {holder}: set force to detach and delete it.")
        if self.attachment.get("DeviceIndex") == 0:
            self.module.fail_json(
                msg=f"{self.id} ({self.name}) is the primary interface of {holder}: terminate that first, AWS cannot detach it."
            )


def problem(params: State) -> str | None:
    """What EC2 would refuse about the options, and the mend."""
    if not 1 <= len(params["name"]) <= NAME_LENGTH or WILDCARDS & set(params["name"]):
        return f"name: use 1 to {NAME_LENGTH} characters without '*', '?' and '\\\\', by which EC2 would find other interfaces."
    if len(params["description"] or "") > DESCRIPTION_LENGTH:
        return f"description: {len(params['description'])} characters are too many, the most is {DESCRIPTION_LENGTH}."
    if params["security_group_ids"] == []:
        return "security_group_ids: an interface needs at least one group. Name one, or leave the option out."
    if params["private_ip_address"] is not None:
        try:
            ipaddress.IPv4Address(params["private_ip_address"])
        except ValueError as error:
            return f"private_ip_address: {error}. Give an IPv4 address of the subnet's range."
    return None


def build(module: AnsibleAWSModule) -> NetworkInterface:
    if text := problem(module.params):
        module.fail_json(msg=text)
    return NetworkInterface(module, client(module, "ec2"))


def main() -> None:
    run(
        build,
        {
            "name": {"type": "str", "required": True},
            "subnet_id": {"type": "str"},
            "security_group_ids": {"type": "list", "elements": "str"},
            "source_dest_check": {"type": "bool"},
            "description": {"type": "str"},
            "private_ip_address": {"type": "str"},
            "tags": {"type": "dict"},
            "force": {"type": "bool", "default": False},
        },
        required_if=[("state", "present", ("subnet_id",))],
    )


if __name__ == "__main__":
    main()
