#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticache_replication_group
short_description: Keep an ElastiCache replication group of Redis OSS or Valkey in its declared state
version_added: 0.1.0
description:
  - Creates, updates or deletes a replication group of one shard (cluster mode disabled), a single node or a primary with replicas.
  - Asks for a creation, a change or a deletion and does not wait for it; M(greenleaf.cloud.wait_for) does.
    Where one run needs several operations, which AWS takes one after another, it waits for all but the last of them.
  - Changes are applied at once, not in the maintenance window. A change that is needed while the group is not available is an error.
  - The AUTH token goes from Parameter Store to ElastiCache within the module and never through Ansible.
    A token that the group already has is never rotated.
  - Only what is declared is compared and changed. An option that is left out keeps the value it has, or gets AWS's default at creation.
  - Needs C(elasticache:DescribeReplicationGroups), C(elasticache:DescribeCacheClusters), C(elasticache:ListTagsForResource),
    C(elasticache:CreateReplicationGroup), C(elasticache:ModifyReplicationGroup), C(elasticache:IncreaseReplicaCount),
    C(elasticache:DecreaseReplicaCount), C(elasticache:AddTagsToResource), C(elasticache:DeleteReplicationGroup),
    C(elasticache:CreateSnapshot) for O(final_snapshot_id), C(ssm:GetParameter) and C(kms:Decrypt) for O(auth_token_parameter),
    and, for the first cache of an account, C(iam:CreateServiceLinkedRole).
options:
  id:
    description: Identifier, unique in the region; at most 40 lower-case letters, digits and single hyphens, a letter first, no hyphen last.
    type: str
    required: true
  state:
    description:
      - Whether the replication group is there.
      - V(absent) asks for its deletion, with all its data unless O(final_snapshot_id) is set.
    type: str
    choices: [present, absent]
    default: present
  description:
    description: What it is for. Required for O(state=present).
    type: str
  engine:
    description: Engine. V(redis) can become V(valkey) in place, not the other way. Required for O(state=present).
    type: str
    choices: [redis, valkey]
  engine_version:
    description:
      - Version, as far as it matters; V(7.1) is met by 7.1.0. AWS upgrades in place and never downgrades.
      - A newer minor version is left alone where the group upgrades itself (O(auto_minor_version_upgrade)).
    type: str
  node_type:
    description: Class of its nodes, such as V(cache.t3.micro). Required for O(state=present).
    type: str
  replicas:
    description: Number of replicas beside the primary (0 to 5; the default at creation is 0, a single node).
    type: int
  automatic_failover:
    description: Whether a replica takes over from a lost primary; wants O(replicas) of 1 or more (AWS's default is V(false)).
    type: bool
  multi_az:
    description: Whether replicas stand in other zones than the primary; wants O(automatic_failover) (AWS's default is V(false)).
    type: bool
  subnet_group_name:
    description: Cache subnet group. It cannot be changed later. Required to create a group with O(transit_encryption).
    type: str
  security_group_ids:
    description: Security groups of the nodes, all of them.
    type: list
    elements: str
  port:
    description: Port (1 to 65535; AWS's default is 6379). It cannot be changed later.
    type: int
  transit_encryption:
    description: Whether clients use TLS; a group that is created so takes nothing else. It cannot be changed later.
    type: bool
  at_rest_encryption:
    description: Whether data on disk and in snapshots is encrypted. It cannot be changed later.
    type: bool
  auth_token_parameter:
    description:
      - Full name of the SecureString in Parameter Store that holds the AUTH token, which clients then have to give.
      - Its value is 16 to 128 letters, digits and characters of C(!&#$^<>-). Wants O(transit_encryption).
      - On a group without a token it is first let in (ROTATE), then required (SET).
    type: str
  parameter_group_name:
    description: Cache parameter group (AWS's default is the engine version's own).
    type: str
  snapshot_retention_limit:
    description: Days that automatic snapshots are kept (0 to 35); V(0) for none, which is AWS's default.
    type: int
  snapshot_window:
    description: Time of the daily snapshot, UTC, 60 minutes or more, such as V(03:00-04:00).
    type: str
  maintenance_window:
    description: Weekly time of maintenance, UTC, 60 minutes or more, such as V(sun:04:30-sun:05:30).
    type: str
  auto_minor_version_upgrade:
    description: Whether AWS upgrades it to new minor versions in the maintenance window (AWS's default is V(true)).
    type: bool
  tags:
    description: Tags that the group has to carry. Others that it carries are left alone.
    type: dict
  final_snapshot_id:
    description: Name of the snapshot that is taken before the deletion, for O(state=absent).
    type: str
  timeout:
    description: Seconds to wait at the most for one of several operations before the next.
    type: int
    default: 1800
attributes:
  check_mode:
    support: full
    description: Tells what a run would change; writes nothing, and does not read the AUTH token.
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
- name: Keep sessions and events in a single encrypted node
  greenleaf.cloud.elasticache_replication_group:
    id: greenleaf-prod
    description: Sessions, events and cache of the shop
    engine: redis
    engine_version: "7.1"
    node_type: cache.t3.micro
    subnet_group_name: greenleaf-prod
    security_group_ids: [sg-0123456789abcdef0]
    transit_encryption: true
    at_rest_encryption: true
    auth_token_parameter: /greenleaf/prod/redis/auth_token
    snapshot_retention_limit: 7
    tags:
      Environment: prod

- name: Delete it, and keep a snapshot
  greenleaf.cloud.elasticache_replication_group:
    id: greenleaf-prod
    state: absent
    final_snapshot_id: greenleaf-prod-final
"""

RETURN = r"""
resource:
  description: The group after the run, with the declared options beside what follows; empty once its deletion is asked for.
  returned: success
  type: dict
  contains:
    id:
      description: Its identifier.
      type: str
      sample: greenleaf-prod
    arn:
      description: Its ARN; a placeholder in check mode while it does not exist.
      type: str
      sample: arn:aws:elasticache:eu-west-3:123456789012:replicationgroup:greenleaf-prod
    status:
      description: Its status.
      type: str
      sample: creating
    auth_token:
      description: Whether it has an AUTH token.
      type: bool
      sample: true
    primary_endpoint:
      description: Where to write; null while it is created, a placeholder in check mode while it does not exist.
      type: dict
      contains:
        address:
          description: DNS name.
          type: str
          sample: master.greenleaf-prod.abc123.euw3.cache.amazonaws.com
        port:
          description: Port.
          type: int
          sample: 6379
    reader_endpoint:
      description: Where to read; likewise.
      type: dict
      contains:
        address:
          description: DNS name.
          type: str
          sample: replica.greenleaf-prod.abc123.euw3.cache.amazonaws.com
        port:
          description: Port.
          type: int
          sample: 6379
"""

import typing as t

from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import run
from ansible_collections.greenleaf.cloud.plugins.module_utils.elasticache_replication_group import ReplicationGroup
from ansible_collections.greenleaf.cloud.plugins.module_utils.limits import refuse_out_of_range, refuse_unlike
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import State

ARGUMENTS: State = {
    "id": {"type": "str", "required": True},
    "description": {"type": "str"},
    "engine": {"type": "str", "choices": ["redis", "valkey"]},
    "engine_version": {"type": "str"},
    "node_type": {"type": "str"},
    "replicas": {"type": "int"},
    "automatic_failover": {"type": "bool"},
    "multi_az": {"type": "bool"},
    "subnet_group_name": {"type": "str"},
    "security_group_ids": {"type": "list", "elements": "str"},
    "port": {"type": "int"},
    "transit_encryption": {"type": "bool"},
    "at_rest_encryption": {"type": "bool"},
    "auth_token_parameter": {"type": "str", "no_log": False},
    "parameter_group_name": {"type": "str"},
    "snapshot_retention_limit": {"type": "int"},
    "snapshot_window": {"type": "str"},
    "maintenance_window": {"type": "str"},
    "auto_minor_version_upgrade": {"type": "bool"},
    "tags": {"type": "dict"},
    "final_snapshot_id": {"type": "str"},
    "timeout": {"type": "int", "default": 1800},
}

CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
DAY = r"(mon|tue|wed|thu|fri|sat|sun)"


def refuse(module: t.Any) -> None:
    """Fail on what AWS would not take."""
    params = module.params
    refuse_unlike(
        module,
        "id",
        r"(?!.*--)[a-z][a-z0-9-]{0,39}(?<!-)",
        "1 to 40 lower-case letters, digits and single hyphens, a letter first and no hyphen last",
    )
    refuse_unlike(module, "node_type", r"cache\.[a-z0-9]+\.[a-z0-9]+", "a class of cache node, such as cache.t3.micro")
    refuse_unlike(module, "engine_version", r"\d+(\.\d+|\.x)*", "a version such as 7.1")
    refuse_unlike(module, "snapshot_window", f"{CLOCK}-{CLOCK}", "times in UTC such as 03:00-04:00")
    refuse_unlike(module, "maintenance_window", f"{DAY}:{CLOCK}-{DAY}:{CLOCK}", "days and times in UTC such as sun:04:30-sun:05:30")
    refuse_out_of_range(module, {"replicas": (0, 5), "port": (1, 65535), "snapshot_retention_limit": (0, 35), "timeout": (0, 7200)})
    if params["automatic_failover"] and not params["replicas"]:
        module.fail_json(msg="automatic_failover wants a replica to fail over to: set replicas to 1 or more.")
    if params["multi_az"] and not params["automatic_failover"]:
        module.fail_json(msg="multi_az wants automatic_failover: set it, with replicas of 1 or more.")
    if params["auth_token_parameter"] and not params["transit_encryption"]:
        module.fail_json(msg="auth_token_parameter wants transit_encryption: AWS takes an AUTH token over TLS only.")


def build(module: t.Any) -> ReplicationGroup:
    refuse(module)
    return ReplicationGroup(module)


def main() -> None:
    run(build, ARGUMENTS, required_if=[("state", "present", ("description", "engine", "node_type"))])


if __name__ == "__main__":
    main()
