#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: autoscaling_group
short_description: Keep an Auto Scaling group in its declared state, with hooks, policies and instance refresh
version_added: 0.1.0
description:
  - Creates, updates or deletes an Auto Scaling group that launches from a launch template.
  - Unlike M(amazon.aws.autoscaling_group) it is true in check mode, and gives a new group its lifecycle hooks
    before the first instance is launched.
  - A new launch template on a group with instances starts an instance refresh. AWS itself updates the group
    when the refresh succeeds, so that a rollback returns to the template that worked.
  - A refresh to the declared template that is under way is left to its course. One to another template is cancelled first,
    without waiting for instances in transition, with a warning. One that is being cancelled or rolled back by someone else is an error.
    One to the declared template that failed, was cancelled or was rolled back is started again, with a warning that gives its reason.
  - Waits for nothing but the end of a refresh that it cancels, 5 minutes at the most; M(greenleaf.cloud.wait_for) waits for the rest.
  - Only what is declared is compared and changed. An option that is left out keeps the value it has, or gets AWS's default at creation.
  - Needs C(autoscaling:DescribeAutoScalingGroups), C(autoscaling:DescribeInstanceRefreshes), C(autoscaling:DescribeLifecycleHooks),
    C(autoscaling:DescribePolicies), C(autoscaling:CreateAutoScalingGroup), C(autoscaling:UpdateAutoScalingGroup),
    C(autoscaling:CreateOrUpdateTags), C(autoscaling:AttachLoadBalancerTargetGroups), C(autoscaling:DetachLoadBalancerTargetGroups),
    C(autoscaling:EnableMetricsCollection), C(autoscaling:DisableMetricsCollection), C(autoscaling:PutLifecycleHook),
    C(autoscaling:PutScalingPolicy), C(autoscaling:StartInstanceRefresh), C(autoscaling:CancelInstanceRefresh),
    C(autoscaling:DeleteAutoScalingGroup), C(ec2:RunInstances) and C(ec2:CreateTags) for what the template launches,
    C(iam:PassRole) for its instance profile and, for the first group of an account, C(iam:CreateServiceLinkedRole).
requirements:
  - boto3 >= 1.41.0, to cancel an instance refresh
options:
  name:
    description: Name, unique in the region; at most 255 printable ASCII characters without spaces and colons.
    type: str
    required: true
  state:
    description:
      - Whether the group is there.
      - V(absent) asks for the deletion of the group and its instances, and does not wait for it.
    type: str
    choices: [present, absent]
    default: present
  launch_template:
    description: Launch template that new instances are launched from. Required to create the group.
    type: dict
    suboptions:
      id:
        description: Id of the launch template; this or its name.
        type: str
      name:
        description: Name of the launch template.
        type: str
      version:
        description: Number of its version (from 1).
        type: int
        required: true
  min_size:
    description: Least number of instances. Required to create the group.
    type: int
  max_size:
    description: Greatest number of instances, at least O(min_size). Required to create the group.
    type: int
  desired_capacity:
    description:
      - Number of instances at creation, from O(min_size) (which is the default) to O(max_size).
      - Scaling moves it later, so it is never compared or changed on a group that exists.
    type: int
  subnet_ids:
    description: Subnets of the instances, all of them. Required to create the group.
    type: list
    elements: str
  target_group_arns:
    description: Target groups that instances are registered with, all of them; an empty list for none.
    type: list
    elements: str
  health_check_type:
    description: Whether a failed check of the load balancer, too, makes an instance unhealthy (AWS's default is V(EC2)).
    type: str
    choices: [EC2, ELB]
  health_check_grace_period:
    description: Seconds after an instance is in service during which failed checks do not count (0 or more; AWS's default is 0).
    type: int
  default_instance_warmup:
    description: Seconds until a new instance counts in scaling and refreshes (0 or more); V(-1) for none, which is AWS's default.
    type: int
  max_instance_lifetime:
    description: Seconds after which an instance is replaced (86400 to 31536000); V(0) for never, which is AWS's default.
    type: int
  metrics:
    description: Metrics that the group sends to CloudWatch every minute, all of them; an empty list for none.
    type: list
    elements: str
    choices:
      - GroupMinSize
      - GroupMaxSize
      - GroupDesiredCapacity
      - GroupInServiceInstances
      - GroupPendingInstances
      - GroupStandbyInstances
      - GroupTerminatingInstances
      - GroupTotalInstances
      - GroupInServiceCapacity
      - GroupPendingCapacity
      - GroupStandbyCapacity
      - GroupTerminatingCapacity
      - GroupTotalCapacity
  lifecycle_hooks:
    description: Lifecycle hooks that the group has to have. Others that it has are left alone.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name, unique in the group; at most 255 letters, digits, hyphens, underscores and slashes.
        type: str
        required: true
      transition:
        description: When it holds an instance.
        type: str
        choices: ["autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"]
        required: true
      heartbeat_timeout:
        description: Seconds until O(lifecycle_hooks[].default_result) applies (30 to 7200; AWS's default is 3600).
        type: int
      default_result:
        description: What becomes of an instance whose time is over (AWS's default is V(ABANDON)).
        type: str
        choices: [ABANDON, CONTINUE]
  target_tracking:
    description: Target tracking policies that the group has to have. Others that it has are left alone.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name, unique in the group.
        type: str
        required: true
      predefined_metric:
        description: Metric that is held at the target.
        type: str
        choices: [ASGAverageCPUUtilization, ASGAverageNetworkIn, ASGAverageNetworkOut]
        required: true
      target_value:
        description: Its target, more than 0; percent for the CPU, bytes a minute for the network.
        type: float
        required: true
  termination_policies:
    description: How the instance to terminate is chosen, in order (AWS's default is V(Default) alone).
    type: list
    elements: str
  instance_refresh:
    description:
      - How instances are replaced when O(launch_template) changes; an empty dictionary for AWS's defaults.
      - Without it, or while the desired capacity is 0, the template is changed for instances to come only.
    type: dict
    suboptions:
      min_healthy_percentage:
        description: Part of the desired capacity that stays in service (0 to 100; AWS's default is 90).
        type: int
      instance_warmup:
        description: Seconds to wait after each replacement (0 or more; AWS's default is O(default_instance_warmup)).
        type: int
      auto_rollback:
        description: Whether a refresh that fails is rolled back (AWS's default is V(false)).
        type: bool
      skip_matching:
        description: Whether instances that already match are kept (AWS's default is V(false)).
        type: bool
  tags:
    description: Tags that the group and the instances it launches have to carry. Others that the group carries are left alone.
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
- name: Run two to four nodes behind the load balancer
  greenleaf.cloud.autoscaling_group:
    name: greenleaf-prod-app
    launch_template:
      id: lt-0123456789abcdef0
      version: 7
    min_size: 2
    max_size: 4
    subnet_ids: [subnet-0123456789abcdef0, subnet-0fedcba9876543210]
    target_group_arns:
      - arn:aws:elasticloadbalancing:eu-west-3:123456789012:targetgroup/greenleaf-prod-app/50dc6c495c0c9188
    health_check_type: ELB
    health_check_grace_period: 300
    target_tracking:
      - name: cpu
        predefined_metric: ASGAverageCPUUtilization
        target_value: 60
    instance_refresh:
      min_healthy_percentage: 50
      auto_rollback: true
    tags:
      Name: greenleaf-prod-app

- name: Keep one NAT instance, in service only once it has said so
  greenleaf.cloud.autoscaling_group:
    name: greenleaf-prod-nat-eu-west-3a
    launch_template:
      name: greenleaf-prod-nat-eu-west-3a
      version: 1
    min_size: 1
    max_size: 1
    subnet_ids: [subnet-0123456789abcdef0]
    max_instance_lifetime: 1209600
    lifecycle_hooks:
      - name: routes
        transition: autoscaling:EC2_INSTANCE_LAUNCHING
        heartbeat_timeout: 300
        default_result: ABANDON
"""

RETURN = r"""
resource:
  description:
    - The group after the run, with the declared options beside what follows; empty once its deletion is asked for.
    - RV(resource.lifecycle_hooks) and RV(resource.target_tracking) are dictionaries by name.
  returned: success
  type: dict
  contains:
    arn:
      description: Its ARN; a placeholder in check mode while it does not exist.
      type: str
      sample: arn:aws:autoscaling:eu-west-3:123456789012:autoScalingGroup:93d6c1f2-0000-4000-8000-0a1b2c3d4e5f:autoScalingGroupName/app
    name:
      description: Its name.
      type: str
      sample: greenleaf-prod-app
    min_size:
      description: Least number of instances.
      type: int
      sample: 2
    max_size:
      description: Greatest number of instances.
      type: int
      sample: 4
    desired_capacity:
      description: Number of instances that it has or is about to have.
      type: int
      sample: 2
    launch_template:
      description: Its launch template, or the one that an instance refresh under way leads to.
      type: dict
      sample: {id: lt-0123456789abcdef0, name: greenleaf-prod-app, version: 7}
    lifecycle_hooks:
      description: Its lifecycle hooks by name, where O(lifecycle_hooks) is set.
      type: dict
      sample: {routes: {transition: "autoscaling:EC2_INSTANCE_LAUNCHING", heartbeat_timeout: 300, default_result: ABANDON}}
    target_tracking:
      description: Its target tracking policies by name, where O(target_tracking) is set.
      type: dict
      sample: {cpu: {predefined_metric: ASGAverageCPUUtilization, target_value: 60.0}}
    instances:
      description: Its instances.
      type: list
      elements: dict
      contains:
        id:
          description: Id of the instance.
          type: str
          sample: i-0123456789abcdef0
        zone:
          description: Its availability zone.
          type: str
          sample: eu-west-3a
        lifecycle_state:
          description: Its lifecycle state.
          type: str
          sample: InService
        health_status:
          description: Its health.
          type: str
          sample: Healthy
        launch_template_version:
          description: Version of the launch template that it was launched from.
          type: int
          sample: 7
    refresh:
      description: The last instance refresh; empty where there was none.
      type: dict
      contains:
        id:
          description: Id of the refresh.
          type: str
          sample: 08b91cf7-8fa6-48af-b6a6-d227f40f1b9b
        status:
          description: Its status.
          type: str
          sample: InProgress
        status_reason:
          description: Why it has that status, where AWS says so.
          type: str
          sample: null
        percentage:
          description: Part that is done, of 100.
          type: int
          sample: 50
"""

import itertools
import re
import typing as t

from ansible_collections.greenleaf.cloud.plugins.module_utils.autoscaling_group import AutoScalingGroup
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import run
from ansible_collections.greenleaf.cloud.plugins.module_utils.limits import refuse_out_of_range, refuse_unlike
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import State

METRICS = [
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
    "GroupInServiceCapacity",
    "GroupPendingCapacity",
    "GroupStandbyCapacity",
    "GroupTerminatingCapacity",
    "GroupTotalCapacity",
]
TRANSITIONS = ["autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"]
TRACKED = ["ASGAverageCPUUtilization", "ASGAverageNetworkIn", "ASGAverageNetworkOut"]

DAY = 86400
MANY = 2**31 - 1

ARGUMENTS: State = {
    "name": {"type": "str", "required": True},
    "launch_template": {
        "type": "dict",
        "options": {"id": {"type": "str"}, "name": {"type": "str"}, "version": {"type": "int", "required": True}},
        "mutually_exclusive": [("id", "name")],
        "required_one_of": [("id", "name")],
    },
    "min_size": {"type": "int"},
    "max_size": {"type": "int"},
    "desired_capacity": {"type": "int"},
    "subnet_ids": {"type": "list", "elements": "str"},
    "target_group_arns": {"type": "list", "elements": "str"},
    "health_check_type": {"type": "str", "choices": ["EC2", "ELB"]},
    "health_check_grace_period": {"type": "int"},
    "default_instance_warmup": {"type": "int"},
    "max_instance_lifetime": {"type": "int"},
    "metrics": {"type": "list", "elements": "str", "choices": METRICS},
    "lifecycle_hooks": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "transition": {"type": "str", "choices": TRANSITIONS, "required": True},
            "heartbeat_timeout": {"type": "int"},
            "default_result": {"type": "str", "choices": ["ABANDON", "CONTINUE"]},
        },
    },
    "target_tracking": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str", "required": True},
            "predefined_metric": {"type": "str", "choices": TRACKED, "required": True},
            "target_value": {"type": "float", "required": True},
        },
    },
    "termination_policies": {"type": "list", "elements": "str"},
    "instance_refresh": {
        "type": "dict",
        "options": {
            "min_healthy_percentage": {"type": "int"},
            "instance_warmup": {"type": "int"},
            "auto_rollback": {"type": "bool"},
            "skip_matching": {"type": "bool"},
        },
    },
    "tags": {"type": "dict"},
}


def refuse(module: t.Any) -> None:
    """Fail on what AWS would not take."""
    params = module.params
    refuse_unlike(module, "name", r"[!-9;-~]{1,255}", "1 to 255 printable ASCII characters without spaces and colons")
    refuse_out_of_range(
        module,
        {
            "min_size": (0, MANY),
            "max_size": (0, MANY),
            "desired_capacity": (0, MANY),
            "health_check_grace_period": (0, MANY),
            "default_instance_warmup": (-1, MANY),
        },
    )
    sizes = [(name, params[name]) for name in ("min_size", "desired_capacity", "max_size") if params[name] is not None]
    for (lesser, low), (greater, high) in itertools.pairwise(sizes):
        if low > high:
            module.fail_json(msg=f"{lesser} is {low}, more than {greater}, which is {high}: lower it, or raise {greater}.")
    if params["max_instance_lifetime"] and not DAY <= params["max_instance_lifetime"] <= 365 * DAY:
        module.fail_json(msg=f"max_instance_lifetime is {params['max_instance_lifetime']}: set it to 86400 to 31536000 seconds, or to 0.")
    for hook in params["lifecycle_hooks"] or []:
        if not re.fullmatch(r"[A-Za-z0-9\-_/]{1,255}", hook["name"]):
            module.fail_json(msg=f"lifecycle_hooks has the name {hook['name']!r}: use letters, digits, hyphens, underscores and slashes.")
        timeout = hook["heartbeat_timeout"]
        if timeout is not None and not 30 <= timeout <= 7200:
            module.fail_json(msg=f"heartbeat_timeout of the lifecycle hook {hook['name']} is {timeout}: set it to 30 to 7200.")
    for policy in params["target_tracking"] or []:
        if policy["target_value"] <= 0:
            module.fail_json(msg=f"target_value of the policy {policy['name']} is {policy['target_value']}: set it to more than 0.")
    refresh = params["instance_refresh"] or {}
    for name, greatest in {"min_healthy_percentage": 100, "instance_warmup": MANY}.items():
        if refresh.get(name) is not None and not 0 <= refresh[name] <= greatest:
            module.fail_json(msg=f"instance_refresh.{name} is {refresh[name]}: set it to 0 to {greatest}.")
    for name in ("lifecycle_hooks", "target_tracking"):
        names = [item["name"] for item in params[name] or []]
        if len(set(names)) < len(names):
            module.fail_json(msg=f"{name} has two items of one name: give each its own.")


def build(module: t.Any) -> AutoScalingGroup:
    refuse(module)
    return AutoScalingGroup(module)


def main() -> None:
    run(build, ARGUMENTS)


if __name__ == "__main__":
    main()
