# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""RDS (API reference 2014-10-31)."""

from __future__ import annotations

import re
import typing as t

from moto.core.responses import ActionResult, PaginatedResult
from moto.core.utils import get_pagination_model
from moto.ec2.models import ec2_backends
from moto.moto_api._internal import mock_random
from moto.rds.exceptions import DBParameterGroupNotFoundError, InvalidParameterCombination, InvalidParameterValue, RDSClientError
from moto.rds.models import DBInstance, DBSubnetGroup, RDSBackend
from moto.rds.responses import RDSResponse

from sandbox.patch import adds, wraps

State = dict[str, t.Any]

# PostgreSQL's minor versions that RDS still creates, newest last
# (Release Notes for RDS for PostgreSQL; those below were retired on 2026-05-31).
MINORS = {"14": range(18, 21), "15": range(13, 16), "16": range(9, 12), "17": range(5, 8)}
VERSIONS = [f"{major}.{minor}" for major, minors in MINORS.items() for minor in minors]

# RDS User Guide, "Supported DB engines for DB instance classes".
SMALL = ("micro", "small", "medium", "large", "xlarge", "2xlarge")
LARGE = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge", "12xlarge", "16xlarge", "24xlarge")
CLASSES = [
    f"db.{family}.{size}"
    for families, sizes in {("t3", "t4g"): SMALL, ("m5", "m6g", "m6i", "m7g", "r5", "r6g", "r6i", "r7g"): LARGE}.items()
    for family in families
    for size in sizes
]


@adds(RDSResponse)
def describe_db_engine_versions(self: RDSResponse) -> ActionResult:
    """DescribeDBEngineVersions of PostgreSQL; a major version stands for all of its minor ones."""
    wanted = self.params.get("EngineVersion", "")
    versions = [version for version in VERSIONS if not wanted or version == wanted or version.startswith(f"{wanted}.")]
    if self.params.get("Engine", "postgres") != "postgres":
        versions = []
    return PaginatedResult(
        {
            "DBEngineVersions": [
                {
                    "Engine": "postgres",
                    "EngineVersion": version,
                    "MajorEngineVersion": version.split(".")[0],
                    "DBParameterGroupFamily": f"postgres{version.split('.')[0]}",
                    "DBEngineDescription": "PostgreSQL",
                    "DBEngineVersionDescription": f"PostgreSQL {version}-R1",
                    "Status": "available",
                }
                for version in versions
                if self.params.get("DBParameterGroupFamily", "") in ("", f"postgres{version.split('.')[0]}")
            ]
        }
    )


# DescribeOrderableDBInstanceOptions: what tells two options apart, and so one page from the next.
get_pagination_model("rds")["DescribeOrderableDBInstanceOptions"]["unique_attribute"] = ["EngineVersion", "DBInstanceClass", "StorageType"]


@wraps(RDSBackend)
def describe_orderable_db_instance_options(moto: t.Any, self: RDSBackend, engine: str, engine_version: str) -> list[State]:
    """DescribeOrderableDBInstanceOptions of PostgreSQL: each class, version and storage type that can be had."""
    if engine != "postgres":
        return t.cast(list[State], moto(self, engine, engine_version))
    zones = [{"Name": zone.name} for zone in ec2_backends[self.account_id][self.region_name].describe_availability_zones()]
    return [
        {
            "Engine": "postgres",
            "EngineVersion": version,
            "DBInstanceClass": name,
            "LicenseModel": "postgresql-license",
            "AvailabilityZones": zones,
            "MultiAZCapable": True,
            "ReadReplicaCapable": True,
            "Vpc": True,
            "SupportsStorageEncryption": True,
            "StorageType": storage,
        }
        for version in VERSIONS
        if engine_version in (None, version)
        for name in CLASSES
        for storage in ("gp2", "gp3", "io1")
    ]


@wraps(RDSResponse, "describe_orderable_db_instance_options")
def _describe_orderable_db_instance_options(moto: t.Any, self: RDSResponse) -> ActionResult:
    """DescribeOrderableDBInstanceOptions: by DBInstanceClass."""
    answer = moto(self)
    if wanted := self.params.get("DBInstanceClass"):
        options = answer.result["OrderableDBInstanceOptions"]
        answer.result["OrderableDBInstanceOptions"] = [option for option in options if option["DBInstanceClass"] == wanted]
    return t.cast(ActionResult, answer)


@wraps(RDSBackend)
def create_db_instance(moto: t.Any, self: RDSBackend, db_kwargs: t.Any) -> DBInstance:
    """CreateDBInstance: only passwords, versions and classes that exist; a major version is its newest minor one."""
    _check(db_kwargs)
    database = t.cast(DBInstance, moto(self, db_kwargs))
    database.dbi_resource_id = f"db-{mock_random.get_random_string(26).upper()}"
    _settle(database, db_kwargs)
    return database


@wraps(RDSBackend)
def modify_db_instance(moto: t.Any, self: RDSBackend, db_instance_identifier: str, db_kwargs: t.Any) -> DBInstance:
    """ModifyDBInstance: as CreateDBInstance; never to an older version, to another major one only when that is allowed."""
    database = self.describe_db_instances(db_instance_identifier)[0]
    _check({"engine": database.engine, **db_kwargs})
    if database.engine == "postgres" and (wanted := db_kwargs.get("engine_version")):
        here, there = ([int(part) for part in version.split(".")] for version in (database.engine_version, wanted))
        if there < here[: len(there)]:
            raise InvalidParameterCombination(f"Cannot upgrade postgres from {database.engine_version} to {wanted}")
        if there[0] > here[0] and not db_kwargs.get("allow_major_version_upgrade"):
            raise InvalidParameterCombination("The AllowMajorVersionUpgrade flag must be present when upgrading to a new major version.")
    database = moto(self, db_instance_identifier, db_kwargs)
    _settle(database, db_kwargs)
    return t.cast(DBInstance, database)


def _check(request: t.Any) -> None:
    password = request.get("master_user_password")
    if password is not None and len(password) < 8:
        raise InvalidParameterValue("The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters.")
    if re.search(r"[^!-~]|[/@\"]", password or ""):
        message = "Only printable ASCII characters besides '/', '@', '\"', ' ' may be used."
        raise InvalidParameterValue(f"The parameter MasterUserPassword is not a valid password. {message}")
    if request.get("engine") != "postgres":
        return
    version = request.get("engine_version")
    if version and version not in VERSIONS and version not in MINORS:
        raise InvalidParameterCombination(f"Cannot find version {version} for postgres")
    if request.get("db_instance_class", CLASSES[0]) not in CLASSES:
        raise InvalidParameterValue(f"Invalid DB Instance class: {request['db_instance_class']}")


def _settle(database: t.Any, request: t.Any) -> None:
    """What RDS fills in: the minor version; of gp3 storage the least IOPS and throughput, which are more from 400 GiB on.

    And what moto does not take over: the port of ModifyDBInstance, and Performance Insights.
    """
    database.port = request.get("db_port_number", database.port)
    database.performance_insights_enabled = request.get(
        "enable_performance_insights", getattr(database, "performance_insights_enabled", False)
    )
    if database.engine == "postgres" and database.engine_version in MINORS:
        database.engine_version = f"{database.engine_version}.{MINORS[database.engine_version][-1]}"
    if database.storage_type == "gp3":
        large = database.allocated_storage >= 400
        database.iops = database.iops or (12000 if large else 3000)
        database.storage_throughput = database.storage_throughput or (500 if large else 125)


@wraps(RDSBackend)
def delete_db_instance(
    moto: t.Any, self: RDSBackend, db_instance_identifier: str, *, final_db_snapshot_identifier: str = "", **options: t.Any
) -> DBInstance:
    """DeleteDBInstance: a final snapshot is either named or declined."""
    skipped = bool(options.get("skip_final_snapshot"))
    if not skipped and not final_db_snapshot_identifier:
        raise InvalidParameterCombination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
    if skipped and final_db_snapshot_identifier:
        raise InvalidParameterCombination("FinalDBSnapshotIdentifier can not be specified when SkipFinalSnapshot is specified.")
    return t.cast(DBInstance, moto(self, db_instance_identifier, final_db_snapshot_identifier or None, **options))


@wraps(RDSBackend)
def describe_db_parameter_groups(moto: t.Any, self: RDSBackend, db_parameter_group_kwargs: t.Any) -> list[t.Any]:
    """DescribeDBParameterGroups: an unknown name is an error."""
    groups = t.cast(list[t.Any], moto(self, db_parameter_group_kwargs))
    if not groups and (name := db_parameter_group_kwargs.get("db_parameter_group_name")):
        raise DBParameterGroupNotFoundError(name)
    return groups


@wraps(RDSBackend)
def create_subnet_group(
    moto: t.Any, self: RDSBackend, subnet_name: str, description: str, subnets: list[t.Any], tags: t.Any
) -> DBSubnetGroup:
    """CreateDBSubnetGroup: a name is given once, and to subnets of two zones or more."""
    if subnet_name.lower() in self.subnet_groups:
        raise RDSClientError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{subnet_name.lower()}' already exists.")
    _check_zones(subnets)
    return t.cast(DBSubnetGroup, moto(self, subnet_name, description, subnets, tags))


@wraps(RDSBackend)
def modify_db_subnet_group(moto: t.Any, self: RDSBackend, subnet_name: str, description: str, subnets: list[t.Any]) -> DBSubnetGroup:
    """ModifyDBSubnetGroup: the group stays in the account."""
    _check_zones(subnets)
    self.describe_db_subnet_groups(subnet_name)
    group = t.cast(DBSubnetGroup, moto(self, subnet_name, description, subnets))
    self.subnet_groups[subnet_name] = group
    return group


def _check_zones(subnets: list[t.Any]) -> None:
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        message = "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage is below 2."
        raise RDSClientError("DBSubnetGroupDoesNotCoverEnoughAZs", message)


@wraps(RDSBackend)
def delete_subnet_group(moto: t.Any, self: RDSBackend, subnet_name: str) -> DBSubnetGroup:
    """DeleteDBSubnetGroup: none that a database is in."""
    group = self.subnet_groups.get(subnet_name)
    if group and any(getattr(database, "db_subnet_group", None) is group for database in self.databases.values()):
        message = f"Cannot delete the subnet group '{subnet_name}' because at least one database instance is still using it."
        raise RDSClientError("InvalidDBSubnetGroupStateFault", message)
    return t.cast(DBSubnetGroup, moto(self, subnet_name))
