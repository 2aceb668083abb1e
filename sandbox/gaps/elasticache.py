# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ElastiCache (API reference 2015-02-02).

What is created, modified or deleted keeps its transient state until it has been described once.
"""

from __future__ import annotations

import collections.abc as c
import hashlib
import inspect
import re
import typing as t

from moto.core.resource_tagging import TaggedResource
from moto.core.responses import ActionResult, EmptyResult, PaginatedResult
from moto.core.utils import utcnow
from moto.elasticache.exceptions import (
    CacheSubnetGroupNotFound,
    ElastiCacheException,
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    InvalidSubnet,
    ReplicationGroupAlreadyExists,
    ReplicationGroupNotFound,
)
from moto.elasticache.models import CacheCluster, CacheSubnetGroup, ElastiCacheBackend
from moto.elasticache.responses import ElastiCacheResponse

from sandbox.patch import adds, wraps

State = dict[str, t.Any]

# The versions that can be asked for: their parameter group family, and the version that nodes then run.
VERSIONS = {
    ("memcached", "1.6.12"): ("memcached1.6", "1.6.12"),
    ("memcached", "1.6.22"): ("memcached1.6", "1.6.22"),
    ("redis", "5.0.6"): ("redis5.0", "5.0.6"),
    ("redis", "6.0"): ("redis6.x", "6.0.5"),
    ("redis", "6.2"): ("redis6.x", "6.2.6"),
    ("redis", "7.0"): ("redis7", "7.0.7"),
    ("redis", "7.1"): ("redis7", "7.1.0"),
    ("valkey", "7.2"): ("valkey7", "7.2.6"),
    ("valkey", "8.0"): ("valkey8", "8.0.1"),
    ("valkey", "8.1"): ("valkey8", "8.1.0"),
}
FAMILIES = sorted({family for family, _ in VERSIONS.values()})

SIZES = {
    "t2 t3 t4g": "micro small medium",
    "m4 r4": "large xlarge 2xlarge 4xlarge 10xlarge",
    "m5 r5": "large xlarge 2xlarge 4xlarge 12xlarge 24xlarge",
    "m6g m7g r6g r7g": "large xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
    "r6gd": "xlarge 2xlarge 4xlarge 8xlarge 12xlarge 16xlarge",
}
NODE_TYPES = [f"cache.{kind}.{size}" for kinds, sizes in SIZES.items() for kind in kinds.split() for size in sizes.split()]

# Some parameters of Redis and Valkey: type, allowed values, default.
PARAMETERS = {
    "activedefrag": ("string", "yes,no", "no"),
    "lazyfree-lazy-eviction": ("string", "yes,no", "no"),
    "maxmemory-policy": (
        "string",
        "volatile-lru,allkeys-lru,volatile-lfu,allkeys-lfu,volatile-random,allkeys-random,volatile-ttl,noeviction",
        "volatile-lru",
    ),
    "notify-keyspace-events": ("string", None, None),
    "reserved-memory-percent": ("integer", "0-100", "25"),
    "tcp-keepalive": ("integer", "0-", "300"),
    "timeout": ("integer", "0,20-", "0"),
}

# What a group has where CreateReplicationGroup does not say otherwise.
DEFAULTS: State = {
    "AtRestEncryptionEnabled": False,
    "AutoMinorVersionUpgrade": True,
    "AutomaticFailoverEnabled": False,
    "CacheSubnetGroupName": "default",
    "Engine": "redis",
    "MultiAZEnabled": False,
    "NumCacheClusters": 1,
    "Port": 6379,
    "PreferredMaintenanceWindow": "sun:23:00-mon:01:30",
    "SecurityGroupIds": [],
    "SnapshotRetentionLimit": 0,
    "SnapshotWindow": "05:00-06:00",
    "TransitEncryptionEnabled": False,
}
# What ModifyReplicationGroup changes, at once and in a while.
QUICK = {
    "AutoMinorVersionUpgrade",
    "PreferredMaintenanceWindow",
    "ReplicationGroupDescription",
    "SnapshotRetentionLimit",
    "SnapshottingClusterId",
    "SnapshotWindow",
}
SLOW = {
    "AutomaticFailoverEnabled",
    "CacheNodeType",
    "CacheParameterGroupName",
    "Engine",
    "EngineVersion",
    "MultiAZEnabled",
    "SecurityGroupIds",
    "TransitEncryptionMode",
}

TOKEN = re.compile(r"[A-Za-z0-9!&#$^<>-]{16,128}")


class Fault(ElastiCacheException):
    """An error by its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


# Replication groups


class Group:
    """A replication group of one shard (cluster mode disabled)."""

    replication_group_id = property(lambda self: self.settings["ReplicationGroupId"])
    description = property(lambda self: self.settings["ReplicationGroupDescription"])
    engine = property(lambda self: self.settings["Engine"])
    cache_node_type = property(lambda self: self.settings["CacheNodeType"])
    cache_subnet_group_name = property(lambda self: self.settings["CacheSubnetGroupName"])
    security_group_ids = property(lambda self: self.settings["SecurityGroupIds"])
    node_groups = ("0001",)

    def __init__(self, backend: ElastiCacheBackend, request: State) -> None:
        self.backend = backend
        engine = request.get("Engine", "redis")
        self.settings = DEFAULTS | {"AtRestEncryptionEnabled": engine == "valkey"} | request
        if self.settings["TransitEncryptionEnabled"]:
            self.settings.setdefault("TransitEncryptionMode", "required")
        self.arn = _arn(backend, "replicationgroup", request["ReplicationGroupId"])
        self.tokens: list[str] = []  # each required, or optional beside another or none
        self.token_status = ""
        if token := self.settings.pop("AuthToken", None):
            self._check_token(token)
            self.tokens = ["required"]
        self.replicas = self.settings.pop("NumCacheClusters") - 1
        self.check(self.settings)
        self.created = utcnow()
        self.members: list[CacheCluster] = []
        self.pending: State = {}
        self.begin("creating")
        self.fit_members()

    def begin(self, status: str) -> None:
        self.status, self.told = status, False

    def settle(self) -> None:
        """The end of what was under way, once it has been told."""
        if not self.told:
            self.told = True
        elif self.status == "deleting":
            self.replicas = -1
            self.fit_members()
            self.backend.tagging_service.delete_all_tags_for_resource(self.arn)
            del self.backend.replication_groups[self.replication_group_id]
        elif self.status != "available":
            self.status, self.token_status = "available", ""
            self.settings |= self.pending
            self.pending = {}
            self.fit_members()

    def check(self, settings: State) -> None:
        """What both CreateReplicationGroup and ModifyReplicationGroup refuse."""
        family, _ = _version(settings["Engine"], settings.get("EngineVersion"))
        if settings.get("CacheNodeType") not in NODE_TYPES:
            raise InvalidParameterValueException(f"Invalid Cache Node Type: {settings.get('CacheNodeType')}.")
        if settings["MultiAZEnabled"] and not settings["AutomaticFailoverEnabled"]:
            raise InvalidParameterCombinationException("Must specify AutomaticFailoverEnabled as true if MultiAZ is enabled.")
        if settings["AutomaticFailoverEnabled"] and not self.replicas:
            message = "When using automatic failover, there must be at least 2 cache clusters in the replication group."
            raise InvalidParameterCombinationException(message)
        if settings["CacheSubnetGroupName"] not in (*self.backend.cache_subnet_groups, "default"):
            raise CacheSubnetGroupNotFound(settings["CacheSubnetGroupName"])
        for group_id in settings["SecurityGroupIds"]:
            if _ec2(self.backend).get_security_group_from_id(group_id) is None:
                raise InvalidParameterValueException(f"Some security group ids are not valid: {group_id}")
        parameters = _parameter_group(self.backend, settings.setdefault("CacheParameterGroupName", f"default.{family}"))
        if parameters["CacheParameterGroupFamily"] != family:
            found = parameters["CacheParameterGroupFamily"]
            raise InvalidParameterCombinationException(f"Expected a parameter group of family {family} but found one of family {found}")

    def require_available(self) -> None:
        if self.status != "available":
            raise Fault("InvalidReplicationGroupState", f"Replication group {self.replication_group_id} is not available: {self.status}.")

    def modify(self, request: State, immediately: bool) -> None:
        changes = {name: request[name] for name in SLOW & request.keys()}
        wanted = self.settings | changes
        if "Engine" in changes or "EngineVersion" in changes:
            self._check_upgrade(wanted)
            if "CacheParameterGroupName" not in changes and self.settings["CacheParameterGroupName"].startswith("default."):
                del wanted["CacheParameterGroupName"]
        self.check(wanted)
        if token := request.get("AuthToken"):
            self._rotate(token, request.get("AuthTokenUpdateStrategy", "ROTATE"))
        self.settings |= {name: request[name] for name in QUICK & request.keys()}
        if changes:
            self.pending = changes | {"CacheParameterGroupName": wanted["CacheParameterGroupName"]}
        if immediately and (changes or token):
            self.begin("modifying")

    def scale(self, replicas: int, *, up: bool) -> None:
        if replicas == self.replicas or (replicas > self.replicas) is not up:
            raise Fault("NoOperationFault", "The operation was not performed because no changes were required.")
        least = 1 if self.settings["AutomaticFailoverEnabled"] else 0
        if not least <= replicas <= 5:
            raise InvalidParameterValueException(f"Replica count must be between {least} and 5.")
        self.replicas = replicas
        self.begin("modifying")
        self.fit_members()

    def fit_members(self) -> None:
        """As many nodes as there have to be, in turn in the zones of the subnet group, with the group's settings."""
        backend, clusters = self.backend, self.backend.cache_clusters
        while len(self.members) > self.replicas + 1:
            del clusters[self.members.pop().cache_cluster_id]
        zones = _zones(backend, self.settings["CacheSubnetGroupName"])
        for number in range(len(self.members), self.replicas + 1):
            name = f"{self.replication_group_id}-{number + 1:03}"
            member = _cluster(backend, name, self.settings | {"PreferredAvailabilityZone": zones[number % len(zones)]})
            member.replication_group_id = self.replication_group_id
            self.members.append(member)
            clusters[name] = member
        for member in self.members:
            _fit(backend, member, self.settings)
            member.cache_cluster_status = member.status = self.status
            member.auth_token_enabled = bool(self.tokens)
            member.node_addresses = [self._address(member.cache_cluster_id)]  # type: ignore[attr-defined]
            later = {name: self.pending[name] for name in ("CacheNodeType", "EngineVersion") if name in self.pending}
            member.pending_modified_values = later  # type: ignore[attr-defined]

    def tell(self) -> State:
        settings, failover = self.settings, "enabled" if self.settings["AutomaticFailoverEnabled"] else "disabled"
        pending: State = {}
        if "AutomaticFailoverEnabled" in self.pending:
            failover = "enabling" if self.pending["AutomaticFailoverEnabled"] else "disabling"
            pending["AutomaticFailoverStatus"] = failover.replace("ing", "ed")
        if self.token_status:
            pending["AuthTokenStatus"] = self.token_status
        return {
            "ReplicationGroupId": self.replication_group_id,
            "Description": self.description,
            "Status": self.status,
            "PendingModifiedValues": pending,
            "MemberClusters": [member.cache_cluster_id for member in self.members],
            "NodeGroups": [] if self.status == "creating" else [self._shard()],
            "SnapshottingClusterId": settings.get("SnapshottingClusterId"),
            "AutomaticFailover": failover,
            "MultiAZ": "enabled" if settings["MultiAZEnabled"] else "disabled",
            "SnapshotRetentionLimit": settings["SnapshotRetentionLimit"],
            "SnapshotWindow": settings["SnapshotWindow"],
            "ClusterEnabled": False,
            "CacheNodeType": settings["CacheNodeType"],
            "AuthTokenEnabled": bool(self.tokens),
            "TransitEncryptionEnabled": settings["TransitEncryptionEnabled"],
            "TransitEncryptionMode": settings.get("TransitEncryptionMode"),
            "AtRestEncryptionEnabled": settings["AtRestEncryptionEnabled"],
            "ARN": self.arn,
            "LogDeliveryConfigurations": [],
            "ReplicationGroupCreateTime": self.created,
            "DataTiering": "disabled",
            "AutoMinorVersionUpgrade": settings["AutoMinorVersionUpgrade"],
            "NetworkType": "ipv4",
            "IpDiscovery": "ipv4",
            "ClusterMode": "disabled",
            "Engine": self.engine,
        }

    def _shard(self) -> State:
        name, port = self.replication_group_id, self.settings["Port"]
        primary, reader = (f"master.{name}", f"replica.{name}") if self.settings["TransitEncryptionEnabled"] else (name, f"{name}-ro")
        return {
            "NodeGroupId": "0001",
            "Status": self.status,
            "PrimaryEndpoint": {"Address": self._address(primary), "Port": port},
            "ReaderEndpoint": {"Address": self._address(reader), "Port": port},
            "NodeGroupMembers": [
                {
                    "CacheClusterId": member.cache_cluster_id,
                    "CacheNodeId": "0001",
                    "ReadEndpoint": {"Address": self._address(member.cache_cluster_id), "Port": port},
                    "PreferredAvailabilityZone": member.preferred_availability_zone,
                    "CurrentRole": "primary" if member is self.members[0] else "replica",
                }
                for member in self.members
            ],
        }

    def _address(self, host: str) -> str:
        if self.settings["TransitEncryptionEnabled"]:
            host = host if host.endswith(f".{self.replication_group_id}") else f"{host}.{self.replication_group_id}"
            return f"{host}.{_domain(self.backend)}"
        return f"{host}.{_domain(self.backend, 'ng.0001.')}"

    def _check_token(self, token: str) -> None:
        if not self.settings["TransitEncryptionEnabled"]:
            raise InvalidParameterValueException("The AUTH token modification is only supported when encryption-in-transit is enabled.")
        if not TOKEN.fullmatch(token):
            raise InvalidParameterValueException("Invalid AuthToken provided.")

    def _rotate(self, token: str, strategy: str) -> None:
        self._check_token(token)
        if strategy == "SET" and self.tokens in ([], ["required"]):
            raise InvalidParameterValueException("The SET strategy is allowed only after ROTATE.")
        self.tokens = ["required"] if strategy == "SET" else [*self.tokens[-1:], "optional"]
        self.token_status = "SETTING" if strategy == "SET" else "ROTATING"

    def _check_upgrade(self, wanted: State) -> None:
        if (self.engine, wanted["Engine"]) == ("valkey", "redis"):
            raise InvalidParameterCombinationException("Modifying the engine from valkey to redis is not supported.")
        old, new = (_version(settings["Engine"], settings.get("EngineVersion"))[1] for settings in (self.settings, wanted))
        if self.engine == wanted["Engine"] and _numbers(new) < _numbers(old):
            raise InvalidParameterCombinationException(f"Downgrading cache engine from {old} to {new} is not supported.")


def _group(self: ElastiCacheResponse) -> Group:
    name = self._get_param("ReplicationGroupId").lower()
    groups = t.cast(dict[str, Group], self.elasticache_backend.replication_groups)
    if name not in groups:
        raise ReplicationGroupNotFound(name)
    return groups[name]


@adds(ElastiCacheResponse)
def create_replication_group(self: ElastiCacheResponse) -> ActionResult:
    """CreateReplicationGroup."""
    backend = self.elasticache_backend
    request = {name: value for name, value in self.params.items() if value is not None}
    name = request["ReplicationGroupId"] = request["ReplicationGroupId"].lower()
    if name in backend.replication_groups:
        raise ReplicationGroupAlreadyExists(name)
    if request.get("NumNodeGroups", 1) > 1 or request.get("ClusterMode", "disabled") != "disabled":
        raise Fault("NotImplemented", "The sandbox has replication groups of one shard, cluster mode disabled, only.")
    tags = request.pop("Tags", [])
    group = Group(backend, request)
    backend.replication_groups[name] = t.cast(t.Any, group)
    _tag(group, tags)
    return ActionResult({"ReplicationGroup": group.tell()})


@adds(ElastiCacheResponse)
def describe_replication_groups(self: ElastiCacheResponse) -> ActionResult:
    """DescribeReplicationGroups."""
    backend = self.elasticache_backend
    wanted = [_group(self)] if self._get_param("ReplicationGroupId") else list(backend.replication_groups.values())
    for group in t.cast(list[Group], wanted):
        group.settle()
    if self._get_param("ReplicationGroupId"):
        _group(self)
    groups = [group.tell() for group in t.cast(list[Group], wanted) if group.replication_group_id in backend.replication_groups]
    return PaginatedResult({"ReplicationGroups": groups})


@adds(ElastiCacheResponse)
def modify_replication_group(self: ElastiCacheResponse) -> ActionResult:
    """ModifyReplicationGroup."""
    group = _group(self)
    group.require_available()
    request = {name: value for name, value in self.params.items() if value is not None}
    group.modify(request, self._get_bool_param("ApplyImmediately", False))
    group.fit_members()
    return ActionResult({"ReplicationGroup": group.tell()})


@adds(ElastiCacheResponse)
def increase_replica_count(self: ElastiCacheResponse) -> ActionResult:
    """IncreaseReplicaCount."""
    return _scale(self, up=True)


@adds(ElastiCacheResponse)
def decrease_replica_count(self: ElastiCacheResponse) -> ActionResult:
    """DecreaseReplicaCount."""
    return _scale(self, up=False)


def _scale(self: ElastiCacheResponse, *, up: bool) -> ActionResult:
    group = _group(self)
    group.require_available()
    if not self._get_bool_param("ApplyImmediately", False):
        raise InvalidParameterValueException("ApplyImmediately must be true.")
    group.scale(self._get_int_param("NewReplicaCount", group.replicas), up=up)
    return ActionResult({"ReplicationGroup": group.tell()})


@adds(ElastiCacheResponse)
def delete_replication_group(self: ElastiCacheResponse) -> ActionResult:
    """DeleteReplicationGroup: with its nodes, and a snapshot where one is named."""
    group = _group(self)
    group.require_available()
    if snapshot := self._get_param("FinalSnapshotIdentifier"):
        self.elasticache_backend.create_snapshot(snapshot, group.replication_group_id, None, None, None)
    group.begin("deleting")
    group.fit_members()
    return ActionResult({"ReplicationGroup": group.tell()})


# Cache clusters


def _cluster(backend: ElastiCacheBackend, name: str, settings: State) -> CacheCluster:
    nothing = dict.fromkeys(list(inspect.signature(CacheCluster).parameters))
    given = {
        "account_id": backend.account_id,
        "region_name": backend.region_name,
        "cache_cluster_id": name,
        "cache_node_type": settings["CacheNodeType"],
        "engine": settings["Engine"],
        "engine_version": settings.get("EngineVersion"),
        "preferred_availability_zone": settings["PreferredAvailabilityZone"],
        "cache_subnet_group_name": settings["CacheSubnetGroupName"],
        "transit_encryption_enabled": settings["TransitEncryptionEnabled"],
        "port": settings["Port"],
    }
    return CacheCluster(**t.cast(State, nothing | given))


def _fit(backend: ElastiCacheBackend, cluster: t.Any, settings: State) -> None:
    """What a node has of its group's settings."""
    cluster.engine = settings["Engine"]
    cluster.engine_version = _version(settings["Engine"], settings.get("EngineVersion"))[1]
    cluster.cache_node_type = settings["CacheNodeType"]
    cluster.num_cache_nodes = 1
    cluster.security_group_ids = settings["SecurityGroupIds"]
    cluster.cache_parameter_group_name = settings["CacheParameterGroupName"]
    cluster.preferred_maintenance_window = settings["PreferredMaintenanceWindow"]
    cluster.snapshot_window = settings["SnapshotWindow"]
    cluster.auto_minor_version_upgrade = settings["AutoMinorVersionUpgrade"]
    cluster.at_rest_encryption_enabled = settings["AtRestEncryptionEnabled"]
    cluster.transit_encryption_mode = settings.get("TransitEncryptionMode")


@wraps(ElastiCacheBackend)
def create_cache_cluster(moto: t.Any, self: ElastiCacheBackend, *args: t.Any, **kwargs: t.Any) -> CacheCluster:
    """CreateCacheCluster: defaults, and an address for each node."""
    family, version = _version(kwargs.get("engine") or "redis", kwargs.get("engine_version"))
    cluster = moto(self, *args, **kwargs)
    cluster.engine_version = version
    cluster.num_cache_nodes = kwargs.get("num_cache_nodes") or 1
    cluster.cache_parameter_group_name = cluster.cache_parameter_group_name or f"default.{family}"
    zones = _zones(self, cluster.cache_subnet_group_name)
    cluster.preferred_availability_zone = cluster.preferred_availability_zone or zones[0]
    cluster.preferred_maintenance_window = cluster.preferred_maintenance_window or DEFAULTS["PreferredMaintenanceWindow"]
    numbers = range(1, cluster.num_cache_nodes + 1)
    cluster.node_addresses = [f"{cluster.cache_cluster_id}.{_domain(self, f'{number:04}.')}" for number in numbers]
    return t.cast(CacheCluster, cluster)


@adds(ElastiCacheResponse)
def describe_cache_clusters(self: ElastiCacheResponse) -> ActionResult:
    """DescribeCacheClusters: with nodes where they are asked for. A deleted cluster is told once more."""
    backend = self.elasticache_backend
    clusters = t.cast(list[t.Any], backend.describe_cache_clusters(self._get_param("CacheClusterId")))
    if self._get_bool_param("ShowCacheClustersNotInReplicationGroups", False):
        clusters = [cluster for cluster in clusters if not getattr(cluster, "replication_group_id", None)]
    for cluster in clusters:
        cluster.cache_nodes = _nodes(cluster) if self._get_bool_param("ShowCacheNodeInfo", False) else None
        cluster.security_groups = [{"SecurityGroupId": group, "Status": "active"} for group in cluster.security_group_ids]
        cluster.cache_parameter_group = {
            "CacheParameterGroupName": cluster.cache_parameter_group_name,
            "ParameterApplyStatus": "in-sync",
            "CacheNodeIdsToReboot": [],
        }
        if cluster.cache_cluster_status == "deleting" and not getattr(cluster, "replication_group_id", None):
            del backend.cache_clusters[cluster.cache_cluster_id]
    return PaginatedResult({"CacheClusters": clusters})


def _nodes(cluster: t.Any) -> list[State]:
    return [
        {
            "CacheNodeId": f"{number:04}",
            "CacheNodeStatus": cluster.cache_cluster_status,
            "CacheNodeCreateTime": cluster.cache_cluster_create_time,
            "Endpoint": {"Address": address, "Port": cluster.port},
            "ParameterGroupStatus": "in-sync",
            "CustomerAvailabilityZone": cluster.preferred_availability_zone,
        }
        for number, address in enumerate(cluster.node_addresses, 1)
    ]


# Subnet groups


@wraps(CacheSubnetGroup, "__init__")
def _subnet_group(moto: t.Any, self: CacheSubnetGroup, account_id: str, region_name: str, *args: t.Any, **kwargs: t.Any) -> None:
    """CreateCacheSubnetGroup: of subnets that exist, each with its zone."""
    moto(self, account_id, region_name, *args, **kwargs)
    ec2 = _ec2(t.cast(t.Any, self), account_id, region_name)
    known = {subnet.id: subnet for subnets in ec2.subnets.values() for subnet in subnets.values()}
    for subnet_id in self.subnet_ids:
        if subnet_id not in known:
            raise InvalidSubnet(subnet_id)
    self.subnets = [
        {
            "SubnetIdentifier": subnet_id,
            "SubnetAvailabilityZone": {"Name": known[subnet_id].availability_zone},
            "SupportedNetworkTypes": ["ipv4"],
        }
        for subnet_id in self.subnet_ids
    ]


@adds(ElastiCacheResponse)
def modify_cache_subnet_group(self: ElastiCacheResponse) -> ActionResult:
    """ModifyCacheSubnetGroup."""
    backend, old = self.elasticache_backend, _found_subnet_group(self)
    new = CacheSubnetGroup(
        backend.account_id,
        backend.region_name,
        old.cache_subnet_group_name,
        self._get_param("CacheSubnetGroupDescription") or old.cache_subnet_group_description,
        self._get_param("SubnetIds") or old.subnet_ids,
        old.tags,
    )
    kept = {subnet["SubnetAvailabilityZone"]["Name"] for subnet in new.subnets}
    for cluster in _clusters_in(backend, old):
        if cluster.preferred_availability_zone not in kept:
            raise Fault("SubnetInUse", f"The subnet of {cluster.cache_cluster_id} is in use.")
    backend.cache_subnet_groups[old.cache_subnet_group_name] = new
    return ActionResult({"CacheSubnetGroup": new})


@adds(ElastiCacheResponse)
def delete_cache_subnet_group(self: ElastiCacheResponse) -> ActionResult:
    """DeleteCacheSubnetGroup: not one that a cluster is in."""
    backend, group = self.elasticache_backend, _found_subnet_group(self)
    if users := _clusters_in(backend, group):
        name = group.cache_subnet_group_name
        raise Fault("CacheSubnetGroupInUse", f"Cache subnet group {name} is currently in use by {users[0].cache_cluster_id}.")
    backend.tagging_service.delete_all_tags_for_resource(group.arn)
    del backend.cache_subnet_groups[group.cache_subnet_group_name]
    return EmptyResult()


def _found_subnet_group(self: ElastiCacheResponse) -> CacheSubnetGroup:
    return self.elasticache_backend.describe_cache_subnet_groups(self._get_param("CacheSubnetGroupName"))[0]


def _clusters_in(backend: ElastiCacheBackend, group: CacheSubnetGroup) -> list[CacheCluster]:
    return [cluster for cluster in backend.cache_clusters.values() if cluster.cache_subnet_group_name == group.cache_subnet_group_name]


def _zones(backend: ElastiCacheBackend, subnet_group: str | None) -> list[str]:
    group = backend.cache_subnet_groups.get(subnet_group or "")
    return [subnet["SubnetAvailabilityZone"]["Name"] for subnet in group.subnets] if group else [f"{backend.region_name}a"]


# Parameter groups


def _parameter_groups(backend: ElastiCacheBackend) -> dict[str, State]:
    """The groups of the account, those that AWS has for each family among them."""
    groups: dict[str, State] = backend.__dict__.setdefault("cache_parameter_groups", {})
    for family in FAMILIES:
        name = f"default.{family}"
        groups.setdefault(name, _new_parameter_group(backend, name, family, f"Default parameter group for {family}"))
    return groups


def _new_parameter_group(backend: ElastiCacheBackend, name: str, family: str, description: str) -> State:
    return {
        "CacheParameterGroupName": name,
        "CacheParameterGroupFamily": family,
        "Description": description,
        "ARN": _arn(backend, "parametergroup", name),
        "IsGlobal": False,
        "values": {},
    }


def _parameter_group(backend: ElastiCacheBackend, name: str) -> State:
    groups = _parameter_groups(backend)
    if name not in groups:
        raise Fault("CacheParameterGroupNotFound", f"CacheParameterGroup {name} not found.")
    return groups[name]


@adds(ElastiCacheResponse)
def create_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    """CreateCacheParameterGroup."""
    backend, name = self.elasticache_backend, self._get_param("CacheParameterGroupName")
    family = self._get_param("CacheParameterGroupFamily")
    if name in _parameter_groups(backend):
        raise Fault("CacheParameterGroupAlreadyExists", f"Cache parameter group {name} already exists")
    if family not in FAMILIES:
        raise InvalidParameterValueException(f"CacheParameterGroupFamily {family} is not a valid parameter group family.")
    group = _new_parameter_group(backend, name, family, self._get_param("Description"))
    _parameter_groups(backend)[name] = group
    backend.tagging_service.tag_resource(group["ARN"], self._get_param("Tags", []))
    return ActionResult({"CacheParameterGroup": group})


@adds(ElastiCacheResponse)
def describe_cache_parameter_groups(self: ElastiCacheResponse) -> ActionResult:
    """DescribeCacheParameterGroups."""
    name, backend = self._get_param("CacheParameterGroupName"), self.elasticache_backend
    groups = [_parameter_group(backend, name)] if name else list(_parameter_groups(backend).values())
    return PaginatedResult({"CacheParameterGroups": groups})


@adds(ElastiCacheResponse)
def describe_cache_parameters(self: ElastiCacheResponse) -> ActionResult:
    """DescribeCacheParameters: Source is user for what ModifyCacheParameterGroup has set, else system."""
    values = _parameter_group(self.elasticache_backend, self._get_param("CacheParameterGroupName"))["values"]
    parameters = [
        {
            "ParameterName": name,
            "ParameterValue": values.get(name, default),
            "Source": "user" if name in values else "system",
            "DataType": kind,
            "AllowedValues": allowed,
            "IsModifiable": True,
            "MinimumEngineVersion": "5.0.0",
            "ChangeType": "immediate",
        }
        for name, (kind, allowed, default) in PARAMETERS.items()
    ]
    source = self._get_param("Source")
    return PaginatedResult({"Parameters": [parameter for parameter in parameters if source in (None, parameter["Source"])]})


@adds(ElastiCacheResponse)
def modify_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    """ModifyCacheParameterGroup: at most 20 parameters that exist, with values that are allowed; not of a default group."""
    name, given = self._get_param("CacheParameterGroupName"), self._get_param("ParameterNameValues", [])
    group = _parameter_group(self.elasticache_backend, name)
    if name.startswith("default."):
        raise InvalidParameterValueException(f"The parameter group {name} cannot be modified.")
    if not 1 <= len(given) <= 20:
        raise InvalidParameterValueException("1 to 20 parameters can be modified in a single request.")
    for pair in given:
        if pair["ParameterName"] not in PARAMETERS:
            raise InvalidParameterValueException(f"Could not find parameter with name: {pair['ParameterName']}")
        kind, allowed, _ = PARAMETERS[pair["ParameterName"]]
        value = pair["ParameterValue"]
        if (kind == "integer" and not value.isdigit()) or (kind == "string" and allowed and value not in allowed.split(",")):
            raise InvalidParameterValueException(f"Invalid value {value} for parameter {pair['ParameterName']}: it takes {allowed}")
    group["values"] |= {pair["ParameterName"]: pair["ParameterValue"] for pair in given}
    return ActionResult({"CacheParameterGroupName": name})


@adds(ElastiCacheResponse)
def delete_cache_parameter_group(self: ElastiCacheResponse) -> ActionResult:
    """DeleteCacheParameterGroup: neither a default one nor one that a cluster uses."""
    backend, name = self.elasticache_backend, self._get_param("CacheParameterGroupName")
    group = _parameter_group(backend, name)
    if name.startswith("default."):
        raise InvalidParameterValueException(f"The parameter group {name} cannot be deleted.")
    if any(cluster.cache_parameter_group_name == name for cluster in backend.cache_clusters.values()):
        raise Fault("InvalidCacheParameterGroupState", f"One or more cache clusters are still members of this parameter group {name}.")
    backend.tagging_service.delete_all_tags_for_resource(group["ARN"])
    del _parameter_groups(backend)[name]
    return EmptyResult()


# Versions and node types


def _version(engine: str, version: str | None) -> tuple[str, str]:
    """The parameter group family and the full version of the one that is asked for, or of the engine's newest."""
    found = [full for (other, name), full in VERSIONS.items() if other == engine and version in (None, name, full[1])]
    if not found:
        raise InvalidParameterCombinationException(f"Cannot find version {version} for {engine}")
    return found[-1]


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


@adds(ElastiCacheResponse)
def describe_cache_engine_versions(self: ElastiCacheResponse) -> ActionResult:
    """DescribeCacheEngineVersions."""
    versions = [
        {
            "Engine": engine,
            "EngineVersion": version,
            "CacheParameterGroupFamily": family,
            "CacheEngineDescription": engine.capitalize(),
            "CacheEngineVersionDescription": f"{engine} version {full}",
        }
        for (engine, version), (family, full) in VERSIONS.items()
    ]
    wanted = {name: self._get_param(name) for name in ("Engine", "EngineVersion", "CacheParameterGroupFamily") if self._get_param(name)}
    found = [version for version in versions if wanted.items() <= version.items()]
    if self._get_bool_param("DefaultOnly", False):
        found = list({version["Engine"]: version for version in found}.values())
    return PaginatedResult({"CacheEngineVersions": found})


@adds(ElastiCacheResponse)
def describe_reserved_cache_nodes_offerings(self: ElastiCacheResponse) -> ActionResult:
    """DescribeReservedCacheNodesOfferings: one for each node type and engine, without a price; none for an unknown type."""
    offerings = [
        {
            "ReservedCacheNodesOfferingId": hashlib.sha256(f"{node_type} {engine}".encode()).hexdigest()[:36],
            "CacheNodeType": node_type,
            "Duration": 31536000,
            "ProductDescription": engine,
            "OfferingType": "No Upfront",
        }
        for node_type in NODE_TYPES
        for engine in ("memcached", "redis", "valkey")
    ]
    names = ("ReservedCacheNodesOfferingId", "CacheNodeType", "ProductDescription", "OfferingType")
    wanted = {name: self._get_param(name) for name in names if self._get_param(name)}
    return PaginatedResult({"ReservedCacheNodesOfferings": [offering for offering in offerings if wanted.items() <= offering.items()]})


# Tags


@wraps(ElastiCacheResponse)
def list_tags_for_resource(moto: t.Any, self: ElastiCacheResponse) -> ActionResult:
    """ListTagsForResource: of an available replication group only; parameter groups have tags too."""
    _taggable(self)
    return t.cast(ActionResult, moto(self))


@adds(ElastiCacheResponse)
def add_tags_to_resource(self: ElastiCacheResponse) -> ActionResult:
    """AddTagsToResource: what a replication group gets its nodes get too."""
    backend, arn, tags = self.elasticache_backend, self._get_param("ResourceName"), self._get_param("Tags", [])
    if group := _taggable(self):
        _tag(group, tags)
    else:
        backend.add_tags_to_resource(arn, tags)
    return ActionResult({"TagList": backend.list_tags_for_resource(arn)["Tags"]})


def _tag(group: Group, tags: list[dict[str, str]]) -> None:
    for arn in (group.arn, *(member.arn for member in group.members)):
        group.backend.tagging_service.tag_resource(arn, tags)


def _taggable(self: ElastiCacheResponse) -> Group | None:
    """The replication group that is named, if it is one; no group that is not available."""
    backend = self.elasticache_backend
    backend.arn_regex = re.compile(r"^arn:aws:elasticache:.*:\d*:(cluster|snapshot|subnetgroup|replicationgroup|user|parametergroup):.*$")
    kind, name = self._get_param("ResourceName").split(":")[-2:]
    if kind != "replicationgroup":
        return None
    group = t.cast(dict[str, Group], backend.replication_groups).get(name)
    if group is None:
        raise ReplicationGroupNotFound(name)
    if group.status != "available":
        raise Fault("InvalidReplicationGroupState", "Cluster not in available state to perform tagging operations.")
    return group


@wraps(ElastiCacheBackend)
def iter_tagged_resources(moto: t.Any, self: ElastiCacheBackend) -> c.Iterator[TaggedResource]:
    """GetResources: parameter groups too."""
    yield from moto(self)
    for group in _parameter_groups(self).values():
        tags = self.tagging_service.get_tag_dict_for_resource(group["ARN"])
        yield TaggedResource(arn=group["ARN"], tags=tags, resource_type="elasticache:parametergroup", extra={"include_untagged": True})


def _arn(backend: ElastiCacheBackend, kind: str, name: str) -> str:
    return f"arn:{backend.partition}:elasticache:{backend.region_name}:{backend.account_id}:{kind}:{name}"


def _domain(backend: ElastiCacheBackend, shard: str = "") -> str:
    """What addresses end with: an account's own part, the shard, and the region in short."""
    continent, direction, number = backend.region_name.split("-")
    own = hashlib.sha256(backend.account_id.encode()).hexdigest()[:6]
    return f"{own}.{shard}{continent}{direction[0]}{number}.cache.amazonaws.com"


def _ec2(backend: ElastiCacheBackend, account_id: str = "", region_name: str = "") -> t.Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[account_id or backend.account_id][region_name or backend.region_name]
