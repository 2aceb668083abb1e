#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: spot_instance
short_description: Keep one persistent spot machine
version_added: 0.1.0
description:
  - Launches, repairs or terminates one EC2 machine on the spot market, found by its tag C(Name).
  - Its spot request is persistent, so that AWS starts or launches the machine again after an interruption.
    A machine that is stopped, or whose request waits for capacity, is left to AWS; a warning says so.
  - Its disk holds data. Where the declared launch template, subnet, price or interruption behaviour differ from its own,
    which only a new machine can mend, it is kept and a warning says what differs, unless O(replace=true).
  - A machine is terminated after its spot request is cancelled, since the request would launch it anew,
    and its end is waited for, 10 minutes at the most.
  - Needs C(ec2:DescribeInstances), C(ec2:DescribeSpotInstanceRequests), C(ec2:DescribeTags),
    C(ec2:DescribeLaunchTemplateVersions), C(ec2:RunInstances), C(ec2:CreateTags), C(ec2:ModifyInstanceAttribute),
    C(ec2:CancelSpotInstanceRequests), C(ec2:TerminateInstances), C(iam:PassRole) for the template's
    instance profile and, for the first spot machine of an account, C(iam:CreateServiceLinkedRole).
options:
  name:
    description: Value of its tag C(Name); at most 255 characters, none of them V(*), V(?) or V(\\).
    type: str
    required: true
  state:
    description: Whether the machine is there.
    type: str
    choices: [present, absent]
    default: present
  launch_template:
    description: Launch template that it is launched from. Required for O(state=present).
    type: dict
    suboptions:
      id:
        description: Id of the launch template.
        type: str
        required: true
      version:
        description: Number of its version (from 1).
        type: int
        required: true
  subnet_id:
    description: Its subnet. Required for O(state=present).
    type: str
  security_group_ids:
    description: Its security groups, all of them; changed in place. The default at launch is the template's.
    type: list
    elements: str
  max_price:
    description: The most that it may cost, USD an hour, more than 0 (AWS's default is the on-demand price).
    type: str
  interruption_behavior:
    description: What becomes of it when AWS takes its capacity back.
    type: str
    choices: [stop, hibernate, terminate]
    default: stop
  associate_public_ip:
    description:
      - Whether it is launched with a public IPv4 address (the default is the subnet's). It is not compared later.
      - It cannot be set for a launch template with security groups of its own, which AWS refuses.
    type: bool
  tags:
    description:
      - Tags that the machine, its volumes, its network interfaces and its spot request have to carry, beside C(Name).
      - Others that they carry are left alone.
    type: dict
  replace:
    description: Whether a machine that cannot be changed in place is terminated, with its disk, and launched anew.
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
- name: Keep the dev machine, stopped while its capacity is wanted elsewhere
  greenleaf.cloud.spot_instance:
    name: greenleaf-dev
    launch_template:
      id: lt-0123456789abcdef0
      version: 3
    subnet_id: subnet-0123456789abcdef0
    security_group_ids: [sg-0123456789abcdef0]
    max_price: 0.015
    associate_public_ip: true
    tags:
      Environment: dev

- name: Terminate it for good
  greenleaf.cloud.spot_instance:
    name: greenleaf-dev
    state: absent
"""

RETURN = r"""
resource:
  description: The machine after the run, with the declared options beside what follows; empty once it is terminated.
  returned: success
  type: dict
  contains:
    id:
      description: Id of the instance; a placeholder in check mode while it does not exist, null while its request waits for capacity.
      type: str
      sample: i-0123456789abcdef0
    state:
      description: State of the instance, or of the request that waits for capacity.
      type: str
      sample: running
    availability_zone:
      description: Its availability zone.
      type: str
      sample: eu-west-3a
    public_ip_address:
      description: Its public IPv4 address; null where it has none (yet).
      type: str
      sample: 203.0.113.10
    private_ip_address:
      description: Its private IPv4 address.
      type: str
      sample: 10.0.1.10
    launch_template_version:
      description: Version of the launch template that it runs.
      type: int
      sample: 3
    spot_instance_request_id:
      description: Id of its spot request.
      type: str
      sample: sir-0a1b2c3d
"""

import collections.abc as c
import decimal
import hashlib
import json
import secrets
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.launching import once_profile_is_known
from ansible_collections.greenleaf.cloud.plugins.module_utils.limits import refuse_unlike
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State, differences

ARGUMENTS: State = {
    "name": {"type": "str", "required": True},
    "launch_template": {
        "type": "dict",
        "options": {"id": {"type": "str", "required": True}, "version": {"type": "int", "required": True}},
    },
    "subnet_id": {"type": "str"},
    "security_group_ids": {"type": "list", "elements": "str"},
    "max_price": {"type": "str"},
    "interruption_behavior": {"type": "str", "choices": ["stop", "hibernate", "terminate"], "default": "stop"},
    "associate_public_ip": {"type": "bool"},
    "tags": {"type": "dict"},
    "replace": {"type": "bool", "default": False},
}

ALIVE = ["pending", "running", "stopping", "stopped"]
WAITING = ["open", "active", "disabled"]

# What only a new machine can have otherwise.
REPLACED = {"launch_template", "subnet_id", "max_price", "interruption_behavior"}

TAGGED = ["instance", "volume", "network-interface", "spot-instances-request"]

ADVICE = {
    "InsufficientInstanceCapacity": "AWS has no spot capacity for this instance type in the subnet's zone now: "
    "set subnet_id to a subnet of another zone, or use a launch template with another instance type",
    "SpotMaxPriceTooLow": "max_price is below the present spot price: raise it, or leave it out to be capped by the on-demand price",
    "MaxSpotInstanceCountExceeded": "The account's spot quota is used up: terminate other spot machines, "
    "or raise the quota All Standard Spot Instance Requests of EC2 in Service Quotas",
}


class SpotInstance(Resource):
    def __init__(self, module: t.Any) -> None:
        self.module = module
        self.params = module.params
        self.client = client(module, "ec2")
        self.name: str = module.params["name"]
        self.launched = ""
        self.instance: State = {}
        self.request: State = {}
        self.observed: State = {}

    @property
    def label(self) -> str:
        return f"Spot machine {self.name}"

    def declared(self) -> State:
        fields = self._fields()
        if not self.observed:
            self._refuse_template()
            return fields
        if not self.instance:
            self.module.warn(f"{self.label} waits for capacity ({self._request_status()}): AWS launches it when there is some.")
            return {"tags": fields["tags"]}
        state, instance_id = self.observed["state"], self.observed["id"]
        if state in ("stopping", "stopped"):
            reason = self.instance.get("StateTransitionReason") or self._request_status()
            self.module.warn(f"{self.label}, {instance_id}, is {state} ({reason}): it is left so, for AWS to start when there is capacity.")
        stale = sorted(REPLACED & differences(fields, self.observed).keys())
        if stale and self.params["replace"]:
            self._refuse_template()
        elif stale:
            self.module.warn(
                f"{self.label}, {instance_id}, has another {', '.join(stale)} than declared and is kept for its disk: "
                "save its data and set replace to true for a new machine."
            )
            return {name: value for name, value in fields.items() if name not in stale}
        return fields

    def read(self) -> State | None:
        self.instance = self._find_instance()
        self.request = self._find_request()
        if not self.instance and not self.request:
            self.observed = {}
            return None
        told = from_api(self.instance, self.request) | {"name": self.name, "tags": self._tags()}
        # A request that AWS no longer tells of is no difference.
        self.observed = told | {name: value for name, value in self._fields().items() if name in REPLACED and told[name] is None}
        return self.observed

    def unknown(self) -> State:
        return {
            "id": "i-00000000000000000",
            "state": "pending",
            "availability_zone": f"{self.client.meta.region_name}a",
            "public_ip_address": "192.0.2.1",
            "private_ip_address": "192.0.2.2",
            "launch_template_version": self.params["launch_template"]["version"],
            "spot_instance_request_id": "sir-00000000",
        }

    def create(self) -> None:
        request = to_api(self._fields(), self.params["associate_public_ip"])
        try:
            self.launched = self._launch(request)["InstanceId"]
        except is_boto3_error_code(list(ADVICE)) as error:
            self.module.fail_json_aws(error, msg=ADVICE[error.response["Error"]["Code"]])
        self.client.get_waiter("instance_exists").wait(InstanceIds=[self.launched], WaiterConfig={"Delay": 2, "MaxAttempts": 60})

    def update(self, changes: State) -> None:
        if REPLACED & changes.keys() and not self.launched:
            self.delete()
            self.create()
            return
        if "security_group_ids" in changes:
            self.client.modify_instance_attribute(
                InstanceId=self.instance["InstanceId"], Groups=changes["security_group_ids"], aws_retry=True
            )
        if "tags" in changes:
            self.client.create_tags(Resources=self._resources(), Tags=tags_to(changes["tags"]), aws_retry=True)

    def delete(self) -> None:
        if self.request:
            self.client.cancel_spot_instance_requests(SpotInstanceRequestIds=[self.request["SpotInstanceRequestId"]], aws_retry=True)
        if self.instance:
            instance_ids = [self.instance["InstanceId"]]
            self.client.terminate_instances(InstanceIds=instance_ids, aws_retry=True)
            self.client.get_waiter("instance_terminated").wait(InstanceIds=instance_ids, WaiterConfig={"Delay": 5, "MaxAttempts": 120})

    def _fields(self) -> State:
        fields = set_fields(self.params, ["launch_template", "subnet_id", "interruption_behavior"])
        if self.params["security_group_ids"] is not None:
            fields["security_group_ids"] = sorted(self.params["security_group_ids"])
        if self.params["max_price"] is not None:
            fields["max_price"] = price(self.params["max_price"])
        fields["tags"] = {**(self.params["tags"] or {}), "Name": self.name}
        return fields

    def _refuse_template(self) -> None:
        """Fail, before a machine is given up for it, on a launch that AWS does not take."""
        if self.params["associate_public_ip"] is None:
            return
        template = self.params["launch_template"]
        try:
            answer = self.client.describe_launch_template_versions(
                LaunchTemplateId=template["id"], Versions=[str(template["version"])], aws_retry=True
            )
        except is_boto3_error_code(["InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.VersionNotFound"]):
            return  # in check mode it may not be made yet; a launch says so itself
        for version in answer["LaunchTemplateVersions"]:
            if {"SecurityGroupIds", "SecurityGroups"} & version["LaunchTemplateData"].keys():
                self.module.fail_json(
                    msg=f"associate_public_ip cannot be set for launch template {template['id']}, which has security groups of its own: "
                    f"leave it out, and let subnet {self.params['subnet_id']} give public addresses."
                )

    def _find_instance(self) -> State:
        known = {"instance-id": [self.launched]} if self.launched else {"tag:Name": [self.name]}
        answer = self.client.describe_instances(Filters=to_filters(known | {"instance-state-name": ALIVE}), aws_retry=True)
        found = [instance for reservation in answer["Reservations"] for instance in reservation["Instances"]]
        if len(found) > 1:
            ids = ", ".join(sorted(instance["InstanceId"] for instance in found))
            self.module.fail_json(msg=f"{ids} all carry the name {self.name}: terminate or rename all but one.")
        if found and found[0].get("InstanceLifecycle") != "spot":
            self.module.fail_json(msg=f"{found[0]['InstanceId']} carries the name {self.name} and is no spot machine: choose another name.")
        return found[0] if found else {}

    def _find_request(self) -> State:
        filters = {"tag:Name": [self.name], "state": WAITING, "type": ["persistent"]}
        if request_id := self.instance.get("SpotInstanceRequestId"):
            filters = {"spot-instance-request-id": [request_id]}
        answer = self.client.describe_spot_instance_requests(Filters=to_filters(filters), aws_retry=True)
        return next(iter(answer["SpotInstanceRequests"]), {})

    def _request_status(self) -> str:
        code: str = self.request.get("Status", {}).get("Code", "its spot request gives no reason")
        return code

    def _launch(self, request: State) -> State:
        """RunInstances, with a token by which a second try finds the machine of a first one whose answer was lost."""

        def run_instances(token: str) -> State:
            answer = once_profile_is_known(lambda: self.client.run_instances(**request, ClientToken=token, aws_retry=True))
            return t.cast(State, answer["Instances"][0])

        try:
            instance = run_instances(client_token(request))
        except is_boto3_error_code("IdempotentInstanceTerminated"):
            return run_instances(secrets.token_hex(32))
        # AWS remembers a token for a day longer than its machine.
        return instance if instance["State"]["Name"] in ALIVE else run_instances(secrets.token_hex(32))

    def _resources(self) -> list[str]:
        """The ids of all that carries the tags."""
        return [
            *([self.instance["InstanceId"]] if self.instance else []),
            *(device["Ebs"]["VolumeId"] for device in self.instance.get("BlockDeviceMappings", []) if "Ebs" in device),
            *(interface["NetworkInterfaceId"] for interface in self.instance.get("NetworkInterfaces", [])),
            *([self.request["SpotInstanceRequestId"]] if self.request else []),
        ]

    def _tags(self) -> dict[str, str]:
        resources = self._resources()
        tags = self.client.describe_tags(Filters=to_filters({"resource-id": resources}), aws_retry=True)["Tags"]
        return common(tags_from(tag for tag in tags if tag["ResourceId"] == resource) for resource in resources)


def refuse(module: t.Any) -> None:
    """Fail on what AWS would not take."""
    refuse_unlike(module, "name", r"[^*?\\]{1,255}", r"1 to 255 characters other than *, ? and \ ")
    refuse_unlike(module, "max_price", r"\d+(\.\d+)?|\.\d+", "USD an hour, such as 0.015")
    if module.params["max_price"] and not decimal.Decimal(module.params["max_price"]):
        module.fail_json(msg="max_price is 0: set it to more than 0, or leave it out to be capped by the on-demand price.")


def from_api(instance: State, request: State) -> State:
    """What the module tells of a machine and its spot request; None where AWS does not tell it (yet)."""
    interface: State = next(iter(instance.get("NetworkInterfaces", [])), {})
    tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
    version = tags.get("aws:ec2launchtemplate:version", "")
    template = {"id": tags.get("aws:ec2launchtemplate:id"), "version": int(version) if version.isdigit() else None}
    return {
        "id": instance.get("InstanceId"),
        "state": instance["State"]["Name"] if instance else request["State"],
        "availability_zone": instance.get("Placement", {}).get("AvailabilityZone"),
        "public_ip_address": instance.get("PublicIpAddress"),
        "private_ip_address": instance.get("PrivateIpAddress"),
        "launch_template_version": template["version"],
        "spot_instance_request_id": request.get("SpotInstanceRequestId"),
        "launch_template": template if instance else None,
        "subnet_id": instance.get("SubnetId"),
        "security_group_ids": sorted(group["GroupId"] for group in interface.get("Groups", [])),
        "max_price": price(request["SpotPrice"]) if "SpotPrice" in request else None,
        "interruption_behavior": request.get("InstanceInterruptionBehavior"),
    }


def to_api(fields: State, associate_public_ip: bool | None) -> State:
    """RunInstances' parameters, without its token."""
    groups = fields.get("security_group_ids")
    network: State
    if associate_public_ip is None:
        network = {"SubnetId": fields["subnet_id"]} | ({"SecurityGroupIds": groups} if groups else {})
    else:
        interface = {"DeviceIndex": 0, "SubnetId": fields["subnet_id"], "AssociatePublicIpAddress": associate_public_ip}
        network = {"NetworkInterfaces": [interface | ({"Groups": groups} if groups else {})]}
    price_limit = {"MaxPrice": fields["max_price"]} if "max_price" in fields else {}
    return network | {
        "MinCount": 1,
        "MaxCount": 1,
        "LaunchTemplate": {"LaunchTemplateId": fields["launch_template"]["id"], "Version": str(fields["launch_template"]["version"])},
        "InstanceMarketOptions": {
            "MarketType": "spot",
            "SpotOptions": {
                "SpotInstanceType": "persistent",
                "InstanceInterruptionBehavior": fields["interruption_behavior"],
                **price_limit,
            },
        },
        "TagSpecifications": [{"ResourceType": kind, "Tags": tags_to(fields["tags"])} for kind in TAGGED],
    }


def to_filters(filters: dict[str, list[str]]) -> list[State]:
    return [{"Name": name, "Values": values} for name, values in filters.items()]


def client_token(request: State) -> str:
    return hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()


def price(amount: str) -> str:
    """The amount as AWS writes it and others do: 0.015, 0.0150 and .015 are one."""
    return format(decimal.Decimal(amount).normalize(), "f")


def common(tags: c.Iterable[dict[str, str]]) -> dict[str, str]:
    """The tags that all of them have, with the same value."""
    first, *others = tags
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}


def build(module: t.Any) -> SpotInstance:
    refuse(module)
    return SpotInstance(module)


def main() -> None:
    run(build, ARGUMENTS, required_if=[("state", "present", ("launch_template", "subnet_id"))])


if __name__ == "__main__":
    main()
