#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: target_group
short_description: Keep an Application Load Balancer's target group in its declared state
version_added: 0.1.0
description:
  - Creates, updates or deletes a target group of instances.
  - Unlike M(community.aws.elb_target_group) it tells in check mode, with a diff, what it would do.
  - Only what is declared is compared and changed. An option that is left out keeps the value it has, or gets AWS's default at creation.
  - Needs C(elasticloadbalancing:DescribeTargetGroups), C(elasticloadbalancing:DescribeTargetGroupAttributes),
    C(elasticloadbalancing:DescribeTags), C(elasticloadbalancing:CreateTargetGroup), C(elasticloadbalancing:ModifyTargetGroup),
    C(elasticloadbalancing:ModifyTargetGroupAttributes), C(elasticloadbalancing:AddTags) and C(elasticloadbalancing:DeleteTargetGroup).
options:
  name:
    description: Name, unique in the region; at most 32 letters, digits and single hyphens, none of them first or last.
    type: str
    required: true
  state:
    description: Whether the target group is there.
    type: str
    choices: [present, absent]
    default: present
  vpc_id:
    description: VPC of the targets. It cannot be changed later. Required for O(state=present).
    type: str
  protocol:
    description: Protocol to the targets. It cannot be changed later. Required for O(state=present).
    type: str
    choices: [HTTP, HTTPS]
  port:
    description: Port on the targets (1 to 65535). It cannot be changed later. Required for O(state=present).
    type: int
  health_check_path:
    description: Path that is asked for, from its first slash (AWS's default is V(/)).
    type: str
  health_check_interval:
    description: Seconds between two checks of one target (5 to 300; AWS's default is 30).
    type: int
  health_check_timeout:
    description: Seconds after which an unanswered check has failed (2 to 120, less than O(health_check_interval); AWS's default is 5).
    type: int
  healthy_threshold:
    description: Successes in a row that make a target healthy (2 to 10; AWS's default is 5).
    type: int
  unhealthy_threshold:
    description: Failures in a row that make a target unhealthy (2 to 10; AWS's default is 2).
    type: int
  matcher:
    description: HTTP status codes of a healthy target, 200 to 499, as a list V(200,202) or a range V(200-299) (AWS's default is V(200)).
    type: str
  deregistration_delay:
    description: Seconds that a target which is taken out may take to finish its requests (0 to 3600; AWS's default is 300).
    type: int
  stickiness:
    description: Whether a client stays with one target, by a cookie of the load balancer (AWS's default is V(false)).
    type: bool
  stickiness_duration:
    description: Seconds that the cookie lasts (1 to 604800; AWS's default is 86400).
    type: int
  tags:
    description: Tags that the target group has to carry. Others that it carries are left alone.
    type: dict
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
- name: Check the nodes' /health every 30 seconds
  greenleaf.cloud.target_group:
    name: greenleaf-prod-app
    vpc_id: vpc-0123456789abcdef0
    protocol: HTTP
    port: 80
    health_check_path: /health
    health_check_interval: 30
    health_check_timeout: 5
    healthy_threshold: 2
    unhealthy_threshold: 2
    deregistration_delay: 60
    tags:
      Environment: prod
"""

RETURN = r"""
resource:
  description: The target group after the run, with the declared options beside what follows; empty once it is deleted.
  returned: success
  type: dict
  contains:
    arn:
      description: Its ARN; a placeholder in check mode while it does not exist.
      type: str
      sample: arn:aws:elasticloadbalancing:eu-west-3:123456789012:targetgroup/greenleaf-prod-app/50dc6c495c0c9188
    arn_suffix:
      description: The end of its ARN, as CloudWatch's dimension C(TargetGroup) wants it.
      type: str
      sample: targetgroup/greenleaf-prod-app/50dc6c495c0c9188
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.limits import refuse_out_of_range, refuse_unlike
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State

ARGUMENTS: State = {
    "name": {"type": "str", "required": True},
    "vpc_id": {"type": "str"},
    "protocol": {"type": "str", "choices": ["HTTP", "HTTPS"]},
    "port": {"type": "int"},
    "health_check_path": {"type": "str"},
    "health_check_interval": {"type": "int"},
    "health_check_timeout": {"type": "int"},
    "healthy_threshold": {"type": "int"},
    "unhealthy_threshold": {"type": "int"},
    "matcher": {"type": "str"},
    "deregistration_delay": {"type": "int"},
    "stickiness": {"type": "bool"},
    "stickiness_duration": {"type": "int"},
    "tags": {"type": "dict"},
}

# The module's name of a field, and ELBv2's (API reference 2015-12-01, TargetGroup).
FIELDS = {
    "vpc_id": "VpcId",
    "protocol": "Protocol",
    "port": "Port",
    "health_check_path": "HealthCheckPath",
    "health_check_interval": "HealthCheckIntervalSeconds",
    "health_check_timeout": "HealthCheckTimeoutSeconds",
    "healthy_threshold": "HealthyThresholdCount",
    "unhealthy_threshold": "UnhealthyThresholdCount",
    "matcher": "Matcher",
}

# Likewise of TargetGroupAttribute, whose values are all strings.
ATTRIBUTES = {
    "deregistration_delay": "deregistration_delay.timeout_seconds",
    "stickiness": "stickiness.enabled",
    "stickiness_duration": "stickiness.lb_cookie.duration_seconds",
}

LIMITS = {
    "port": (1, 65535),
    "health_check_interval": (5, 300),
    "health_check_timeout": (2, 120),
    "healthy_threshold": (2, 10),
    "unhealthy_threshold": (2, 10),
    "deregistration_delay": (0, 3600),
    "stickiness_duration": (1, 604800),
}


class TargetGroup(Resource):
    immutable = frozenset({"vpc_id", "protocol", "port"})

    def __init__(self, module: t.Any) -> None:
        self.client = client(module, "elbv2")
        self.params = module.params
        self.name: str = module.params["name"]
        self.arn = ""

    @property
    def label(self) -> str:
        return f"Target group {self.name}"

    def declared(self) -> State:
        return set_fields(self.params, [*FIELDS, *ATTRIBUTES, "tags"])

    def read(self) -> State | None:
        try:
            group = self.client.describe_target_groups(Names=[self.name], aws_retry=True)["TargetGroups"][0]
        except is_boto3_error_code("TargetGroupNotFound"):
            return None
        self.arn = group["TargetGroupArn"]
        return {
            **from_api(group),
            "arn": self.arn,
            "arn_suffix": self.arn.rsplit(":", 1)[1],
            **self._attributes(),
            **self._tags(),
        }

    def unknown(self) -> State:
        suffix = f"targetgroup/{self.name}/0000000000000000"
        meta = self.client.meta
        return {"arn": f"arn:{meta.partition}:elasticloadbalancing:{meta.region_name}:000000000000:{suffix}", "arn_suffix": suffix}

    def create(self) -> None:
        fields = set_fields(self.params, FIELDS)
        tags = {"Tags": tags_to(self.params["tags"])} if self.params["tags"] else {}
        try:
            self.client.create_target_group(Name=self.name, TargetType="instance", **to_api(fields), **tags, aws_retry=True)
        except is_boto3_error_code("DuplicateTargetGroupName"):
            pass  # made since it was looked for: it is adopted

    def update(self, changes: State) -> None:
        if fields := {name: value for name, value in changes.items() if name in FIELDS}:
            self.client.modify_target_group(TargetGroupArn=self.arn, **to_api(fields), aws_retry=True)
        if attributes := to_attributes(changes):
            self.client.modify_target_group_attributes(TargetGroupArn=self.arn, Attributes=attributes, aws_retry=True)
        if "tags" in changes:
            self.client.add_tags(ResourceArns=[self.arn], Tags=tags_to(changes["tags"]), aws_retry=True)

    def delete(self) -> None:
        self.client.delete_target_group(TargetGroupArn=self.arn, aws_retry=True)

    def _attributes(self) -> State:
        if not set_fields(self.params, ATTRIBUTES):
            return {}
        return from_attributes(self.client.describe_target_group_attributes(TargetGroupArn=self.arn, aws_retry=True)["Attributes"])

    def _tags(self) -> State:
        if self.params["tags"] is None:
            return {}
        return {"tags": tags_from(self.client.describe_tags(ResourceArns=[self.arn], aws_retry=True)["TagDescriptions"][0]["Tags"])}


def refuse(module: t.Any) -> None:
    """Fail on what AWS would not take."""
    refuse_unlike(
        module, "name", r"(?!.*--)(?!-)[A-Za-z0-9-]{1,32}(?<!-)", "1 to 32 letters, digits and single hyphens, none of them first or last"
    )
    refuse_unlike(module, "health_check_path", r"/.{0,1023}", "a path that begins with a slash, of 1024 characters at most")
    refuse_unlike(module, "matcher", r"[2-4]\d\d([,-][2-4]\d\d)*", "status codes from 200 to 499, such as 200,202 or 200-299")
    refuse_out_of_range(module, LIMITS)
    interval, timeout = module.params["health_check_interval"], module.params["health_check_timeout"]
    if interval and timeout and timeout >= interval:
        module.fail_json(msg=f"health_check_timeout is {timeout}: set it to less than health_check_interval, which is {interval}.")


def from_api(group: State) -> State:
    """The fields of a TargetGroup."""
    return {name: group.get(api_name) for name, api_name in FIELDS.items()} | {"matcher": group.get("Matcher", {}).get("HttpCode")}


def to_api(fields: State) -> State:
    """CreateTargetGroup's or ModifyTargetGroup's parameters."""
    request = {FIELDS[name]: value for name, value in fields.items()}
    return request | ({"Matcher": {"HttpCode": fields["matcher"]}} if "matcher" in fields else {})


def from_attributes(attributes: list[dict[str, str]]) -> State:
    """The fields that are kept as TargetGroupAttributes."""
    values = {attribute["Key"]: attribute["Value"] for attribute in attributes}
    return {
        "deregistration_delay": int(values[ATTRIBUTES["deregistration_delay"]]),
        "stickiness": values[ATTRIBUTES["stickiness"]] == "true" and values.get("stickiness.type") == "lb_cookie",
        "stickiness_duration": int(values.get(ATTRIBUTES["stickiness_duration"], 86400)),
    }


def to_attributes(fields: State) -> list[dict[str, str]]:
    """The TargetGroupAttributes of those of `fields` that are kept as such."""
    values = {ATTRIBUTES[name]: str(value).lower() for name, value in fields.items() if name in ATTRIBUTES}
    if fields.get("stickiness"):
        values["stickiness.type"] = "lb_cookie"
    return [{"Key": key, "Value": value} for key, value in values.items()]


def build(module: t.Any) -> TargetGroup:
    refuse(module)
    return TargetGroup(module)


def main() -> None:
    run(build, ARGUMENTS, required_if=[("state", "present", ("vpc_id", "protocol", "port"))])


if __name__ == "__main__":
    main()
