# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What sandbox.gaps adds to moto's RDS."""

from __future__ import annotations

import collections.abc as c
import typing as t

import pytest
from botocore.exceptions import ClientError

Client = t.Any
DATABASE = {
    "DBInstanceIdentifier": "data",
    "DBInstanceClass": "db.t3.medium",
    "Engine": "postgres",
    "EngineVersion": "15",
    "MasterUsername": "medusa",
    "MasterUserPassword": "long-enough",
    "AllocatedStorage": 20,
    "StorageType": "gp3",
}


@pytest.fixture
def rds(aws: c.Callable[[str], Client]) -> Client:
    return aws("rds")


def refused(code: str) -> pytest.RaisesExc[ClientError]:
    return pytest.raises(ClientError, match=code)


def database(rds: Client) -> dict[str, t.Any]:
    return t.cast(dict[str, t.Any], rds.describe_db_instances(DBInstanceIdentifier="data")["DBInstances"][0])


class TestCatalogue:
    @pytest.mark.parametrize("name", ["db.t3.medium", "db.t4g.micro", "db.m7g.large"])
    def test_classes_that_can_be_had(self, rds: Client, name: str) -> None:
        version = rds.describe_db_engine_versions(Engine="postgres", EngineVersion="17")["DBEngineVersions"][-1]["EngineVersion"]
        options = rds.describe_orderable_db_instance_options(Engine="postgres", EngineVersion=version, DBInstanceClass=name)
        option = next(option for option in options["OrderableDBInstanceOptions"] if option["StorageType"] == "gp3")
        assert {zone["Name"] for zone in option["AvailabilityZones"]} >= {"eu-west-3a", "eu-west-3b"}
        assert (option["MultiAZCapable"], option["SupportsStorageEncryption"], option["Vpc"]) == (True, True, True)

    @pytest.mark.parametrize("wrong", [{"DBInstanceClass": "db.t3.huge"}, {"EngineVersion": "15.99"}])
    def test_invented_ones_give_nothing(self, rds: Client, wrong: dict[str, str]) -> None:
        assert not rds.describe_orderable_db_instance_options(Engine="postgres", **wrong)["OrderableDBInstanceOptions"]

    def test_options_come_in_pages(self, rds: Client) -> None:
        pages = list(rds.get_paginator("describe_orderable_db_instance_options").paginate(Engine="postgres"))
        assert len(pages) > 1
        options = [option for page in pages for option in page["OrderableDBInstanceOptions"]]
        assert len({(option["EngineVersion"], option["DBInstanceClass"], option["StorageType"]) for option in options}) == len(options)

    def test_versions(self, rds: Client) -> None:
        def versions(**wanted: str) -> list[tuple[str, str]]:
            answer = rds.describe_db_engine_versions(**wanted)["DBEngineVersions"]
            return [(version["EngineVersion"], version["DBParameterGroupFamily"]) for version in answer]

        assert {family for _, family in versions(Engine="postgres")} >= {"postgres15", "postgres16", "postgres17"}
        assert {family for _, family in versions(Engine="postgres", EngineVersion="16")} == {"postgres16"}
        newest = versions(Engine="postgres", DBParameterGroupFamily="postgres15")[-1]
        assert versions(Engine="postgres", EngineVersion=newest[0]) == [newest]
        assert versions(Engine="postgres", EngineVersion="99") == versions(Engine="nothing") == []


class TestInstances:
    def test_what_is_filled_in(self, rds: Client) -> None:
        rds.create_db_instance(**DATABASE)
        rds.create_db_instance(**DATABASE | {"DBInstanceIdentifier": "other"})
        made, other = rds.describe_db_instances()["DBInstances"]
        assert (made["StorageType"], made["Iops"], made["StorageThroughput"]) == ("gp3", 3000, 125)
        assert made["EngineVersion"] == rds.describe_db_engine_versions(EngineVersion="15")["DBEngineVersions"][-1]["EngineVersion"]
        assert made["DbiResourceId"] != other["DbiResourceId"]

    def test_version_goes_up_and_to_another_major_one_only_when_allowed(self, rds: Client) -> None:
        rds.create_db_instance(**DATABASE | {"EngineVersion": "16"})
        for refused_version in ("17", "15"):
            with refused("InvalidParameterCombination"):
                rds.modify_db_instance(DBInstanceIdentifier="data", EngineVersion=refused_version, ApplyImmediately=True)
        rds.modify_db_instance(DBInstanceIdentifier="data", EngineVersion="17", AllowMajorVersionUpgrade=True, ApplyImmediately=True)
        assert database(rds)["EngineVersion"].startswith("17.")

    def test_port_and_performance_insights_are_kept(self, rds: Client) -> None:
        rds.create_db_instance(**DATABASE, Port=5433, EnablePerformanceInsights=True)
        assert (database(rds)["Endpoint"]["Port"], database(rds)["PerformanceInsightsEnabled"]) == (5433, True)
        rds.modify_db_instance(DBInstanceIdentifier="data", DBPortNumber=5432, EnablePerformanceInsights=False)
        assert (database(rds)["Endpoint"]["Port"], database(rds)["PerformanceInsightsEnabled"]) == (5432, False)

    @pytest.mark.parametrize("password", ["short", "has/slash", "has@sign", 'has"quote', "has space", "has-é-in-it"])
    def test_password_that_is_refused(self, rds: Client, password: str) -> None:
        with refused("InvalidParameterValue.*MasterUserPassword"):
            rds.create_db_instance(**DATABASE | {"MasterUserPassword": password})
        rds.create_db_instance(**DATABASE)
        with refused("InvalidParameterValue.*MasterUserPassword"):
            rds.modify_db_instance(DBInstanceIdentifier="data", MasterUserPassword=password)

    @pytest.mark.parametrize("wrong", [{"DBInstanceClass": "db.t3.huge"}, {"EngineVersion": "15.99"}])
    def test_class_and_version_that_do_not_exist(self, rds: Client, wrong: dict[str, str]) -> None:
        with refused("InvalidParameter"):
            rds.create_db_instance(**DATABASE | wrong)
        rds.create_db_instance(**DATABASE)
        with refused("InvalidParameter"):
            rds.modify_db_instance(DBInstanceIdentifier="data", **wrong)

    def test_final_snapshot_is_named_or_declined(self, rds: Client) -> None:
        rds.create_db_instance(**DATABASE)
        for choice in ({}, {"SkipFinalSnapshot": False}, {"SkipFinalSnapshot": True, "FinalDBSnapshotIdentifier": "last"}):
            with refused("InvalidParameterCombination"):
                rds.delete_db_instance(DBInstanceIdentifier="data", **choice)
        rds.delete_db_instance(DBInstanceIdentifier="data", FinalDBSnapshotIdentifier="last")
        assert rds.describe_db_snapshots(DBSnapshotIdentifier="last")["DBSnapshots"]


def test_unknown_parameter_group(rds: Client) -> None:
    with refused("DBParameterGroupNotFound"):
        rds.describe_db_parameter_groups(DBParameterGroupName="missing")
    rds.create_db_parameter_group(DBParameterGroupName="mine", DBParameterGroupFamily="postgres15", Description="mine")
    assert rds.describe_db_parameter_groups(DBParameterGroupName="mine")["DBParameterGroups"]
    assert rds.describe_db_parameter_groups()["DBParameterGroups"]


def test_subnet_groups(rds: Client, aws: c.Callable[[str], Client]) -> None:
    subnets = [subnet["SubnetId"] for subnet in aws("ec2").describe_subnets()["Subnets"]]
    group = {"DBSubnetGroupName": "data", "DBSubnetGroupDescription": "data"}
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        rds.create_db_subnet_group(**group, SubnetIds=subnets[:1])
    rds.create_db_subnet_group(**group, SubnetIds=subnets[:2])
    with refused("DBSubnetGroupAlreadyExists"):
        rds.create_db_subnet_group(**group, SubnetIds=subnets[:2])
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        rds.modify_db_subnet_group(**group, SubnetIds=subnets[:1])
    rds.modify_db_subnet_group(**group, SubnetIds=subnets)
    assert len(rds.describe_db_subnet_groups(DBSubnetGroupName="data")["DBSubnetGroups"][0]["Subnets"]) == len(subnets)
    with refused("DBSubnetGroupNotFound"):
        rds.modify_db_subnet_group(DBSubnetGroupName="missing", SubnetIds=subnets)
