# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""db_instance: what it takes for a difference, what it refuses, and the requests that it sends."""

from __future__ import annotations

import types

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils import db_instance as rds
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import ImmutableFieldError, converge
from ansible_collections.greenleaf.cloud.plugins.modules.db_instance import ARGUMENTS, build

PASSWORD = "a-password-of-some-length"
NEW = {
    "engine_version": "15.8",
    "instance_class": "db.t3.medium",
    "allocated_storage": 20,
    "username": "medusa",
    "password_parameter": "/rds/password",
    "tags": {"Environment": "test"},
}
INSTANCE = {
    "DBInstanceIdentifier": "db",
    "DBInstanceArn": "arn:aws:rds:eu-west-3:123456789012:db:db",
    "DBInstanceStatus": "available",
    "DBInstanceClass": "db.t3.medium",
    "Engine": "postgres",
    "EngineVersion": "15.8",
    "AllocatedStorage": 20,
    "StorageType": "gp3",
    "Iops": 3000,
    "StorageThroughput": 125,
    "StorageEncrypted": True,
    "KmsKeyId": "arn:aws:kms:eu-west-3:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "MultiAZ": False,
    "DBName": "medusa",
    "MasterUsername": "medusa",
    "Endpoint": {"Address": "db.example", "Port": 5432},
    "DBSubnetGroup": {"DBSubnetGroupName": "data"},
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-b", "Status": "active"}, {"VpcSecurityGroupId": "sg-a", "Status": "adding"}],
    "DBParameterGroups": [{"DBParameterGroupName": "default.postgres15", "ParameterApplyStatus": "in-sync"}],
    "PubliclyAccessible": False,
    "BackupRetentionPeriod": 7,
    "PreferredBackupWindow": "02:00-03:00",
    "PreferredMaintenanceWindow": "sun:03:00-sun:04:00",
    "CopyTagsToSnapshot": True,
    "AutoMinorVersionUpgrade": True,
    "DeletionProtection": False,
    "CACertificateIdentifier": "rds-ca-rsa2048-g1",
    "PerformanceInsightsEnabled": False,
    "EnabledCloudwatchLogsExports": ["postgresql"],
    "TagList": [{"Key": "Environment", "Value": "test"}, {"Key": "Owner", "Value": "somebody"}],
}


class Failed(Exception):
    pass


def error(code):
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


class Client:
    """Gives each operation's answers in turn, the last one for ever, and records the calls."""

    meta = types.SimpleNamespace(partition="aws", region_name="eu-west-3")

    def __init__(self, calls, **answers):
        self.calls = calls
        self.answers = answers

    def __getattr__(self, operation):
        def call(*, aws_retry, **request):
            assert aws_retry
            self.calls.append((operation, request))
            answers = self.answers.get(operation, [{}])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def get_paginator(self, operation):
        pages = [{"DBEngineVersions": [{"EngineVersion": version} for version in ("14.20", "15.8", "15.13", "15.9", "16.11")]}]
        return types.SimpleNamespace(paginate=lambda Engine: pages)


class Module:
    """An AnsibleAWSModule without Ansible or AWS. Each of `instances` is what one look finds; the last one stays."""

    def __init__(self, *instances, parameter=None, answers=None, **params):
        self.params = {option: spec.get("default") for option, spec in ARGUMENTS.items()} | {"id": "db", "state": "present"} | params
        self.calls = []
        self.no_log_values = set()
        looks = [{"DBInstances": [instance]} if instance else error("DBInstanceNotFound") for instance in instances]
        self.clients = {
            "rds": Client(
                self.calls,
                **{"describe_db_instances": looks, "create_db_instance": [{"DBInstance": {**INSTANCE, "DBInstanceStatus": "creating"}}]}
                | (answers or {}),
            ),
            "ssm": Client([], get_parameter=[parameter or {"Parameter": {"Value": PASSWORD, "Type": "SecureString"}}]),
        }

    def client(self, service, retry_decorator):
        return self.clients[service]

    def fail_json(self, msg):
        raise Failed(msg)

    def fail_json_aws(self, error, msg):
        raise Failed(msg)

    @property
    def writes(self):
        return [(operation, request) for operation, request in self.calls if not operation.startswith("describe")]


def run(module, check_mode=False):
    return converge(build(module), present=module.params["state"] == "present", check_mode=check_mode)


def found(**fields):
    return rds.observed(INSTANCE) | fields


# Options that RDS would refuse


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"id": "Db"}, "id"),
        ({"id": "1db"}, "id"),
        ({"id": "db-"}, "id"),
        ({"id": "d--b"}, "id"),
        ({"id": "d" * 64}, "id"),
        ({"engine_version": "15.x"}, "engine_version"),
        ({"instance_class": "t3.medium"}, "instance_class"),
        ({"db_name": "2medusa"}, "db_name"),
        ({"db_name": "m" * 64}, "db_name"),
        ({"username": "admin"}, "username"),
        ({"username": "pg_medusa"}, "username"),
        ({"username": "m" * 17}, "username"),
        ({"kms_key_id": "alias/rds"}, "kms_key_id"),
        ({"kms_key_id": "1234abcd-12ab-34cd-56ef-1234567890ab", "storage_encrypted": False}, "storage_encrypted"),
        ({"port": 80}, "port"),
        ({"backup_retention_period": 36}, "backup_retention_period"),
        ({"allocated_storage": 19}, "allocated_storage"),
        ({"allocated_storage": 100, "max_allocated_storage": 109}, "110"),
        ({"backup_window": "3:00-4:00"}, "backup_window"),
        ({"backup_window": "03:00-03:29"}, "29 minutes"),
        ({"maintenance_window": "sunday:03:00-sunday:04:00"}, "maintenance_window"),
        ({"backup_window": "23:30-00:30", "maintenance_window": "sun:00:00-sun:01:00"}, "overlap"),
        ({"storage_type": "gp3", "allocated_storage": 399, "iops": 12000}, "400 GB"),
        ({"storage_type": "gp3", "allocated_storage": 400, "iops": 3000}, "12000"),
        ({"storage_type": "gp3", "allocated_storage": 400, "storage_throughput": 125}, "500"),
        ({"storage_type": "gp2", "iops": 3000}, "iops"),
        ({"storage_type": "io2", "allocated_storage": 100, "iops": 3000, "storage_throughput": 500}, "storage_throughput"),
        ({"storage_type": "io1", "allocated_storage": 100}, "iops"),
        ({"storage_type": "io1", "allocated_storage": 50, "iops": 1000}, "100"),
        ({"state": "absent"}, "final_snapshot_id"),
        ({"state": "absent", "final_snapshot_id": "last", "skip_final_snapshot": True}, "skip_final_snapshot"),
        ({"state": "absent", "final_snapshot_id": "-last"}, "final_snapshot_id"),
    ],
)
def test_a_bad_option_is_refused(options, names):
    module = Module(None, **{**NEW, **options})
    with pytest.raises(Failed, match=names):
        build(module)
    assert module.calls == []


@pytest.mark.parametrize(
    "options",
    [
        {"id": "d" * 63},
        {"engine_version": "11.22-rds.20240418"},
        {"instance_class": "db.r5.2xlarge.tpc1.mem2x"},
        {"kms_key_id": INSTANCE["KmsKeyId"]},
        {"backup_window": "02:00-03:00", "maintenance_window": "Sun:03:00-Sun:04:00"},
        {"backup_window": "04:00-03:00", "maintenance_window": "sun:03:00-sun:04:00"},
        {"storage_type": "gp3", "allocated_storage": 400, "iops": 12000, "storage_throughput": 500},
        {"storage_type": "io1", "allocated_storage": 100, "iops": 1000},
        {"allocated_storage": 100, "max_allocated_storage": 110},
        {"max_allocated_storage": 0},
        {"state": "absent", "skip_final_snapshot": True},
    ],
)
def test_a_good_option_is_taken(options):
    assert build(Module(None, **{**NEW, **options})).id


@pytest.mark.parametrize(
    ("daily", "weekly", "meet"),
    [
        ("02:00-03:00", "sun:03:00-sun:04:00", False),
        ("02:00-03:01", "sun:03:00-sun:04:00", True),
        ("03:15-03:45", "sun:03:00-sun:04:00", True),
        ("23:00-00:30", "mon:00:00-mon:00:30", True),
        ("01:00-01:30", "sun:23:30-mon:02:00", True),
        ("22:00-23:00", "sun:23:30-mon:02:00", False),
    ],
)
def test_windows_overlap(daily, weekly, meet):
    assert rds.overlap(rds.span(daily), rds.span(weekly)) is meet


# What is a difference


def test_a_pending_change_counts_as_made():
    pending = {
        "DBInstanceClass": "db.m6g.large",
        "Port": 5433,
        "MultiAZ": True,
        "EngineVersion": "16.11",
        "DBSubnetGroupName": "other",
        "PendingCloudwatchLogsExports": {"LogTypesToEnable": ["upgrade"], "LogTypesToDisable": ["postgresql"]},
    }
    state = rds.observed({**INSTANCE, "PendingModifiedValues": pending})
    told = ("instance_class", "port", "multi_az", "engine_version", "subnet_group_name", "enabled_cloudwatch_logs_exports")
    assert [state[field] for field in told] == ["db.m6g.large", 5433, True, "16.11", "other", ["upgrade"]]


def test_a_security_group_on_its_way_out_is_gone():
    leaving = {"VpcSecurityGroupId": "sg-c", "Status": "removing"}
    state = rds.observed({**INSTANCE, "VpcSecurityGroups": [*INSTANCE["VpcSecurityGroups"], leaving]})
    assert state["security_group_ids"] == ["sg-a", "sg-b"]


@pytest.mark.parametrize(
    "options",
    [
        {"engine_version": "15"},
        {"engine_version": "15.8"},
        {"engine_version": "15.4"},  # RDS upgraded it
        {"security_group_ids": ["sg-b", "sg-a"]},
        {"maintenance_window": "Sun:03:00-Sun:04:00"},
        {"subnet_group_name": "Data"},
        {"kms_key_id": "1234abcd-12ab-34cd-56ef-1234567890ab"},
        {"tags": {"Environment": "test"}},
        {"max_allocated_storage": 0},
        {"port": 5432},
    ],
)
@pytest.mark.parametrize("status", ["available", "creating", "modifying", "stopped"])
def test_the_same_in_other_words_is_no_difference(options, status):
    module = Module({**INSTANCE, "DBInstanceStatus": status}, **options)
    result = run(module)
    assert not result["changed"]
    assert result["resource"]["engine_version"] == "15.8"
    assert module.writes == []


def test_storage_that_rds_grew_is_left():
    grown = {**INSTANCE, "AllocatedStorage": 50, "MaxAllocatedStorage": 100}
    assert not run(Module(grown, allocated_storage=20))["changed"]
    assert not run(Module(grown, allocated_storage=20, max_allocated_storage=100))["changed"]
    with pytest.raises(Failed, match="50 GB, which RDS never shrinks"):
        run(Module(grown, allocated_storage=20, max_allocated_storage=40))


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("options", "instance", "mend"),
    [
        ({"engine_version": "15.4", "auto_minor_version_upgrade": False}, {}, "never goes back"),
        ({"engine_version": "14"}, {}, "never goes back"),
        ({"engine_version": "16"}, {}, "allow_major_version_upgrade"),
        ({"engine_version": "15.99"}, {}, "RDS has 15.8, 15.13, 15.9"),
        ({"engine_version": "18", "allow_major_version_upgrade": True}, {}, "RDS has 14.20, 15.8"),
        ({"allocated_storage": 20}, {"AllocatedStorage": 30}, "never shrinks"),
        ({"allocated_storage": 21}, {}, "set it to 22 or more"),
        ({"iops": 12500, "allocated_storage": 400}, {"AllocatedStorage": 400, "Iops": 12000}, "set it to 13200 or more"),
        ({"multi_az": True}, {"DBInstanceStatus": "backing-up"}, "is backing-up: run again when it is available to change multi_az"),
        ({"instance_class": "db.t3.small"}, {"DBInstanceStatus": "creating"}, "is creating"),
        ({"multi_az": True}, {"DBInstanceStatus": "stopped"}, "start it"),
        ({}, {"DBInstanceStatus": "deleting"}, "is being deleted"),
        ({"state": "absent", "skip_final_snapshot": True}, {"DeletionProtection": True}, "lift_protection"),
    ],
)
def test_what_rds_would_not_do_is_refused(options, instance, mend, check_mode):
    module = Module({**INSTANCE, **instance}, **options)
    with pytest.raises(Failed, match=mend):
        run(module, check_mode)
    assert module.writes == []


@pytest.mark.parametrize("field", sorted(rds.IMMUTABLE))
def test_what_cannot_change_is_refused(field):
    other = {"engine": "mysql", "storage_encrypted": False, "kms_key_id": "12345678-12ab-34cd-56ef-1234567890ab"}
    module = Module(INSTANCE)
    module.params[field] = other.get(field, "other")
    if field == "storage_encrypted":
        module.params["kms_key_id"] = None
    with pytest.raises(ImmutableFieldError, match=field):
        run(module, check_mode=True)


# What is sent


def test_creates():
    module = Module(
        None,
        {**INSTANCE, "DBInstanceStatus": "creating", "Endpoint": {}, "EngineVersion": "15.13"},
        port=5432,
        **{**NEW, "engine_version": "15"},
    )
    result = run(module)
    assert module.writes == [
        (
            "create_db_instance",
            {
                "DBInstanceIdentifier": "db",
                "Engine": "postgres",
                "EngineVersion": "15.13",
                "DBInstanceClass": "db.t3.medium",
                "AllocatedStorage": 20,
                "StorageType": "gp3",
                "MasterUsername": "medusa",
                "MasterUserPassword": PASSWORD,
                "PubliclyAccessible": False,
                "Port": 5432,
                "Tags": [{"Key": "Environment", "Value": "test"}],
            },
        )
    ]
    assert result["changed"]
    assert result["resource"]["engine_version"] == "15.13"
    assert result["resource"]["endpoint"] == {"address": "", "port": None}
    assert PASSWORD not in str(result)
    assert module.no_log_values == {PASSWORD}


def test_what_rds_tells_late_is_not_asked_for_again():
    making = {**INSTANCE, "DBInstanceStatus": "creating", "Endpoint": {}}
    late = {"port": 5433, "multi_az": True, "performance_insights": True, "ca_certificate": "rds-ca-ecc384-g1"}
    module = Module(None, making, **NEW, **late, enabled_cloudwatch_logs_exports=["upgrade"])
    run(module)
    assert [operation for operation, request in module.writes] == ["create_db_instance"]
    assert not run(Module(making, **late))["changed"]


def test_an_instance_not_yet_told_of_is_not_made_twice():
    module = Module(None, None, **NEW)
    assert run(module)["resource"]["arn"] == INSTANCE["DBInstanceArn"]
    assert [operation for operation, request in module.writes] == ["create_db_instance"]


def test_a_lost_answer_is_no_second_instance():
    module = Module(None, INSTANCE, answers={"create_db_instance": [error("DBInstanceAlreadyExists")]}, **NEW)
    result = run(module)
    assert result["resource"]["status"] == "available"
    assert [operation for operation, request in module.writes] == ["create_db_instance"]


def test_another_s_instance_is_not_taken_over():
    module = Module(
        None, {**INSTANCE, "MasterUsername": "other"}, answers={"create_db_instance": [error("DBInstanceAlreadyExists")]}, **NEW
    )
    with pytest.raises(ImmutableFieldError, match="username"):
        run(module)
    assert [operation for operation, request in module.writes] == ["create_db_instance"]


def test_check_mode_tells_of_a_new_instance():
    module = Module(None, **{**NEW, "engine_version": "15"})
    result = run(module, check_mode=True)
    assert result["changed"]
    assert result["diff"]["before"] == {}
    assert result["diff"]["after"]["engine_version"] == "15.13"
    assert result["resource"]["arn"] == "arn:aws:rds:eu-west-3:000000000000:db:db"
    assert result["resource"]["endpoint"] == {"address": "db.known-after-apply.eu-west-3.rds.amazonaws.com", "port": 5432}
    assert module.writes == []
    assert module.clients["ssm"].calls == []


def test_a_new_instance_needs_its_options():
    with pytest.raises(Failed, match="instance_class, allocated_storage, username, password_parameter are missing"):
        run(Module(None), check_mode=True)


@pytest.mark.parametrize(
    ("parameter", "mend"),
    [
        ({"Parameter": {"Value": PASSWORD, "Type": "String"}}, "SecureString"),
        (error("ParameterNotFound"), "does not exist"),
        *(
            ({"Parameter": {"Value": value, "Type": "SecureString"}}, "8 to 128")
            for value in ("short", "p" * 129, "with space", 'a/b@c"d--', "pässword1")
        ),
    ],
)
def test_a_bad_password_is_refused_before_anything_is_sent(parameter, mend):
    module = Module(None, parameter=parameter, **NEW)
    with pytest.raises(Failed, match=mend) as failure:
        run(module)
    assert module.writes == []
    if isinstance(parameter, dict):
        assert parameter["Parameter"]["Value"] not in str(failure.value)


@pytest.mark.parametrize(
    ("options", "instance", "request_"),
    [
        ({"instance_class": "db.t3.small"}, {}, {"DBInstanceClass": "db.t3.small"}),
        ({"port": 5433}, {}, {"DBPortNumber": 5433}),
        ({"security_group_ids": ["sg-a"]}, {}, {"VpcSecurityGroupIds": ["sg-a"]}),
        ({"performance_insights": True}, {}, {"EnablePerformanceInsights": True}),
        ({"parameter_group_name": "Tuned"}, {}, {"DBParameterGroupName": "tuned"}),
        ({"engine_version": "15.13"}, {}, {"EngineVersion": "15.13"}),
        (
            {"engine_version": "16", "allow_major_version_upgrade": True},
            {},
            {"EngineVersion": "16.11", "AllowMajorVersionUpgrade": True},
        ),
        (
            {"enabled_cloudwatch_logs_exports": ["upgrade"]},
            {},
            {"CloudwatchLogsExportConfiguration": {"EnableLogTypes": ["upgrade"], "DisableLogTypes": ["postgresql"]}},
        ),
        ({"enabled_cloudwatch_logs_exports": []}, {}, {"CloudwatchLogsExportConfiguration": {"DisableLogTypes": ["postgresql"]}}),
        ({"allocated_storage": 30}, {}, {"AllocatedStorage": 30}),
        ({"storage_type": "gp3"}, {"StorageType": "gp2"}, {"StorageType": "gp3", "AllocatedStorage": 20}),
        ({"allocated_storage": 400}, {}, {"AllocatedStorage": 400, "Iops": 12000}),
        ({"allocated_storage": 500}, {"AllocatedStorage": 400, "Iops": 15000}, {"AllocatedStorage": 500, "Iops": 15000}),
        (
            {"storage_throughput": 600},
            {"AllocatedStorage": 400, "Iops": 12000, "StorageThroughput": 500},
            {"StorageThroughput": 600, "AllocatedStorage": 400, "Iops": 12000},
        ),
        (
            {"iops": 2000, "storage_type": "io1"},
            {"StorageType": "io1", "AllocatedStorage": 100, "Iops": 1000},
            {"Iops": 2000, "AllocatedStorage": 100},
        ),
        ({"max_allocated_storage": 100}, {}, {"MaxAllocatedStorage": 100}),
        ({"max_allocated_storage": 0}, {"MaxAllocatedStorage": 100}, {"MaxAllocatedStorage": 20}),
    ],
)
def test_a_change_is_sent_alone(options, instance, request_):
    module = Module({**INSTANCE, **instance}, **options)
    assert run(module)["changed"]
    assert module.writes == [("modify_db_instance", {"DBInstanceIdentifier": "db", "ApplyImmediately": True, **request_})]


def test_a_change_waits_for_the_maintenance_window():
    module = Module(INSTANCE, multi_az=True, apply_immediately=False)
    run(module)
    assert module.writes == [("modify_db_instance", {"DBInstanceIdentifier": "db", "ApplyImmediately": False, "MultiAZ": True})]


@pytest.mark.parametrize("status", ["available", "modifying", "stopped"])
def test_tags_change_in_any_state(status):
    module = Module({**INSTANCE, "DBInstanceStatus": status}, tags={"Environment": "prod"})
    result = run(module)
    assert result["diff"]["before"]["tags"]["Environment"] == "test"
    assert result["resource"]["tags"] == {"Environment": "prod", "Owner": "somebody"}
    request = {"ResourceName": INSTANCE["DBInstanceArn"], "Tags": [{"Key": "Environment", "Value": "prod"}]}
    assert module.writes == [("add_tags_to_resource", request)]


def test_the_password_is_sent_again_when_told():
    module = Module(INSTANCE, reset_password=True, password_parameter="/rds/password")
    result = run(module)
    assert result["diff"] == {"before": {"password": "(sensitive)"}, "after": {"password": "(sensitive, sent again)"}}
    assert module.writes == [
        ("modify_db_instance", {"DBInstanceIdentifier": "db", "ApplyImmediately": True, "MasterUserPassword": PASSWORD})
    ]


def test_a_new_instance_s_password_is_sent_once():
    module = Module(None, INSTANCE, reset_password=True, **NEW)
    run(module)
    assert [operation for operation, request in module.writes] == ["create_db_instance"]


@pytest.mark.parametrize(
    ("options", "request_"),
    [
        ({"final_snapshot_id": "last"}, {"FinalDBSnapshotIdentifier": "last", "DeleteAutomatedBackups": True}),
        ({"skip_final_snapshot": True}, {"SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}),
        ({"skip_final_snapshot": True, "delete_automated_backups": False}, {"SkipFinalSnapshot": True, "DeleteAutomatedBackups": False}),
    ],
)
def test_deletes(options, request_):
    module = Module(INSTANCE, state="absent", **options)
    assert run(module)["changed"]
    assert module.writes == [("delete_db_instance", {"DBInstanceIdentifier": "db", **request_})]


def test_lifts_protection_and_then_deletes():
    module = Module({**INSTANCE, "DeletionProtection": True}, state="absent", skip_final_snapshot=True, lift_protection=True)
    assert run(module)["changed"]
    assert module.writes == [
        ("modify_db_instance", {"DBInstanceIdentifier": "db", "ApplyImmediately": True, "DeletionProtection": False}),
        ("delete_db_instance", {"DBInstanceIdentifier": "db", "SkipFinalSnapshot": True, "DeleteAutomatedBackups": True}),
    ]


@pytest.mark.parametrize("instance", [None, {**INSTANCE, "DBInstanceStatus": "deleting", "DeletionProtection": True}])
def test_what_is_gone_or_going_is_not_deleted(instance):
    module = Module(instance, state="absent", skip_final_snapshot=True)
    assert not run(module)["changed"]
    assert module.writes == []


def test_one_that_goes_meanwhile_is_gone():
    answers = {"delete_db_instance": [error("DBInstanceNotFound")]}
    assert run(Module(INSTANCE, state="absent", skip_final_snapshot=True, answers=answers))["changed"]


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("InsufficientDBInstanceCapacity", "no db.t3.medium to give .* set another instance_class"),
        ("StorageQuotaExceeded", "less allocated_storage"),
        ("DBSubnetGroupDoesNotCoverEnoughAZs", "subnet_group_name data has too few zones"),
    ],
)
def test_an_error_tells_what_to_change(code, mend):
    module = Module(None, answers={"create_db_instance": [error(code)]}, subnet_group_name="data", **NEW)
    with pytest.raises(Failed, match=mend):
        run(module)


def test_every_mend_can_be_told():
    params = Module(None).params
    assert all(mend.format(**params) for mend in rds.MENDS.values())
