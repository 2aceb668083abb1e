# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An ElastiCache replication group of one shard, cluster mode disabled (API reference 2015-02-02)."""

from __future__ import annotations

import re
import time
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State, differences

# The module's name of a field, and ModifyReplicationGroup's.
MODIFIED = {
    "description": "ReplicationGroupDescription",
    "engine": "Engine",
    "engine_version": "EngineVersion",
    "node_type": "CacheNodeType",
    "automatic_failover": "AutomaticFailoverEnabled",
    "multi_az": "MultiAZEnabled",
    "security_group_ids": "SecurityGroupIds",
    "parameter_group_name": "CacheParameterGroupName",
    "snapshot_retention_limit": "SnapshotRetentionLimit",
    "snapshot_window": "SnapshotWindow",
    "maintenance_window": "PreferredMaintenanceWindow",
    "auto_minor_version_upgrade": "AutoMinorVersionUpgrade",
}

# Likewise CreateReplicationGroup's, of what cannot be changed later.
FIXED = {
    "subnet_group_name": "CacheSubnetGroupName",
    "port": "Port",
    "transit_encryption": "TransitEncryptionEnabled",
    "at_rest_encryption": "AtRestEncryptionEnabled",
}

FIELDS = [*MODIFIED, *FIXED, "replicas", "tags"]

TOKEN = re.compile(r"[A-Za-z0-9!&#$^<>-]{16,128}")

DELETABLE = {"available", "create-failed"}

INTERVAL = 15  # seconds between two looks

Step = tuple[str, State]


class ReplicationGroup(Resource):
    immutable = frozenset(FIXED)

    def __init__(self, module: t.Any) -> None:
        self.module = module
        self.params = module.params
        self.client = client(module, "elasticache")
        self.id: str = module.params["id"]
        self.observed: State = {}
        self.members: list[str] = []

    @property
    def label(self) -> str:
        return f"ElastiCache replication group {self.id}"

    def declared(self) -> State:
        fields = self._fields()
        if not self.observed:
            if fields.get("transit_encryption") and "subnet_group_name" not in fields:
                self.module.fail_json(msg="transit_encryption wants a subnet_group_name: AWS offers TLS within a VPC only.")
        elif (changes := differences(fields, self.observed)) and self.observed["status"] != "available":
            changed = ", ".join(sorted(changes))
            self.module.fail_json(msg=f"{self.label} is {self.observed['status']}: run again when it is available, to change {changed}.")
        return fields

    def read(self) -> State | None:
        try:
            group = self.client.describe_replication_groups(ReplicationGroupId=self.id, aws_retry=True)["ReplicationGroups"][0]
        except is_boto3_error_code("ReplicationGroupNotFoundFault"):
            self.observed = {}
            return None
        if self.params["state"] == "absent":
            return self._read_deletable(group)
        self._refuse_unfit(group)
        self.members = group["MemberClusters"]
        state = from_api(group, self._member())
        state["tags"] = self._tags(state)
        wanted = self._fields()
        if version_holds(wanted.get("engine_version"), state["engine_version"], state["auto_minor_version_upgrade"]):
            state["engine_version"] = wanted["engine_version"]
        if group["Status"] != "available":
            # What AWS does not tell yet is as it was asked for.
            state |= {name: value for name, value in wanted.items() if state[name] is None}
        self.observed = state
        return state

    def unknown(self) -> State:
        meta = self.client.meta
        domain = f"{self.id}.000000.{meta.region_name}.cache.amazonaws.com"
        port = self.params["port"] or 6379
        return {
            "id": self.id,
            "arn": f"arn:{meta.partition}:elasticache:{meta.region_name}:000000000000:replicationgroup:{self.id}",
            "status": "creating",
            "primary_endpoint": {"address": f"master.{domain}", "port": port},
            "reader_endpoint": {"address": f"replica.{domain}", "port": port},
        }

    def create(self) -> None:
        fields = self._fields()
        request = {api_name: fields[name] for name, api_name in (MODIFIED | FIXED).items() if name in fields}
        request |= {"ReplicationGroupId": self.id, "NumCacheClusters": fields.get("replicas", 0) + 1}
        if fields.get("tags"):
            request["Tags"] = tags_to(fields["tags"])
        if "auth_token" in fields:
            request["AuthToken"] = self._token()
        try:
            self.client.create_replication_group(**request, aws_retry=True)
        except is_boto3_error_code("ReplicationGroupAlreadyExists"):
            pass  # made since it was looked for: it is adopted

    def update(self, changes: State) -> None:
        token = self._token() if "auth_token" in changes else None
        if "tags" in changes:
            self.client.add_tags_to_resource(ResourceName=self.observed["arn"], Tags=tags_to(changes["tags"]), aws_retry=True)
        for number, (operation, request) in enumerate(plan(changes, self.observed, self._fields(), self.members[0], token)):
            if number:
                self._wait_until_available()
            getattr(self.client, operation)(ReplicationGroupId=self.id, ApplyImmediately=True, **request, aws_retry=True)

    def delete(self) -> None:
        snapshot = self.params["final_snapshot_id"]
        final = {"FinalSnapshotIdentifier": snapshot} if snapshot else {}
        self.client.delete_replication_group(ReplicationGroupId=self.id, RetainPrimaryCluster=False, **final, aws_retry=True)

    def _fields(self) -> State:
        fields = set_fields(self.params, FIELDS)
        if "security_group_ids" in fields:
            fields["security_group_ids"] = sorted(fields["security_group_ids"])
        if self.params["auth_token_parameter"]:
            fields["auth_token"] = True
        return fields

    def _read_deletable(self, group: State) -> State | None:
        if group["Status"] == "deleting":
            return None
        if group["Status"] not in DELETABLE:
            self.module.fail_json(msg=f"{self.label} is {group['Status']}: run again when it is available, to delete it.")
        return from_api(group, {})

    def _refuse_unfit(self, group: State) -> None:
        if group["Status"] == "deleting":
            self.module.fail_json(msg=f"{self.label} is being deleted: run again when it is gone, or choose another id.")
        if group["Status"] == "create-failed":
            self.module.fail_json(msg=f"{self.label} could not be created: delete it, and run again.")
        if group.get("ClusterEnabled"):
            self.module.fail_json(msg=f"{self.label} exists in cluster mode, which this module does not keep: choose another id.")

    def _wait_until_available(self) -> None:
        until = time.monotonic() + self.params["timeout"]
        status = "modifying"
        while time.monotonic() < until:
            time.sleep(INTERVAL)
            status = self.client.describe_replication_groups(ReplicationGroupId=self.id, aws_retry=True)["ReplicationGroups"][0]["Status"]
            if status == "available":
                return
        self.module.fail_json(msg=f"{self.label} is still {status} after the first of its changes: run again when it is available.")

    def _member(self) -> State:
        """One of its nodes: it has the fields that the group does not tell, the same on all."""
        if not self.members:
            return {}
        try:
            nodes = self.client.describe_cache_clusters(CacheClusterId=self.members[0], aws_retry=True)["CacheClusters"]
        except is_boto3_error_code("CacheClusterNotFound"):
            return {}
        return t.cast(State, nodes[0])

    def _tags(self, state: State) -> dict[str, str] | None:
        if self.params["tags"] is None or state["status"] != "available":
            return None  # AWS tells the tags of an available group only
        return tags_from(self.client.list_tags_for_resource(ResourceName=state["arn"], aws_retry=True)["TagList"])

    def _token(self) -> str:
        name = self.params["auth_token_parameter"]
        try:
            parameter = client(self.module, "ssm").get_parameter(Name=name, WithDecryption=True, aws_retry=True)["Parameter"]
        except is_boto3_error_code("ParameterNotFound"):
            self.module.fail_json(msg=f"auth_token_parameter {name} does not exist: create it first, as a SecureString.")
        token: str = parameter["Value"]
        self.module.no_log_values.add(token)
        if parameter["Type"] != "SecureString":
            self.module.fail_json(msg=f"auth_token_parameter {name} is a {parameter['Type']}: make it a SecureString.")
        if not TOKEN.fullmatch(token):
            self.module.fail_json(
                msg=f"auth_token_parameter {name} is no AUTH token: make it 16 to 128 letters, digits and characters of !&#$^<>- long."
            )
        return token


def from_api(group: State, member: State) -> State:
    """What the module tells of a group; None where AWS does not tell it (yet)."""
    pending = member.get("PendingModifiedValues", {})
    shard: State = next(iter(group.get("NodeGroups", [])), {})
    primary = from_endpoint(shard.get("PrimaryEndpoint"))
    token_pending = "AuthTokenStatus" in group.get("PendingModifiedValues", {})
    return {
        "id": group["ReplicationGroupId"],
        "arn": group["ARN"],
        "status": group["Status"],
        "primary_endpoint": primary,
        "reader_endpoint": from_endpoint(shard.get("ReaderEndpoint")),
        "description": group["Description"],
        "engine": group.get("Engine") or member.get("Engine"),
        "engine_version": pending.get("EngineVersion") or member.get("EngineVersion"),
        "node_type": pending.get("CacheNodeType") or group.get("CacheNodeType"),
        "replicas": len(group["MemberClusters"]) - 1 if group["MemberClusters"] else None,
        "automatic_failover": from_switch(group.get("AutomaticFailover")),
        "multi_az": from_switch(group.get("MultiAZ")),
        "subnet_group_name": member.get("CacheSubnetGroupName"),
        "security_group_ids": from_security_groups(member.get("SecurityGroups")),
        "port": primary["port"] if primary else None,
        "transit_encryption": group.get("TransitEncryptionEnabled"),
        "at_rest_encryption": group.get("AtRestEncryptionEnabled"),
        "auth_token": token_pending or group.get("AuthTokenEnabled"),
        "parameter_group_name": member.get("CacheParameterGroup", {}).get("CacheParameterGroupName"),
        "snapshot_retention_limit": group.get("SnapshotRetentionLimit"),
        "snapshot_window": group.get("SnapshotWindow"),
        "maintenance_window": member.get("PreferredMaintenanceWindow"),
        "auto_minor_version_upgrade": group.get("AutoMinorVersionUpgrade"),
    }


def from_endpoint(endpoint: State | None) -> State | None:
    return {"address": endpoint["Address"], "port": endpoint["Port"]} if endpoint else None


def from_switch(status: str | None) -> bool | None:
    """enabled and enabling are on, disabled and disabling are off."""
    return status.startswith("enabl") if status else None


def from_security_groups(memberships: list[State] | None) -> list[str] | None:
    if memberships is None:
        return None
    return sorted(membership["SecurityGroupId"] for membership in memberships if membership.get("Status") != "removing")


def version_holds(declared: str | None, observed: str | None, minor_upgrades: bool | None) -> bool:
    """Whether the observed version is the declared one (7.1 is 7.1.0, 6.x any 6), or one that AWS upgraded it to by itself."""
    if not declared or not observed:
        return False
    wanted, found = declared.split("."), observed.split(".")
    if all(part in (other, "x") for part, other in zip(wanted, found, strict=False)):
        return True
    return bool(minor_upgrades) and wanted[0] == found[0] and _numbers(found) > _numbers(wanted)


def _numbers(parts: list[str]) -> list[int]:
    return [int(part) for part in parts if part.isdigit()]


def plan(changes: State, observed: State, declared: State, first_member: str, token: str | None) -> list[Step]:
    """The operations that make `changes`, in an order that AWS takes: failover wants its replica first, and loses it last."""
    settings = {api_name: changes[name] for name, api_name in MODIFIED.items() if name in changes}
    if "engine" in changes and "engine_version" in declared:
        settings["EngineVersion"] = declared["engine_version"]
    if changes.get("snapshot_retention_limit") and not observed["snapshot_retention_limit"]:
        settings["SnapshottingClusterId"] = first_member
    steps = [("modify_replication_group", settings)] if settings else []
    if "replicas" in changes:
        count = {"NewReplicaCount": changes["replicas"]}
        if changes["replicas"] > observed["replicas"]:
            steps.insert(0, ("increase_replica_count", count))
        else:
            steps.append(("decrease_replica_count", count))
    if token:
        # ROTATE lets the token in beside no token at all; only then can SET require it.
        steps += [("modify_replication_group", {"AuthToken": token, "AuthTokenUpdateStrategy": strategy}) for strategy in ("ROTATE", "SET")]
    return steps
