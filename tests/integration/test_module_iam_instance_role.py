# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest

NAME = "greenleaf-test-node"
SSM = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
LOGS = "arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:GetParametersByPath", "Resource": "*"}]}
WIDE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
OPEN = {**TRUST, "Statement": [*TRUST["Statement"], {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
OPTIONS = {
    "name": NAME,
    "description": "Nodes of greenleaf-test",
    "policies": {"node": POLICY},
    "managed_policies": [SSM, LOGS],
    "tags": {"Project": "greenleaf"},
}
ABSENT = {"name": NAME, "state": "absent"}


@pytest.fixture
def iam(aws):
    return aws("iam")


def tags(answer):
    return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}


def test_converges(assert_converges, iam):
    result = assert_converges("iam_instance_role", **OPTIONS)

    role = iam.get_role(RoleName=NAME)["Role"]
    assert (role["Description"], role["AssumeRolePolicyDocument"], tags(role)) == (OPTIONS["description"], TRUST, OPTIONS["tags"])
    assert iam.list_role_policies(RoleName=NAME)["PolicyNames"] == ["node"]
    assert iam.get_role_policy(RoleName=NAME, PolicyName="node")["PolicyDocument"] == POLICY
    assert {policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=NAME)["AttachedPolicies"]} == {SSM, LOGS}
    profile = iam.get_instance_profile(InstanceProfileName=NAME)["InstanceProfile"]
    assert [member["RoleName"] for member in profile["Roles"]] == [NAME]
    assert tags(profile) == OPTIONS["tags"]
    assert (result["resource"]["arn"], result["resource"]["instance_profile_arn"]) == (role["Arn"], profile["Arn"])


def test_check_mode_tells_the_plan(run_module):
    plan = run_module("iam_instance_role", check_mode=True, **OPTIONS)

    assert plan["diff"]["before"] == {}
    assert plan["diff"]["after"] == {
        "description": OPTIONS["description"],
        "instance_profile": True,
        "managed_policies": [SSM, LOGS],
        "policies": {"node": POLICY},
        "tags": {"Project": "greenleaf"},
        "trust": TRUST,
    }
    assert plan["resource"]["arn"] == f"arn:aws:iam::000000000000:role/{NAME}"


def test_nothing_is_written_twice_at_creation(run_module, account):
    mark = account.mark()
    run_module("iam_instance_role", **OPTIONS)

    requests = account.writes(mark)
    assert [request["action"] for request in requests] == [
        "CreateRole",
        "PutRolePolicy",
        "AttachRolePolicy",
        "AttachRolePolicy",
        "CreateInstanceProfile",
        "AddRoleToInstanceProfile",
    ]
    create = requests[0]["parameters"]
    assert json.loads(create.pop("AssumeRolePolicyDocument")) == TRUST
    assert create == {"RoleName": NAME, "Description": OPTIONS["description"], "Tags": [{"Key": "Project", "Value": "greenleaf"}]}


def without_profile(iam):
    iam.remove_role_from_instance_profile(InstanceProfileName=NAME, RoleName=NAME)
    iam.delete_instance_profile(InstanceProfileName=NAME)


def another_role_in_profile(iam):
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.remove_role_from_instance_profile(InstanceProfileName=NAME, RoleName=NAME)
    iam.add_role_to_instance_profile(InstanceProfileName=NAME, RoleName="other")


@pytest.mark.parametrize(
    ("field", "drift"),
    [
        ("managed_policies", lambda iam: iam.detach_role_policy(RoleName=NAME, PolicyArn=SSM)),
        ("managed_policies", lambda iam: iam.attach_role_policy(RoleName=NAME, PolicyArn=ADMIN)),
        ("policies", lambda iam: iam.delete_role_policy(RoleName=NAME, PolicyName="node")),
        ("policies", lambda iam: iam.put_role_policy(RoleName=NAME, PolicyName="node", PolicyDocument=json.dumps(WIDE))),
        ("policies", lambda iam: iam.put_role_policy(RoleName=NAME, PolicyName="extra", PolicyDocument=json.dumps(WIDE))),
        ("trust", lambda iam: iam.update_assume_role_policy(RoleName=NAME, PolicyDocument=json.dumps(OPEN))),
        ("description", lambda iam: iam.update_role(RoleName=NAME, Description="x")),
        ("tags", lambda iam: iam.untag_role(RoleName=NAME, TagKeys=["Project"])),
        ("tags", lambda iam: iam.untag_instance_profile(InstanceProfileName=NAME, TagKeys=["Project"])),
        ("instance_profile", lambda iam: iam.remove_role_from_instance_profile(InstanceProfileName=NAME, RoleName=NAME)),
        ("instance_profile", another_role_in_profile),
    ],
)
def test_drift_is_seen_and_mended(run_module, account, iam, field, drift):
    run_module("iam_instance_role", **OPTIONS)
    drift(iam)

    mark = account.mark()
    assert list(run_module("iam_instance_role", check_mode=True, **OPTIONS)["diff"]["after"]) == [field]
    assert account.writes(mark) == []
    assert list(run_module("iam_instance_role", **OPTIONS)["diff"]["after"]) == [field]
    assert account.writes(mark)
    assert not run_module("iam_instance_role", **OPTIONS)["changed"]
    assert iam.list_role_policies(RoleName=NAME)["PolicyNames"] == ["node"]
    assert iam.get_role_policy(RoleName=NAME, PolicyName="node")["PolicyDocument"] == POLICY
    assert {policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=NAME)["AttachedPolicies"]} == {SSM, LOGS}
    assert iam.get_role(RoleName=NAME)["Role"]["AssumeRolePolicyDocument"] == TRUST
    profile = iam.get_instance_profile(InstanceProfileName=NAME)["InstanceProfile"]
    assert [member["RoleName"] for member in profile["Roles"]] == [NAME]


def test_a_deleted_profile_is_made_again(run_module, iam):
    run_module("iam_instance_role", **OPTIONS)
    without_profile(iam)

    assert set(run_module("iam_instance_role", **OPTIONS)["diff"]["after"]) == {"instance_profile", "tags"}
    assert not run_module("iam_instance_role", **OPTIONS)["changed"]
    assert tags(iam.get_instance_profile(InstanceProfileName=NAME)["InstanceProfile"]) == OPTIONS["tags"]


def test_a_role_that_is_there_is_adopted(run_module, account, iam):
    iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(OPEN), Tags=[{"Key": "Team", "Value": "shop"}])
    iam.attach_role_policy(RoleName=NAME, PolicyArn=ADMIN)

    mark = account.mark()
    run_module("iam_instance_role", **OPTIONS)
    assert "CreateRole" not in [request["action"] for request in account.writes(mark)]
    assert not run_module("iam_instance_role", **OPTIONS)["changed"]
    role = iam.get_role(RoleName=NAME)["Role"]
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert tags(role) == {"Project": "greenleaf", "Team": "shop"}
    assert {policy["PolicyArn"] for policy in iam.list_attached_role_policies(RoleName=NAME)["AttachedPolicies"]} == {SSM, LOGS}


def test_what_is_not_declared_is_left_alone(run_module, iam):
    run_module("iam_instance_role", **OPTIONS)

    assert not run_module("iam_instance_role", name=NAME)["changed"]
    assert iam.list_role_policies(RoleName=NAME)["PolicyNames"] == ["node"]


def test_delete_with_everything_attached(run_module, account, iam):
    run_module("iam_instance_role", **OPTIONS)
    iam.put_role_policy(RoleName=NAME, PolicyName="extra", PolicyDocument=json.dumps(WIDE))
    iam.attach_role_policy(RoleName=NAME, PolicyArn=ADMIN)

    mark = account.mark()
    assert run_module("iam_instance_role", check_mode=True, **ABSENT)["changed"]
    assert account.writes(mark) == []
    assert run_module("iam_instance_role", **ABSENT)["resource"] == {}
    assert not run_module("iam_instance_role", check_mode=True, **ABSENT)["changed"]
    assert not run_module("iam_instance_role", **ABSENT)["changed"]
    assert NAME not in [role["RoleName"] for role in iam.list_roles()["Roles"]]
    assert NAME not in [profile["InstanceProfileName"] for profile in iam.list_instance_profiles()["InstanceProfiles"]]


@pytest.mark.parametrize(
    ("option", "value"),
    [("name", "has space"), ("description", "x" * 1001), ("policies", {"a b": POLICY}), ("managed_policies", ["AdministratorAccess"])],
)
def test_what_iam_refuses_is_refused_before_any_call(run_module, account, option, value):
    mark = account.mark()
    assert run_module("iam_instance_role", fails=True, **{**OPTIONS, option: value})["msg"].startswith(option)
    assert account.requests(mark) == []
