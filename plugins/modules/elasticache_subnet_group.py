#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: elasticache_subnet_group
short_description: Keep an ElastiCache subnet group in its declared state
version_added: 0.1.0
description:
  - Creates, updates or deletes a cache subnet group.
  - Unlike M(community.aws.elasticache_subnet_group) it tags the group, and shows what differs.
  - Needs C(elasticache:DescribeCacheSubnetGroups), C(elasticache:ListTagsForResource), C(elasticache:CreateCacheSubnetGroup),
    C(elasticache:ModifyCacheSubnetGroup), C(elasticache:DeleteCacheSubnetGroup) and C(elasticache:AddTagsToResource).
options:
  name:
    description: Name of the group, at most 255 lower-case letters, digits and hyphens.
    type: str
    required: true
  description:
    description: What the group is for; its name unless set.
    type: str
  subnet_ids:
    description: Subnets of the group; required where O(state=present).
    type: list
    elements: str
  tags:
    description: Tags that the group carries; others are left alone.
    type: dict
  state:
    description: Whether the group is there.
    type: str
    choices: [present, absent]
    default: present
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
- name: Spread the cache over the private subnets
  greenleaf.cloud.elasticache_subnet_group:
    name: greenleaf-prod
    subnet_ids: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
"""

RETURN = r"""
resource:
  description: The group after the run; empty once it is deleted.
  returned: success
  type: dict
  contains:
    arn:
      description: Its ARN; a stand-in in check mode while it does not exist.
      type: str
      sample: arn:aws:elasticache:eu-west-3:123456789012:subnetgroup:greenleaf-prod
    vpc_id:
      description: The VPC of its subnets.
      type: str
      sample: vpc-0123456789abcdef0
"""

import re
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State


class CacheSubnetGroup(Resource):
    def __init__(self, elasticache: t.Any, params: State) -> None:
        self.elasticache = elasticache
        self.params = params
        self.name: str = params["name"]
        self.arn = ""

    @property
    def label(self) -> str:
        return f"Cache subnet group {self.name}"

    def declared(self) -> State:
        fields = set_fields(self.params, ["description", "subnet_ids", "tags"])
        return fields | ({"subnet_ids": sorted(fields["subnet_ids"])} if "subnet_ids" in fields else {})

    def read(self) -> State | None:
        try:
            found = self.elasticache.describe_cache_subnet_groups(CacheSubnetGroupName=self.name, aws_retry=True)["CacheSubnetGroups"][0]
        except is_boto3_error_code(["CacheSubnetGroupNotFoundFault", "CacheSubnetGroupNotFound"]):
            return None
        self.arn = found["ARN"]
        tags = self.elasticache.list_tags_for_resource(ResourceName=self.arn, aws_retry=True)["TagList"] if self.params["tags"] else []
        return {
            "arn": self.arn,
            "vpc_id": found["VpcId"],
            "description": found["CacheSubnetGroupDescription"],
            "subnet_ids": sorted(subnet["SubnetIdentifier"] for subnet in found["Subnets"]),
            "tags": tags_from(tags),
        }

    def unknown(self) -> State:
        meta = self.elasticache.meta
        return {"arn": f"arn:{meta.partition}:elasticache:{meta.region_name}:000000000000:subnetgroup:{self.name}", "vpc_id": ""}

    def create(self) -> None:
        try:
            self.elasticache.create_cache_subnet_group(
                CacheSubnetGroupName=self.name,
                CacheSubnetGroupDescription=self.params["description"] or self.name,
                SubnetIds=self.params["subnet_ids"],
                Tags=tags_to(self.params["tags"] or {}),
                aws_retry=True,
            )
        except is_boto3_error_code("CacheSubnetGroupAlreadyExists"):
            pass  # made since it was looked for: it is adopted

    def update(self, changes: State) -> None:
        names = {"description": "CacheSubnetGroupDescription", "subnet_ids": "SubnetIds"}
        if request := {names[field]: value for field, value in changes.items() if field in names}:
            self.elasticache.modify_cache_subnet_group(CacheSubnetGroupName=self.name, **request, aws_retry=True)
        if "tags" in changes:
            self.elasticache.add_tags_to_resource(ResourceName=self.arn, Tags=tags_to(changes["tags"]), aws_retry=True)

    def delete(self) -> None:
        self.elasticache.delete_cache_subnet_group(CacheSubnetGroupName=self.name, aws_retry=True)


def build(module: AnsibleAWSModule) -> Resource:
    if not re.fullmatch(r"[a-z0-9-]{1,255}", module.params["name"]):
        module.fail_json(msg=f"name is {module.params['name']}: ElastiCache takes 1 to 255 lower-case letters, digits and hyphens.")
    return CacheSubnetGroup(client(module, "elasticache"), module.params)


def main() -> None:
    run(
        build,
        {
            "name": {"type": "str", "required": True},
            "description": {"type": "str"},
            "subnet_ids": {"type": "list", "elements": "str"},
            "tags": {"type": "dict"},
        },
        required_if=[("state", "present", ("subnet_ids",))],
    )


if __name__ == "__main__":
    main()
