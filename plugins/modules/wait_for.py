#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: wait_for
short_description: Wait until a slow AWS resource is ready or gone, and tell every half minute
version_added: 0.1.0
description:
  - Databases, caches, load balancers and groups of machines take minutes. Ask for them without waiting, do something else,
    and join them here.
  - Tells every half minute what is waited for, its state, and since when.
  - Needs C(rds:DescribeDBInstances), C(elasticache:DescribeReplicationGroups), C(elasticloadbalancing:DescribeLoadBalancers),
    C(autoscaling:DescribeAutoScalingGroups), C(autoscaling:DescribeInstanceRefreshes) or C(ec2:DescribeNatGateways),
    the one of O(kind).
options:
  kind:
    description:
      - What is waited for.
      - V(db_instance), V(replication_group) and V(nat_gateway) are ready when they can be used, V(load_balancer) when it is active;
        a V(db_instance) that was stopped on purpose counts as ready, too.
      - V(autoscaling_group) is ready when its desired number of machines is in service.
      - V(instance_refresh) is ready when no instance refresh of the group is under way; one that failed or was rolled back is an error.
        It cannot be waited for with O(state=absent).
    type: str
    required: true
    choices: [db_instance, replication_group, load_balancer, autoscaling_group, instance_refresh, nat_gateway]
  name:
    description: Its identifier or name; the group's name for V(instance_refresh), an id for V(nat_gateway).
    type: str
    required: true
  state:
    description: Whether to wait until it is ready or until it is gone.
    type: str
    choices: [ready, absent]
    default: ready
  timeout:
    description: Seconds to wait at the most.
    type: int
    default: 1800
  patience:
    description: Seconds between two lines that tell how it stands.
    type: int
    default: 30
attributes:
  check_mode:
    support: full
    description: Waits for nothing, since nothing was asked for.
  diff_mode:
    support: none
    description: Changes nothing.
  action:
    support: full
    description: Runs on the controller, which can tell while it waits.
author: GreenLeaf (@greenleaf)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Wait for the database
  greenleaf.cloud.wait_for:
    kind: db_instance
    name: greenleaf-prod
    timeout: 2400
"""

RETURN = r"""
status:
  description: The last state that AWS told; empty for what is gone.
  returned: success
  type: str
  sample: available
waited:
  description: Seconds that were waited.
  returned: success
  type: int
  sample: 620
"""

import time
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client
from ansible_collections.greenleaf.cloud.plugins.module_utils.waiting import KINDS, Status

try:
    import botocore.exceptions
except ImportError:
    pass  # AnsibleAWSModule says what is missing

INTERVAL = 5  # seconds between two looks
GONE = Status("")


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "kind": {"type": "str", "required": True, "choices": sorted(KINDS)},
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["ready", "absent"], "default": "ready"},
            "timeout": {"type": "int", "default": 1800},
            "patience": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    params: dict[str, t.Any] = module.params
    if module.check_mode:
        module.exit_json(changed=False, done=True, status="", waited=0)
    kind = KINDS[params["kind"]]
    absent = params["state"] == "absent"
    if absent and params["kind"] == "instance_refresh":
        module.fail_json(msg="state is absent, and an instance refresh that has ended stays listed: use ready.")
    until = time.monotonic() + min(params["patience"], params["timeout"])
    try:
        api = client(module, kind.service)
        while True:
            status = kind.look(api, params["name"]) or GONE
            done = status is GONE if absent else status.ready
            failed = status.failed and not absent
            if done or failed or time.monotonic() + INTERVAL > until:
                break
            time.sleep(INTERVAL)
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        module.fail_json_aws(error, msg=f"Failed to look at {kind.label} {params['name']}")
    if failed:
        module.fail_json(msg=f"{kind.label} {params['name']} is {status.text}: {status.mend.removesuffix('.')}.", status=status.text)
    module.exit_json(changed=False, done=done, status=status.text, label=kind.label, timeout=params["timeout"])


if __name__ == "__main__":
    main()
