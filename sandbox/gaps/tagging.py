# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resource Groups Tagging (API reference 2017-01-26): kinds of resources that GetResources finds and moto leaves out or calls otherwise."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.ec2.models import EC2Backend
from moto.ecr.models import ECRBackend
from moto.elasticache.models import ElastiCacheBackend
from moto.elbv2.models import ELBv2Backend
from moto.logs.models import LogsBackend
from moto.rds.models import RDSBackend

from sandbox.patch import adds, wraps

Resources = c.Iterator[TaggedResource]

NAMES = {
    "ec2:spot-instance-request": "ec2:spot-instances-request",
    "elasticache:cache_clusters": "elasticache:cluster",
    "elasticache:cache_subnet_groups": "elasticache:subnetgroup",
    "elasticache:replication-group": "elasticache:replicationgroup",
    "elasticache:snapshots": "elasticache:snapshot",
    "elasticache:users": "elasticache:user",
    "logs:loggroup": "logs:log-group",
}


@wraps(EC2Backend, "iter_tagged_resources")
def _ec2(moto: t.Any, self: t.Any) -> Resources:
    """GetResources: elastic addresses, launch templates, network ACLs, key pairs and VPC endpoints too."""
    yield from _renamed(moto(self))
    more = {
        "elastic-ip": {address.allocation_id for address in self.addresses},
        "key-pair": {pair.id for pair in self.key_pairs.values()},
        "launch-template": self.launch_templates,
        "network-acl": self.network_acls,
        "vpc-endpoint": self.vpc_end_points,
    }
    for kind, identifiers in more.items():
        for identifier in identifiers:
            arn = f"arn:{self.partition}:ec2:{self.region_name}:{self.account_id}:{kind}/{identifier}"
            yield TaggedResource(arn, dict(self.tags.get(identifier, {})), f"ec2:{kind}")


@wraps(RDSBackend, "iter_tagged_resources")
def _rds(moto: t.Any, self: RDSBackend) -> Resources:
    """GetResources: subnet groups and parameter groups too."""
    yield from moto(self)
    for kind, groups in {"subgrp": self.subnet_groups, "pg": self.db_parameter_groups}.items():
        for group in t.cast(t.Any, groups).values():
            yield TaggedResource(group.arn, {tag["Key"]: tag["Value"] for tag in group.get_tags()}, f"rds:{kind}")


@wraps(ELBv2Backend, "iter_tagged_resources")
def _elbv2(moto: t.Any, self: ELBv2Backend) -> Resources:
    """GetResources: listeners and their rules too."""
    yield from moto(self)
    for balancer in self.load_balancers.values():
        for listener in balancer.listeners.values():
            for kind, arn in (("listener", listener.arn), *(("listener-rule", rule) for rule in listener.rules)):
                yield TaggedResource(arn, self.tagging_service.get_tag_dict_for_resource(arn), f"elasticloadbalancing:{kind}")


@wraps(ElastiCacheBackend, "iter_tagged_resources")
def _elasticache(moto: t.Any, self: ElastiCacheBackend) -> Resources:
    """GetResources: by AWS's names of the kinds."""
    return _renamed(moto(self))


@wraps(LogsBackend, "iter_tagged_resources")
def _logs(moto: t.Any, self: LogsBackend) -> Resources:
    """GetResources: by AWS's names of the kinds."""
    return _renamed(moto(self))


@adds(ECRBackend, "iter_tagged_resources")
def _ecr(self: ECRBackend) -> Resources:
    """GetResources: repositories."""
    for repository in self.repositories.values():
        yield TaggedResource(repository.arn, self.tagger.get_tag_dict_for_resource(repository.arn), "ecr:repository")


ECRBackend.SERVICE_NAMESPACE = "ecr"  # type: ignore[attr-defined]
ECRBackend.__bases__ = (*ECRBackend.__bases__, TaggableResourcesMixin)


def _renamed(resources: Resources) -> Resources:
    for resource in resources:
        yield dataclasses.replace(resource, resource_type=NAMES.get(resource.resource_type, resource.resource_type))
