# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An RDS instance of PostgreSQL: what it looks like, what changes of it RDS takes, and the calls (API reference 2014-10-31)."""

from __future__ import annotations

import collections.abc as c
import contextlib
import re
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import ImmutableFieldError, Resource, State, differences

# The module's name of a field, and CreateDBInstance's.
FIELDS = {
    "engine": "Engine",
    "engine_version": "EngineVersion",
    "instance_class": "DBInstanceClass",
    "allocated_storage": "AllocatedStorage",
    "max_allocated_storage": "MaxAllocatedStorage",
    "storage_type": "StorageType",
    "iops": "Iops",
    "storage_throughput": "StorageThroughput",
    "storage_encrypted": "StorageEncrypted",
    "kms_key_id": "KmsKeyId",
    "multi_az": "MultiAZ",
    "db_name": "DBName",
    "username": "MasterUsername",
    "subnet_group_name": "DBSubnetGroupName",
    "security_group_ids": "VpcSecurityGroupIds",
    "publicly_accessible": "PubliclyAccessible",
    "port": "Port",
    "backup_retention_period": "BackupRetentionPeriod",
    "backup_window": "PreferredBackupWindow",
    "maintenance_window": "PreferredMaintenanceWindow",
    "copy_tags_to_snapshot": "CopyTagsToSnapshot",
    "auto_minor_version_upgrade": "AutoMinorVersionUpgrade",
    "deletion_protection": "DeletionProtection",
    "ca_certificate": "CACertificateIdentifier",
    "parameter_group_name": "DBParameterGroupName",
    "performance_insights": "EnablePerformanceInsights",
    "enabled_cloudwatch_logs_exports": "EnableCloudwatchLogsExports",
    "tags": "Tags",
}
IMMUTABLE = frozenset({"engine", "storage_encrypted", "kms_key_id", "db_name", "username", "subnet_group_name"})
REQUIRED = ("instance_class", "allocated_storage", "username", "password_parameter")
LISTS = ("security_group_ids", "enabled_cloudwatch_logs_exports")
LOWERED = ("backup_window", "maintenance_window", "subnet_group_name", "parameter_group_name")
STORAGE = ("allocated_storage", "storage_type", "iops", "storage_throughput")

# What RDS tells only once the instance is made.
LATE = ("port", "multi_az", "ca_certificate", "performance_insights", "enabled_cloudwatch_logs_exports")
# The states in which ModifyDBInstance is taken; the last two are mended by it.
CHANGEABLE = ("available", "storage-initialization", "storage-optimization", "storage-full", "incompatible-parameters")

# RDS User Guide, "Amazon RDS DB instance storage": what a storage type takes, and the least of it.
LEAST: dict[str, dict[str, int]] = {
    "gp2": {},
    "gp3": {"iops": 12000, "storage_throughput": 500},
    "io1": {"iops": 1000},
    "io2": {"iops": 1000},
}
GP3_STRIPED = 400  # GB from which gp3 storage of PostgreSQL is striped, and takes any
PROVISIONED = ("io1", "io2")
PROVISIONED_SIZE = 100  # GB, the least

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60  # minutes
WEEK = 7 * DAY

MENDS = {
    "CertificateNotFound": "ca_certificate {ca_certificate} does not exist in this region: choose one that DescribeCertificates lists.",
    "DBParameterGroupNotFound": "parameter_group_name {parameter_group_name} does not exist: create the group first.",
    "DBSnapshotAlreadyExists": "final_snapshot_id {final_snapshot_id} is taken: choose another name.",
    "DBSubnetGroupDoesNotCoverEnoughAZs": "subnet_group_name {subnet_group_name} has too few zones: add a subnet in another one.",
    "DBSubnetGroupNotFoundFault": "subnet_group_name {subnet_group_name} does not exist: create the group first.",
    "InstanceQuotaExceeded": "the account has as many RDS instances as its quota allows: delete one, or ask Service Quotas for more.",
    "InsufficientDBInstanceCapacity": "AWS has no {instance_class} to give in the subnet group's zones now: "
    "set another instance_class, add a subnet in another zone to the subnet group, or run again later.",
    "InvalidDBInstanceState": "RDS takes no change in its present state: run again when it is available.",
    "KMSKeyNotAccessibleFault": "RDS may not use kms_key_id {kms_key_id}: enable the key, and allow rds.amazonaws.com to use it.",
    "SnapshotQuotaExceeded": "the account has as many snapshots as its quota allows: delete one, or set skip_final_snapshot.",
    "StorageQuotaExceeded": "the account's quota of RDS storage is used up: set less allocated_storage, or ask Service Quotas for more.",
    "StorageTypeNotSupported": "{instance_class} does not take storage_type {storage_type}: change one of them.",
}


class DbInstance(Resource):
    immutable = IMMUTABLE

    def __init__(self, module: t.Any) -> None:
        self.module = module
        self.params: State = module.params
        self.id: str = self.params["id"]
        self.rds = client(module, "rds")
        self.fail_json: c.Callable[..., t.NoReturn] = module.fail_json
        self.fields: State = {}
        self.observed: State | None = None
        self.created: State | None = None  # CreateDBInstance's answer

    @property
    def label(self) -> str:
        return f"RDS instance {self.id}"

    def declared(self) -> State:
        self.fields = comparable(self.params, self.observed)
        if self.observed is None:
            if missing := [option for option in REQUIRED if self.params[option] is None]:
                self._fail(f"does not exist, and {', '.join(missing)} are missing to create it.")
            changes = self.fields
        else:
            if self.params["reset_password"]:
                self.fields["password"] = "(sensitive, sent again)"
            changes = differences(self.fields, self.observed)
            if self.immutable & changes.keys():
                return self.fields
            if problem := refusal(changes, self.observed, major_upgrade=self.params["allow_major_version_upgrade"]):
                self._fail(problem)
        if "engine_version" in changes:
            self.fields["engine_version"] = self._offered(changes["engine_version"])
        return self.fields

    def read(self) -> State | None:
        try:
            instance = self.rds.describe_db_instances(DBInstanceIdentifier=self.id, aws_retry=True)["DBInstances"][0]
        except is_boto3_error_code("DBInstanceNotFound"):
            instance = self.created
        absent = self.params["state"] == "absent"
        if instance and instance["DBInstanceStatus"] == "deleting":
            if not absent:
                self._fail("is being deleted: run again when it is gone.")
            instance = None
        self.observed = observed(instance) if instance else None
        if self.observed is None:
            return None
        if absent and self.observed["deletion_protection"] and not self.params["lift_protection"]:
            self._fail("is protected from deletion: set lift_protection to delete it all the same.")
        if self.observed["status"] == "creating":
            # What it was created with is on its way, whatever RDS tells of it yet.
            fields = comparable(self.params, self.observed)
            self.observed |= self.fields if self.created else {field: fields[field] for field in LATE if field in fields}
        if self.params["reset_password"]:
            self.observed["password"] = "(sensitive)"
        return self.observed

    def unknown(self) -> State:
        meta = self.rds.meta
        return {
            "id": self.id,
            "arn": f"arn:{meta.partition}:rds:{meta.region_name}:000000000000:db:{self.id}",
            "status": "creating",
            "endpoint": {
                "address": f"{self.id}.known-after-apply.{meta.region_name}.rds.amazonaws.com",
                "port": self.params["port"] or 5432,
            },
        }

    def create(self) -> None:
        request = {"DBInstanceIdentifier": self.id, "MasterUserPassword": self._password(), **creation(self.fields)}
        try:
            with self._mended():
                self.created = self.rds.create_db_instance(**request, aws_retry=True)["DBInstance"]
        except is_boto3_error_code("DBInstanceAlreadyExists"):
            pass  # an earlier try's answer was lost

    def update(self, changes: State) -> None:
        if stuck := sorted(self.immutable & changes.keys()):
            raise ImmutableFieldError(", ".join(stuck))
        found = t.cast(State, self.observed)
        if "tags" in changes:
            self.rds.add_tags_to_resource(ResourceName=found["arn"], Tags=tags_to(changes["tags"]), aws_retry=True)
        request = modification(changes, found)
        if "password" in changes:
            request["MasterUserPassword"] = self._password()
        if request:
            self._modify(ApplyImmediately=self.params["apply_immediately"], **request)

    def delete(self) -> None:
        if t.cast(State, self.observed)["deletion_protection"]:
            self._modify(ApplyImmediately=True, DeletionProtection=False)
        snapshot = self.params["final_snapshot_id"]
        request = {"FinalDBSnapshotIdentifier": snapshot} if snapshot else {"SkipFinalSnapshot": True}
        try:
            with self._mended():
                self.rds.delete_db_instance(
                    DBInstanceIdentifier=self.id,
                    DeleteAutomatedBackups=self.params["delete_automated_backups"],
                    **request,
                    aws_retry=True,
                )
        except is_boto3_error_code("DBInstanceNotFound"):
            pass

    def _modify(self, **request: t.Any) -> None:
        with self._mended():
            self.rds.modify_db_instance(DBInstanceIdentifier=self.id, **request, aws_retry=True)

    def _offered(self, version: str) -> str:
        """The version in full, a major one being its newest minor one, as RDS has it now."""
        pages = self.rds.get_paginator("describe_db_engine_versions").paginate(Engine=self.params["engine"])
        offered = [found["EngineVersion"] for page in pages for found in page["DBEngineVersions"]]
        if full := newest(version, offered):
            return full
        same = ", ".join(other for other in offered if number(other)[0] == number(version)[0])
        return self._fail(f"cannot have engine_version {version}: RDS has {same or ', '.join(offered)}.")

    def _password(self) -> str:
        name = self.params["password_parameter"]
        try:
            parameter = client(self.module, "ssm").get_parameter(Name=name, WithDecryption=True, aws_retry=True)["Parameter"]
        except is_boto3_error_code("ParameterNotFound"):
            return self._fail(f"has no password: password_parameter {name} does not exist, put the password there first.")
        password: str = parameter["Value"]
        self.module.no_log_values.add(password)
        if parameter["Type"] != "SecureString":
            self._fail(f"needs its password in a SecureString, and {name} is a {parameter['Type']}: put it again as one.")
        if not re.fullmatch(r"[!#-.0-?A-~]{8,128}", password):
            self._fail(f'cannot have the password in {name}: put 8 to 128 printable ASCII characters there, without / " @ or space.')
        return password

    @contextlib.contextmanager
    def _mended(self) -> c.Iterator[None]:
        """Fails with what to do about an error, where there is something to do."""
        try:
            yield
        except is_boto3_error_code(list(MENDS)) as error:
            mend = MENDS[error.response["Error"]["Code"]].format(**self.params)
            self.module.fail_json_aws(error, msg=f"{self.label}: {mend}")

    def _fail(self, problem: str) -> t.NoReturn:
        self.fail_json(msg=f"{self.label} {problem}")


def observed(instance: State) -> State:
    """A DBInstance in the module's terms. A change that was asked for and waits counts as made."""
    pending = instance.get("PendingModifiedValues", {})
    present = instance | pending
    logs = pending.get("PendingCloudwatchLogsExports", {})
    exported = {*instance.get("EnabledCloudwatchLogsExports", []), *logs.get("LogTypesToEnable", [])}
    endpoint = instance.get("Endpoint", {})
    port = pending.get("Port") or endpoint.get("Port")
    return {field: present.get(name) for field, name in FIELDS.items()} | {
        "id": instance["DBInstanceIdentifier"],
        "arn": instance["DBInstanceArn"],
        "status": instance["DBInstanceStatus"],
        "endpoint": {"address": endpoint.get("Address", ""), "port": port},
        "port": port,
        "max_allocated_storage": instance.get("MaxAllocatedStorage", 0),
        "subnet_group_name": pending.get("DBSubnetGroupName") or instance.get("DBSubnetGroup", {}).get("DBSubnetGroupName"),
        "security_group_ids": sorted(
            group["VpcSecurityGroupId"] for group in instance.get("VpcSecurityGroups", []) if group["Status"] != "removing"
        ),
        "parameter_group_name": next((group["DBParameterGroupName"] for group in instance.get("DBParameterGroups", [])), None),
        "performance_insights": instance.get("PerformanceInsightsEnabled", False),
        "enabled_cloudwatch_logs_exports": sorted(exported - {*logs.get("LogTypesToDisable", [])}),
        "tags": tags_from(instance.get("TagList", [])),
    }


def comparable(params: State, found: State | None) -> State:
    """The fields that the user set, as RDS writes them; what RDS moves by itself, or writes otherwise, is as found where it fits."""
    fields = set_fields(params, FIELDS)
    fields |= {field: sorted(set(fields[field])) for field in LISTS if field in fields}
    fields |= {field: fields[field].lower() for field in LOWERED if field in fields}
    if found is None:
        return {"storage_type": "gp3"} | fields
    return fields | {field: found[field] for field, fits in FITTING.items() if field in fields and fits(fields, found)}


def number(version: str) -> tuple[int, ...]:
    """15.8 as (15, 8), to be compared."""
    return tuple(map(int, re.findall(r"\d+", version)))


def newest(version: str, offered: c.Iterable[str]) -> str | None:
    """The newest of the versions that `version`, major or full, stands for."""
    wanted = number(version)
    return max((other for other in offered if number(other)[: len(wanted)] == wanted), key=number, default=None)


def _version_fits(fields: State, found: State) -> bool:
    wanted, running = number(fields["engine_version"]), number(found["engine_version"])
    moves = fields.get("auto_minor_version_upgrade", found["auto_minor_version_upgrade"])
    return running[: len(wanted)] == wanted or bool(moves and running[0] == wanted[0] and running > wanted)


def _storage_fits(fields: State, found: State) -> bool:
    most = fields.get("max_allocated_storage", found["max_allocated_storage"])
    return bool(fields["allocated_storage"] <= found["allocated_storage"] <= most)


def _key_fits(fields: State, found: State) -> bool:
    return (found["kms_key_id"] or "").endswith(f":key/{fields['kms_key_id']}")


FITTING: dict[str, c.Callable[[State, State], bool]] = {
    "engine_version": _version_fits,
    "allocated_storage": _storage_fits,
    "kms_key_id": _key_fits,
}


def refusal(changes: State, found: State, *, major_upgrade: bool) -> str | None:
    """What RDS would not do of `changes`, and the mend."""
    if "engine_version" in changes:
        wanted, running = number(changes["engine_version"]), number(found["engine_version"])
        if wanted < running:
            return f"runs {found['engine_version']}, and RDS never goes back to an older engine_version: set it to {running[0]} or newer."
        if wanted[0] > running[0] and not major_upgrade:
            return (
                f"runs {found['engine_version']}, and engine_version {changes['engine_version']} is a major upgrade: "
                "take a snapshot, then set allow_major_version_upgrade."
            )
    if changes.get("allocated_storage", found["allocated_storage"]) < found["allocated_storage"]:
        return f"has allocated_storage of {found['allocated_storage']} GB, which RDS never shrinks: set it to that or more."
    for field in ("allocated_storage", "iops"):
        value: int = found[field] or 0
        if value < changes.get(field, value) < a_tenth_more(value):
            return f"has {field} of {value}, which grows by a tenth at least: set it to {a_tenth_more(value)} or more."
    if not (differing := ", ".join(sorted(changes.keys() - {"tags"}))) or found["status"] in CHANGEABLE:
        return None
    if found["status"] == "stopped":
        return f"is stopped, and RDS changes only the tags of a stopped one: start it, then run again to change {differing}."
    return f"is {found['status']}: run again when it is available to change {differing}."


def creation(fields: State) -> State:
    """CreateDBInstance's parameters."""
    request = {FIELDS[field]: value for field, value in fields.items() if field != "tags"}
    if not request.get("MaxAllocatedStorage"):
        request.pop("MaxAllocatedStorage", None)
    return request | ({"Tags": tags_to(fields["tags"])} if fields.get("tags") else {})


def modification(changes: State, found: State) -> State:
    """ModifyDBInstance's parameters; tags and password go another way."""
    after = found | changes
    request = {FIELDS[field]: value for field, value in changes.items() if field in FIELDS and field != "tags"}
    if "Port" in request:
        request["DBPortNumber"] = request.pop("Port")
    if "EnableCloudwatchLogsExports" in request:
        wanted, had = set(request.pop("EnableCloudwatchLogsExports")), set(found["enabled_cloudwatch_logs_exports"])
        lists = {"EnableLogTypes": sorted(wanted - had), "DisableLogTypes": sorted(had - wanted)}
        request["CloudwatchLogsExportConfiguration"] = {name: types for name, types in lists.items() if types}
    if request.get("MaxAllocatedStorage") == 0:
        request["MaxAllocatedStorage"] = after["allocated_storage"]  # storage that may not grow does not scale
    if "EngineVersion" in request and number(after["engine_version"])[0] > number(found["engine_version"])[0]:
        request["AllowMajorVersionUpgrade"] = True
    if changes.keys() & set(STORAGE):
        # The size goes with every change of the storage, and the IOPS wherever they can be set.
        request["AllocatedStorage"] = after["allocated_storage"]
        if after["storage_type"] == "gp3" and after["allocated_storage"] >= GP3_STRIPED:
            request["Iops"] = max(after["iops"] or 0, LEAST["gp3"]["iops"])
        elif after["storage_type"] in PROVISIONED:
            request["Iops"] = after["iops"]
    return request


def problem(params: State) -> str | None:
    """What RDS would refuse of options that do not go together, and the mend."""
    if params["state"] == "absent" and bool(params["final_snapshot_id"]) == params["skip_final_snapshot"]:
        return "state is absent: set either final_snapshot_id, or skip_final_snapshot to true."
    if params["kms_key_id"] and params["storage_encrypted"] is False:
        return "kms_key_id is set and storage_encrypted is false: leave one of them out."
    return _storage_problem(params) or _window_problem(params)


def _storage_problem(params: State) -> str | None:
    size, most, kind = params["allocated_storage"], params["max_allocated_storage"], params["storage_type"] or "gp3"
    if size and most and most < a_tenth_more(size):
        return f"max_allocated_storage is {most}: set it to {a_tenth_more(size)} or more, or to 0 for storage that does not grow by itself."
    for option in (option for option in ("iops", "storage_throughput") if params[option] is not None):
        if option not in LEAST[kind]:
            return f"{option} is set and storage_type is {kind}, which does not take it: leave it out, or set storage_type to gp3."
        if kind == "gp3" and size and size < GP3_STRIPED:
            return f"{option} is set, and gp3 storage takes it from {GP3_STRIPED} GB on: leave it out, or set a larger allocated_storage."
        if params[option] < (least := LEAST[kind][option]):
            return f"{option} is {params[option]}: set it to {least} or more."
    if kind in PROVISIONED and size and (size < PROVISIONED_SIZE or params["iops"] is None):
        return f"storage_type is {kind}: set iops, and allocated_storage to {PROVISIONED_SIZE} or more."
    return None


def _window_problem(params: State) -> str | None:
    spans = {option: span(params[option]) for option in ("backup_window", "maintenance_window") if params[option]}
    for option, window in spans.items():
        if window[1] < 30:
            return f"{option} is {params[option]}, which is {window[1]} minutes: make it 30 or more."
    if len(spans) == 2 and overlap(*spans.values()):
        return f"backup_window {params['backup_window']} and maintenance_window {params['maintenance_window']} overlap: move one."
    return None


def span(window: str) -> tuple[int, int]:
    """Where a daily or weekly window begins, in minutes of the day or the week, and how many it lasts."""

    def minute(text: str) -> int:
        *day, hours, minutes = text.split(":")
        return DAY * sum(map(DAYS.index, day)) + 60 * int(hours) + int(minutes)

    start, end = map(minute, window.lower().split("-"))
    return start, (end - start) % (WEEK if window[:1].isalpha() else DAY)


def overlap(daily: tuple[int, int], weekly: tuple[int, int]) -> bool:
    """Whether a daily window meets a weekly one on any day."""
    (start, length), (first, lasting) = daily, weekly
    return any((start + day * DAY - first) % WEEK < lasting or (first - start - day * DAY) % WEEK < length for day in range(7))


def a_tenth_more(value: int) -> int:
    return -(-value * 11 // 10)
