#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: stack_info
short_description: Read everything that an environment consists of, in few calls made in parallel
version_added: 0.1.0
description:
  - Finds what carries the tags C(Project) and C(Environment), and the few things that are found by their name
    (C(<project>-<environment>)), and returns it as one dictionary.
  - The number of calls does not grow with subnets, rules or instances, but for the pages of long lists.
  - Needs C(sts:GetCallerIdentity), C(ec2:DescribeVpcs), C(ec2:DescribeSubnets), C(ec2:DescribeInternetGateways),
    C(ec2:DescribeRouteTables), C(ec2:DescribeSecurityGroups), C(ec2:DescribeNetworkInterfaces), C(ec2:DescribeLaunchTemplates),
    C(ec2:DescribeInstances), C(ec2:DescribeSpotInstanceRequests), C(ec2:DescribeNatGateways),
    C(autoscaling:DescribeAutoScalingGroups), C(rds:DescribeDBInstances),
    C(elasticache:DescribeReplicationGroups), C(elasticloadbalancing:DescribeLoadBalancers),
    C(elasticloadbalancing:DescribeListeners), C(elasticloadbalancing:DescribeTargetGroups), C(ecr:DescribeRepositories),
    C(ssm:GetParameters), C(ssm:DescribeParameters) and C(tag:GetResources).
options:
  project:
    description: Value of the tag C(Project), and the start of every name.
    type: str
    required: true
  environment:
    description: Value of the tag C(Environment).
    type: str
    required: true
  components:
    description: The declared components, for O(foresee).
    type: list
    elements: str
    default: []
  vpc_cidr_block:
    description: The declared range of the VPC, for O(foresee).
    type: str
    default: ""
  zones:
    description: The declared availability zones, each with C(name) and, where it has a private subnet, C(private_cidr).
    type: list
    elements: dict
    default: []
  foresee:
    description:
      - Whether what O(components) will make, and other components ask for, gets a well-formed stand-in while it is missing, so that
        all that is wired from RV(stack) can be evaluated before anything exists.
      - Always so in check mode.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Reads only.
  diff_mode:
    support: none
    description: Reads only.
author: GreenLeaf (@greenleaf)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Observe prod
  greenleaf.cloud.stack_info:
    project: greenleaf
    environment: prod
  register: observed

- name: Show where the shop answers
  ansible.builtin.debug:
    var: observed.stack.load_balancer.dns_name
"""

RETURN = r"""
calls:
  description: How many API requests it took.
  returned: success
  type: int
  sample: 21
unknown:
  description: The stand-ins in RV(stack); what prints them says "known after apply" instead.
  returned: success
  type: list
  elements: str
  sample: [vpc-00000000000000000]
stack:
  description: The environment. What is missing is an empty string, list or dictionary.
  returned: success
  type: dict
  contains:
    account_id:
      description: The AWS account.
      type: str
      sample: "123456789012"
    partition:
      description: The AWS partition.
      type: str
      sample: aws
    region:
      description: The region.
      type: str
      sample: eu-west-3
    vpc:
      description: The VPC, with C(id) and C(cidr_block).
      type: dict
    zones:
      description:
        - The availability zones in use, by name, each with C(name), C(public_subnet_id), C(private_subnet_id),
          C(private_route_table_id), C(nat_network_interface_id) and C(nat_gateway_id).
      type: list
      elements: dict
    subnets:
      description: Subnet ids by tier, C(public) and C(private), in the order of their zones.
      type: dict
    internet_gateway_id:
      description: The internet gateway.
      type: str
    route_tables:
      description: Route table ids by name, C(public) and C(private-<zone>).
      type: dict
    security_groups:
      description: Security group ids by name.
      type: dict
    network_interfaces:
      description: Ids of the static network interfaces by name, C(nat-<zone>).
      type: dict
    nat_gateways:
      description: NAT gateway ids by name, C(nat-<zone>).
      type: dict
    launch_templates:
      description: Launch templates by name, each with C(id) and C(version), its latest.
      type: dict
    instances:
      description: Machines that are not terminated, each with C(id), C(name), C(component), C(state), C(zone) and addresses.
      type: list
      elements: dict
    autoscaling_groups:
      description: Auto Scaling groups by name, each with C(name), its sizes and C(in_service), the number of its healthy machines.
      type: dict
    rds:
      description: The database, with C(id), C(status), C(address) and C(port).
      type: dict
    elasticache:
      description: The cache, with C(id), C(status), and C(address) and C(port) of its primary.
      type: dict
    load_balancer:
      description: The load balancer, with C(arn), C(arn_suffix), C(dns_name), C(zone_id), C(status) and C(listeners), ARNs by port.
      type: dict
    target_group:
      description: The target group, with C(arn) and C(arn_suffix).
      type: dict
    repositories:
      description: Repository URIs by name.
      type: dict
    image_ids:
      description: The newest Amazon Linux 2023 AMI by architecture, C(x86_64) and C(arm64).
      type: dict
    parameters:
      description: Names of the SSM parameters below C(/<project>/<environment>).
      type: list
      elements: str
    resources:
      description:
        - Everything that carries the environment's tags, each with C(arn), C(type) and C(component).
        - AWS tells the tags of IAM roles and instance profiles nowhere in bulk; they are not among it.
      type: list
      elements: dict
    shared_resources:
      description: The same for what all environments share.
      type: list
      elements: dict
    resource_counts:
      description: How many resources of each type there are, shared ones included.
      type: dict
      sample: {ec2:subnet: 4, rds:db: 1}
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils import stack as stacks
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client

try:
    import botocore.exceptions
except ImportError:
    pass  # AnsibleAWSModule says what is missing


def error_code(error: Exception) -> str:
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "project": {"type": "str", "required": True},
            "environment": {"type": "str", "required": True},
            "components": {"type": "list", "elements": "str", "default": []},
            "vpc_cidr_block": {"type": "str", "default": ""},
            "zones": {"type": "list", "elements": "dict", "default": []},
            "foresee": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    params: dict[str, t.Any] = module.params
    try:
        sts = client(module, "sts")
        caller = sts.get_caller_identity(aws_retry=True)
        scope = stacks.Scope(
            params["project"],
            params["environment"],
            sts.meta.region_name,
            caller["Account"],
            caller["Arn"].split(":")[1],
        )
        answers, calls = stacks.observe(lambda service: client(module, service), stacks.reads(scope), error_code)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        module.fail_json_aws(error, msg=f"Failed to observe {params['project']}-{params['environment']}")
    if extra := stacks.duplicates(answers):
        module.fail_json(
            msg=f"{len(extra)} VPCs carry the tags of {scope.name}: {', '.join(extra)}. Delete the one that is empty, then run again: "
            "a creation whose answer was lost can leave a second one."
        )
    stack = stacks.assemble(answers, scope)
    foreseen = params["foresee"] or module.check_mode
    unknown = stacks.foresee(stack, scope, params["components"], params["vpc_cidr_block"], params["zones"]) if foreseen else []
    module.exit_json(changed=False, stack=stack, unknown=unknown, calls=calls + 1)


if __name__ == "__main__":
    main()
