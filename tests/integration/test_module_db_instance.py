# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""db_instance against the sandbox: what RDS has afterwards, and what it was asked."""

from __future__ import annotations

import json

import pytest

PASSWORD = "correct-horse-battery-staple-15"
PARAMETER = "/greenleaf/test/rds/password"


@pytest.fixture
def declared(aws):
    """A subnet group, a security group and a password, and an instance that uses them."""
    ec2, ssm = aws("ec2"), aws("ssm")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-west-3{zone}")["Subnet"]["SubnetId"]
        for number, zone in enumerate("ab")
    ]
    group = ec2.create_security_group(GroupName="data", Description="data", VpcId=vpc)["GroupId"]
    aws("rds").create_db_subnet_group(DBSubnetGroupName="greenleaf-test", DBSubnetGroupDescription="test", SubnetIds=subnets)
    ssm.put_parameter(Name=PARAMETER, Type="SecureString", Value=PASSWORD)
    return {
        "id": "greenleaf-test",
        "engine_version": "15",
        "instance_class": "db.t3.medium",
        "allocated_storage": 20,
        "storage_type": "gp3",
        "storage_encrypted": True,
        "multi_az": True,
        "db_name": "medusa",
        "username": "medusa",
        "password_parameter": PARAMETER,
        "subnet_group_name": "greenleaf-test",
        "security_group_ids": [group],
        "backup_retention_period": 7,
        "backup_window": "02:00-03:00",
        "maintenance_window": "Sun:04:00-Sun:05:00",
        "copy_tags_to_snapshot": True,
        "auto_minor_version_upgrade": True,
        "deletion_protection": True,
        "performance_insights": True,
        "enabled_cloudwatch_logs_exports": ["upgrade", "postgresql"],
        "tags": {"Environment": "test"},
    }


@pytest.fixture
def instance(aws):
    """Tells the instance as RDS has it."""
    return lambda: aws("rds").describe_db_instances(DBInstanceIdentifier="greenleaf-test")["DBInstances"][0]


@pytest.fixture
def made(declared, run_module):
    """The instance, made."""
    return run_module("db_instance", **declared)["resource"]


def actions(account, since):
    return [request["action"] for request in account.writes(since)]


def test_converges(declared, assert_converges, instance, account):
    mark = account.mark()
    result = assert_converges("db_instance", **declared)
    found = instance()
    assert found["EngineVersion"].startswith("15.")
    assert found["DBSubnetGroup"]["DBSubnetGroupName"] == "greenleaf-test"
    assert [group["VpcSecurityGroupId"] for group in found["VpcSecurityGroups"]] == declared["security_group_ids"]
    assert found["PreferredMaintenanceWindow"] == "sun:04:00-sun:05:00"
    assert (found["MultiAZ"], found["StorageEncrypted"], found["PubliclyAccessible"]) == (True, True, False)
    assert (found["DeletionProtection"], found["PerformanceInsightsEnabled"]) == (True, True)
    assert sorted(found["EnabledCloudwatchLogsExports"]) == ["postgresql", "upgrade"]
    assert found["TagList"] == [{"Key": "Environment", "Value": "test"}]
    told = result["resource"]
    assert (told["id"], told["arn"], told["status"]) == ("greenleaf-test", found["DBInstanceArn"], "available")
    assert told["endpoint"] == {"address": found["Endpoint"]["Address"], "port": 5432}
    assert told["engine_version"] == found["EngineVersion"]
    assert actions(account, mark) == ["CreateDBInstance"]
    assert PASSWORD not in json.dumps(result)


def test_check_mode_plans_without_a_password(declared, aws, run_module):
    aws("ssm").delete_parameter(Name=PARAMETER)
    result = run_module("db_instance", check_mode=True, **declared)
    assert result["diff"]["before"] == {}
    assert result["diff"]["after"]["instance_class"] == "db.t3.medium"
    assert result["resource"]["endpoint"]["address"] == "greenleaf-test.known-after-apply.eu-west-3.rds.amazonaws.com"
    assert PARAMETER in run_module("db_instance", fails=True, **declared)["msg"]


@pytest.mark.parametrize("value", ["short", "has/slash-in-it"])
def test_a_bad_password_makes_nothing(value, declared, aws, run_module, account):
    aws("ssm").put_parameter(Name=PARAMETER, Type="SecureString", Value=value, Overwrite=True)
    mark = account.mark()
    assert value not in json.dumps(run_module("db_instance", fails=True, **declared))
    assert actions(account, mark) == []


@pytest.mark.parametrize(
    ("change", "drifted"),
    [
        ({"DBInstanceClass": "db.t3.small"}, {"instance_class"}),
        ({"MultiAZ": False}, {"multi_az"}),
        ({"BackupRetentionPeriod": 1}, {"backup_retention_period"}),
        ({"DeletionProtection": False, "PubliclyAccessible": True}, {"deletion_protection", "publicly_accessible"}),
        ({"CloudwatchLogsExportConfiguration": {"DisableLogTypes": ["upgrade"]}}, {"enabled_cloudwatch_logs_exports"}),
        ({"EnablePerformanceInsights": False}, {"performance_insights"}),
        ({"PreferredBackupWindow": "12:00-13:00"}, {"backup_window"}),
    ],
)
def test_drift_is_told_and_mended(change, drifted, declared, made, aws, instance, assert_converges, account):
    before = instance()
    aws("rds").modify_db_instance(DBInstanceIdentifier="greenleaf-test", ApplyImmediately=True, **change)
    mark = account.mark()
    result = assert_converges("db_instance", **declared)
    assert result["diff"]["before"].keys() == result["diff"]["after"].keys() == drifted
    assert actions(account, mark) == ["ModifyDBInstance"]
    after = instance()
    assert {name for name in before if before[name] != after[name]} <= {"LatestRestorableTime"}


def test_what_nobody_declared_stays(made, aws, instance, run_module):
    assert not run_module("db_instance", id="greenleaf-test")["changed"]
    aws("rds").add_tags_to_resource(ResourceName=made["arn"], Tags=[{"Key": "Owner", "Value": "somebody"}])
    run_module("db_instance", id="greenleaf-test", tags={"Environment": "prod"})
    assert {tag["Key"]: tag["Value"] for tag in instance()["TagList"]} == {"Environment": "prod", "Owner": "somebody"}


def test_storage_only_grows(made, instance, assert_converges, run_module):
    assert_converges("db_instance", id="greenleaf-test", allocated_storage=40, max_allocated_storage=100)
    assert (instance()["AllocatedStorage"], instance()["MaxAllocatedStorage"]) == (40, 100)
    assert (
        "never shrinks" in run_module("db_instance", id="greenleaf-test", allocated_storage=20, max_allocated_storage=30, fails=True)["msg"]
    )
    assert_converges("db_instance", id="greenleaf-test", max_allocated_storage=0)
    assert "MaxAllocatedStorage" not in instance()


def test_the_port_moves(made, instance, assert_converges):
    assert_converges("db_instance", id="greenleaf-test", port=5433)
    assert instance()["Endpoint"]["Port"] == 5433


def test_a_major_upgrade_is_asked_for(made, instance, assert_converges, run_module):
    assert "allow_major_version_upgrade" in run_module("db_instance", id="greenleaf-test", engine_version="16", fails=True)["msg"]
    assert_converges("db_instance", id="greenleaf-test", engine_version="16", allow_major_version_upgrade=True)
    assert instance()["EngineVersion"].startswith("16.")
    assert "never goes back" in run_module("db_instance", id="greenleaf-test", engine_version="15", fails=True)["msg"]


def test_what_cannot_change_is_refused(declared, made, run_module, account):
    mark = account.mark()
    result = run_module("db_instance", check_mode=True, fails=True, **{**declared, "username": "other", "storage_encrypted": False})
    assert "storage_encrypted, username" in result["msg"]
    assert actions(account, mark) == []


def test_a_stopped_instance_is_compared_and_left(declared, made, aws, instance, run_module, assert_converges):
    aws("rds").stop_db_instance(DBInstanceIdentifier="greenleaf-test")
    assert run_module("db_instance", **declared)["resource"]["status"] == "stopped"
    assert not run_module("db_instance", **declared)["changed"]
    result = run_module("db_instance", check_mode=True, fails=True, **{**declared, "multi_az": False})
    assert "start it, then run again to change multi_az" in result["msg"]
    assert_converges("db_instance", **{**declared, "tags": {"Environment": "night"}})
    assert instance()["DBInstanceStatus"] == "stopped"


def test_the_password_is_sent_again_when_told(made, run_module, account):
    options = {"id": "greenleaf-test", "password_parameter": PARAMETER, "reset_password": True}
    mark = account.mark()
    assert run_module("db_instance", check_mode=True, **options)["changed"]
    assert actions(account, mark) == []
    result = run_module("db_instance", **options)
    assert result["diff"]["after"] == {"password": "(sensitive, sent again)"}
    (request,) = account.writes(mark)
    assert request["parameters"].keys() == {"DBInstanceIdentifier", "ApplyImmediately", "MasterUserPassword"}
    assert PASSWORD not in json.dumps(result)


def test_a_protected_instance_is_deleted_only_when_told(made, aws, run_module, assert_converges):
    options = {"id": "greenleaf-test", "state": "absent", "final_snapshot_id": "greenleaf-test-final"}
    assert "lift_protection" in run_module("db_instance", check_mode=True, fails=True, **options)["msg"]
    assert_converges("db_instance", lift_protection=True, **options)
    rds = aws("rds")
    assert rds.describe_db_instances()["DBInstances"] == []
    (snapshot,) = rds.describe_db_snapshots(DBSnapshotIdentifier="greenleaf-test-final")["DBSnapshots"]
    assert snapshot["DBInstanceIdentifier"] == "greenleaf-test"


def test_a_last_snapshot_is_named_or_declined(run_module):
    assert "skip_final_snapshot" in run_module("db_instance", id="greenleaf-test", state="absent", fails=True)["msg"]


def test_an_unknown_version_is_refused(declared, run_module):
    result = run_module("db_instance", check_mode=True, fails=True, **{**declared, "engine_version": "15.99"})
    assert "cannot have engine_version 15.99" in result["msg"]


def test_a_missing_parameter_group_is_named(declared, run_module):
    result = run_module("db_instance", fails=True, **declared, parameter_group_name="tuned")
    assert "parameter_group_name tuned does not exist" in result["msg"]
