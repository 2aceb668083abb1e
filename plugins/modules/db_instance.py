#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: db_instance
short_description: Keep an RDS instance of PostgreSQL in its declared state
version_added: 0.1.0
description:
  - Creates, changes or deletes an RDS instance, and does not wait for it. M(greenleaf.cloud.wait_for) does.
  - Unlike M(amazon.aws.rds_instance) it takes a major O(engine_version) as met by any of its minor versions, shows in the diff what
    differs, and reads the master password itself, so that no secret passes through Ansible.
  - Options that are not set are not looked at. O(instance_class), O(allocated_storage), O(username) and O(password_parameter)
    must be set to create an instance.
  - A change that was asked for and waits, for its turn or for the maintenance window, counts as made and is not asked for again.
  - An instance that is busy or stopped is compared like any other. Where nothing but tags differs it is left as it is, else the
    module fails and says what to do.
  - Needs C(rds:DescribeDBInstances), C(rds:DescribeDBEngineVersions), C(rds:CreateDBInstance), C(rds:ModifyDBInstance),
    C(rds:AddTagsToResource) and C(ssm:GetParameter), with C(kms:Decrypt) of the parameter's key. To delete, it needs
    C(rds:DeleteDBInstance), and C(rds:CreateDBSnapshot) for O(final_snapshot_id). With O(kms_key_id) it needs C(kms:DescribeKey)
    and C(kms:CreateGrant). The first instance of an account needs C(iam:CreateServiceLinkedRole).
options:
  id:
    description: Identifier of the instance, unique in the region. 1 to 63 lower-case letters, digits and single hyphens.
    type: str
    required: true
  state:
    description: Whether the instance is there. One that is being deleted counts as absent.
    type: str
    choices: [present, absent]
    default: present
  engine:
    description: Database engine. It cannot be changed later.
    type: str
    choices: [postgres]
    default: postgres
  engine_version:
    description:
      - A major version such as V("15") or a full one such as V("15.8"). Quote it, or YAML makes V(15.1) of 15.10.
      - A major version is met by any of its minor ones. To create or upgrade, it stands for the newest that RDS has.
      - A full version is met by itself, and by a newer minor one where O(auto_minor_version_upgrade) lets RDS move to it.
      - It never goes back. A new major version needs O(allow_major_version_upgrade).
    type: str
  allow_major_version_upgrade:
    description: Whether a new major O(engine_version) upgrades an existing instance. The database is away meanwhile.
    type: bool
    default: false
  instance_class:
    description: Instance class, for example V(db.t3.medium).
    type: str
  allocated_storage:
    description:
      - Storage in GB, 20 to 65536. RDS never shrinks it, and grows it by a tenth at least.
      - Storage that RDS itself grew, up to O(max_allocated_storage), is left as it is.
    type: int
  max_allocated_storage:
    description: Storage in GB that RDS may grow the instance to by itself, a tenth above O(allocated_storage) at least. V(0) is never.
    type: int
  storage_type:
    description: Storage type. When not set, a new instance has V(gp3).
    type: str
    choices: [gp2, gp3, io1, io2]
  iops:
    description: I/O operations per second. V(gp3) takes it from 400 GB on, 12000 at least. V(io1) and V(io2) need it, 1000 at least.
    type: int
  storage_throughput:
    description: Throughput in MiB/s. Only V(gp3) takes it, from 400 GB on, 500 at least.
    type: int
  storage_encrypted:
    description: Whether the storage is encrypted. It cannot be changed later.
    type: bool
  kms_key_id:
    description: ARN or id of the KMS key that encrypts the storage; AWS's own when not set. It cannot be changed later.
    type: str
  multi_az:
    description: Whether a standby waits in another zone.
    type: bool
  db_name:
    description: Database made with the instance, 1 to 63 letters, digits and underscores. It cannot be changed later.
    type: str
  username:
    description: Master user, 1 to 16 letters, digits and underscores. It cannot be changed later.
    type: str
  password_parameter:
    description:
      - Full name of the SSM parameter, a SecureString, whose value is the master password.
      - 8 to 128 printable ASCII characters without C(/), C("), C(@) or space.
      - Read only to create the instance, and for O(reset_password).
    type: str
  reset_password:
    description: Whether to send the master password to an existing instance again. As RDS never tells it, this is always a change.
    type: bool
    default: false
  subnet_group_name:
    description: DB subnet group that the instance is placed in. It cannot be changed later.
    type: str
  security_group_ids:
    description: Security groups of the instance, all of them.
    type: list
    elements: str
  publicly_accessible:
    description: Whether the instance has a public address.
    type: bool
    default: false
  port:
    description: TCP port, 1150 to 65535. A change restarts the database at once.
    type: int
  backup_retention_period:
    description: Days that automated backups are kept, 0 to 35. V(0) is no backups.
    type: int
  backup_window:
    description: Daily window of the backups in UTC, for example V(02:00-03:00); 30 minutes at least.
    type: str
  maintenance_window:
    description: Weekly window of maintenance in UTC, for example V(sun:03:00-sun:04:00); 30 minutes at least, apart from O(backup_window).
    type: str
  copy_tags_to_snapshot:
    description: Whether snapshots get the instance's tags.
    type: bool
  auto_minor_version_upgrade:
    description: Whether RDS upgrades to new minor versions in the maintenance window.
    type: bool
  deletion_protection:
    description: Whether AWS refuses to delete the instance.
    type: bool
  ca_certificate:
    description: Certificate authority of the instance's certificate, for example V(rds-ca-rsa2048-g1).
    type: str
  parameter_group_name:
    description: DB parameter group. Its static parameters wait for a reboot.
    type: str
  performance_insights:
    description: Whether Performance Insights watch the instance.
    type: bool
  enabled_cloudwatch_logs_exports:
    description: Logs that go to CloudWatch Logs, all of them.
    type: list
    elements: str
    choices: [postgresql, upgrade, iam-db-auth-error]
  tags:
    description: Tags that the instance has. Others are left as they are.
    type: dict
  apply_immediately:
    description: Whether changes are made at once, with what interruption they bring, or in the maintenance window.
    type: bool
    default: true
  lift_protection:
    description: With O(state=absent), whether to turn deletion protection off first.
    type: bool
    default: false
  final_snapshot_id:
    description: With O(state=absent), name of the last snapshot. Either this or O(skip_final_snapshot) must be set.
    type: str
  skip_final_snapshot:
    description: With O(state=absent), whether to delete without a last snapshot.
    type: bool
    default: false
  delete_automated_backups:
    description: With O(state=absent), whether the automated backups go too.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Tells what a run would change; writes nothing, and does not read the password.
  diff_mode:
    support: full
    description: Shows the fields that change, before and after.
author: GreenLeaf (@greenleaf)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ask for the database
  greenleaf.cloud.db_instance:
    id: greenleaf-prod
    engine_version: "15"
    instance_class: db.t3.medium
    allocated_storage: 20
    storage_encrypted: true
    multi_az: true
    db_name: medusa
    username: medusa
    password_parameter: /greenleaf/prod/rds/password
    subnet_group_name: greenleaf-prod
    security_group_ids: [sg-0123456789abcdef0]
    backup_retention_period: 7
    deletion_protection: true
    tags:
      Environment: prod

- name: Delete it, protected or not, and keep a last snapshot
  greenleaf.cloud.db_instance:
    id: greenleaf-prod
    lift_protection: true
    final_snapshot_id: greenleaf-prod-final
    state: absent
"""

RETURN = r"""
resource:
  description:
    - The instance after the run, with each option that can be looked at under its own name; empty once it is deleted.
    - In check mode an instance that does not exist has stand-ins for what only AWS can tell.
  returned: success
  type: dict
  contains:
    id:
      description: Its identifier.
      type: str
      sample: greenleaf-prod
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:rds:eu-west-3:123456789012:db:greenleaf-prod
    status:
      description: AWS's word for its state.
      type: str
      sample: creating
    endpoint:
      description: Where it listens. The address is empty until the instance is made.
      type: dict
      contains:
        address:
          description: DNS name.
          type: str
          sample: greenleaf-prod.cabcdefghijk.eu-west-3.rds.amazonaws.com
        port:
          description: TCP port.
          type: int
          sample: 5432
    engine_version:
      description: Its version in full.
      type: str
      sample: "15.8"
    multi_az:
      description: Whether a standby waits in another zone.
      type: bool
      sample: true
"""

import typing as t

from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import run
from ansible_collections.greenleaf.cloud.plugins.module_utils.db_instance import DbInstance, problem
from ansible_collections.greenleaf.cloud.plugins.module_utils.limits import refuse_out_of_range, refuse_unlike
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import State

ARGUMENTS: State = {
    "id": {"type": "str", "required": True},
    "engine": {"type": "str", "choices": ["postgres"], "default": "postgres"},
    "engine_version": {"type": "str"},
    "allow_major_version_upgrade": {"type": "bool", "default": False},
    "instance_class": {"type": "str"},
    "allocated_storage": {"type": "int"},
    "max_allocated_storage": {"type": "int"},
    "storage_type": {"type": "str", "choices": ["gp2", "gp3", "io1", "io2"]},
    "iops": {"type": "int"},
    "storage_throughput": {"type": "int"},
    "storage_encrypted": {"type": "bool"},
    "kms_key_id": {"type": "str", "no_log": False},
    "multi_az": {"type": "bool"},
    "db_name": {"type": "str"},
    "username": {"type": "str"},
    "password_parameter": {"type": "str", "no_log": False},
    "reset_password": {"type": "bool", "default": False, "no_log": False},
    "subnet_group_name": {"type": "str"},
    "security_group_ids": {"type": "list", "elements": "str"},
    "publicly_accessible": {"type": "bool", "default": False},
    "port": {"type": "int"},
    "backup_retention_period": {"type": "int"},
    "backup_window": {"type": "str"},
    "maintenance_window": {"type": "str"},
    "copy_tags_to_snapshot": {"type": "bool"},
    "auto_minor_version_upgrade": {"type": "bool"},
    "deletion_protection": {"type": "bool"},
    "ca_certificate": {"type": "str"},
    "parameter_group_name": {"type": "str"},
    "performance_insights": {"type": "bool"},
    "enabled_cloudwatch_logs_exports": {"type": "list", "elements": "str", "choices": ["postgresql", "upgrade", "iam-db-auth-error"]},
    "tags": {"type": "dict"},
    "apply_immediately": {"type": "bool", "default": True},
    "lift_protection": {"type": "bool", "default": False},
    "final_snapshot_id": {"type": "str"},
    "skip_final_snapshot": {"type": "bool", "default": False},
    "delete_automated_backups": {"type": "bool", "default": True},
}

TIME = r"([01]\d|2[0-3]):[0-5]\d"
DAY = r"(mon|tue|wed|thu|fri|sat|sun)"
SHAPES = {
    "id": (r"(?=.{1,63}$)[a-z](-?[a-z0-9])*", "1 to 63 lower-case letters, digits and single hyphens, first a letter and last no hyphen"),
    "final_snapshot_id": (r"(?=.{1,255}$)[A-Za-z](-?[A-Za-z0-9])*", "1 to 255 letters, digits and single hyphens, first a letter"),
    "engine_version": (r"\d+(\.\d+(-[\w.]+)?)?", "a major version such as '15' or a full one such as '15.8'"),
    "instance_class": (r"db(\.[a-z0-9-]+){2,}", "an instance class such as db.t3.medium"),
    "kms_key_id": (r"arn:.+:key/.+|(mrk-)?[0-9a-f-]{32,36}", "the key's ARN or id, since RDS does not tell aliases"),
    "db_name": (r"[A-Za-z][A-Za-z0-9_]{0,62}", "1 to 63 letters, digits and underscores, first a letter"),
    "username": (
        r"(?!(admin|rdsadmin)$|pg_)[A-Za-z][A-Za-z0-9_]{0,15}",
        "1 to 16 letters, digits and underscores, first a letter, and neither admin nor rdsadmin nor pg_…",
    ),
    "backup_window": (rf"{TIME}-{TIME}", "hh:mm-hh:mm in UTC"),
    "maintenance_window": (rf"(?i){DAY}:{TIME}-{DAY}:{TIME}", "ddd:hh:mm-ddd:hh:mm in UTC"),
}


def build(module: t.Any) -> DbInstance:
    for option, (pattern, rule) in SHAPES.items():
        refuse_unlike(module, option, pattern, rule)
    refuse_out_of_range(module, {"allocated_storage": (20, 65536), "backup_retention_period": (0, 35), "port": (1150, 65535)})
    if refused := problem(module.params):
        module.fail_json(msg=refused)
    return DbInstance(module)


def main() -> None:
    run(build, ARGUMENTS, required_if=[("reset_password", True, ("password_parameter",))])


if __name__ == "__main__":
    main()
