#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: offerings_info
short_description: Ask AWS whether what is about to be ordered exists
version_added: 0.1.0
description:
  - Tells the region's availability zones, in which of them instance types are offered, and which database and cache sizes and
    versions can be ordered, so that a misspelt one is refused before anything is made.
  - Needs C(ec2:DescribeAvailabilityZones), C(ec2:DescribeInstanceTypeOfferings), C(rds:DescribeOrderableDBInstanceOptions),
    C(elasticache:DescribeCacheEngineVersions) and C(elasticache:DescribeReservedCacheNodesOfferings).
options:
  instance_types:
    description: EC2 instance types.
    type: list
    elements: str
    default: []
  db_instance_classes:
    description: RDS instance classes.
    type: list
    elements: str
    default: []
  db_engine:
    description: RDS engine.
    type: str
    default: postgres
  cache_node_types:
    description: ElastiCache node types.
    type: list
    elements: str
    default: []
  cache_engine:
    description: ElastiCache engine.
    type: str
    default: redis
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
- name: Ask where t3.nano can be had
  greenleaf.cloud.offerings_info:
    instance_types: [t3.nano]
"""

RETURN = r"""
zones:
  description: Availability zones of the region that are open to the account.
  returned: success
  type: list
  elements: str
  sample: [eu-west-3a, eu-west-3b, eu-west-3c]
instance_types:
  description: Zones that offer each asked type; an empty list for a type that does not exist.
  returned: success
  type: dict
  sample: {t3.nano: [eu-west-3a, eu-west-3b, eu-west-3c]}
db_instance_classes:
  description:
    - What can be ordered of each asked class, by engine version, each with C(zones) and C(multi_az).
    - Empty for a class that does not exist.
  returned: success
  type: dict
  sample: {db.t3.medium: {"15.8": {zones: [eu-west-3a, eu-west-3b], multi_az: true}}}
cache_engine_versions:
  description: Versions of the asked cache engine; empty unless a node type was asked for.
  returned: success
  type: list
  elements: str
  sample: ["7.0", "7.1"]
cache_node_types:
  description: Whether each asked node type exists.
  returned: success
  type: dict
  sample: {cache.t3.micro: true}
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, paginated

try:
    import botocore.exceptions
except ImportError:
    pass  # AnsibleAWSModule says what is missing

Zones = list[str]


def zones(ec2: t.Any) -> Zones:
    answer = ec2.describe_availability_zones(Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}], aws_retry=True)
    return sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"] if zone["State"] == "available")


def instance_types(ec2: t.Any, names: list[str]) -> dict[str, Zones]:
    found: dict[str, Zones] = {name: [] for name in names}
    if names:
        wanted = [{"Name": "instance-type", "Values": names}]
        for offering in paginated(
            ec2, "describe_instance_type_offerings", "InstanceTypeOfferings", LocationType="availability-zone", Filters=wanted
        ):
            if offering["InstanceType"] in found:  # a filter takes wildcards, and an order does not
                found[offering["InstanceType"]].append(offering["Location"])
    return {name: sorted(where) for name, where in found.items()}


def db_instance_classes(rds: t.Any, engine: str, names: list[str]) -> dict[str, dict[str, t.Any]]:
    found: dict[str, dict[str, t.Any]] = {name: {} for name in names}
    for name in names:
        for option in orderable_db_instance_options(rds, engine, name):  # one for each version and kind of storage
            version = found[name].setdefault(option["EngineVersion"], {"zones": [], "multi_az": False})
            version["zones"] = sorted({*version["zones"], *(zone["Name"] for zone in option.get("AvailabilityZones", []))})
            version["multi_az"] = version["multi_az"] or option.get("MultiAZCapable", False)
    return found


def orderable_db_instance_options(rds: t.Any, engine: str, name: str) -> list[dict[str, t.Any]]:
    request = {"Engine": engine, "DBInstanceClass": name}
    try:
        return paginated(rds, "describe_orderable_db_instance_options", "OrderableDBInstanceOptions", **request)
    except is_boto3_error_code("InvalidParameterValue"):
        return []


def cache_engine_versions(elasticache: t.Any, engine: str) -> list[str]:
    versions = paginated(elasticache, "describe_cache_engine_versions", "CacheEngineVersions", Engine=engine)
    return sorted({version["EngineVersion"] for version in versions})


def cache_node_type(elasticache: t.Any, name: str) -> bool:
    try:
        return bool(elasticache.describe_reserved_cache_nodes_offerings(CacheNodeType=name, aws_retry=True)["ReservedCacheNodesOfferings"])
    except is_boto3_error_code("InvalidParameterValue"):
        return False


def main() -> None:
    module = AnsibleAWSModule(
        argument_spec={
            "instance_types": {"type": "list", "elements": "str", "default": []},
            "db_instance_classes": {"type": "list", "elements": "str", "default": []},
            "db_engine": {"type": "str", "default": "postgres"},
            "cache_node_types": {"type": "list", "elements": "str", "default": []},
            "cache_engine": {"type": "str", "default": "redis"},
        },
        supports_check_mode=True,
    )
    params: dict[str, t.Any] = module.params
    try:
        ec2 = client(module, "ec2")
        result: dict[str, t.Any] = {
            "zones": zones(ec2),
            "instance_types": instance_types(ec2, params["instance_types"]),
            "db_instance_classes": {},
            "cache_engine_versions": [],
            "cache_node_types": {},
        }
        if params["db_instance_classes"]:
            result["db_instance_classes"] = db_instance_classes(client(module, "rds"), params["db_engine"], params["db_instance_classes"])
        if params["cache_node_types"]:
            elasticache = client(module, "elasticache")
            result["cache_engine_versions"] = cache_engine_versions(elasticache, params["cache_engine"])
            result["cache_node_types"] = {name: cache_node_type(elasticache, name) for name in params["cache_node_types"]}
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        module.fail_json_aws(error, msg="Failed to ask what AWS offers")
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
