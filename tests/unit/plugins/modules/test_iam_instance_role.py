# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iam_instance_role: what it refuses, and the requests that it sends for each difference."""

from __future__ import annotations

import json
from unittest.mock import Mock, call

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules.iam_instance_role import TRUST, InstanceRole, refuse
from ansible_collections.greenleaf.cloud.tests.unit.recording import Failed, Module, error

NAME = "greenleaf-prod-node"
ARN = f"arn:aws:iam::123456789012:role/{NAME}"
SSM = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
READ = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}]}
DECLARED = {"name": NAME, "description": "Nodes", "policies": {"node": READ}, "managed_policies": [SSM], "tags": {"Project": "greenleaf"}}
TAGS = [{"Key": "Project", "Value": "greenleaf"}]
PROFILE = {"Arn": f"arn:aws:iam::123456789012:instance-profile/{NAME}", "Roles": [{"RoleName": NAME}], "Tags": TAGS}
ROLE = {"Arn": ARN, "Description": "Nodes", "AssumeRolePolicyDocument": TRUST, "Tags": TAGS}


def role(inline=None, attached=(SSM,), **params):
    """The resource as IAM has it, with the role `there` and its `profile`; None is what is not there."""
    there, profile = params.pop("there", ROLE), params.pop("profile", PROFILE)
    iam = Mock()
    iam.meta.partition = "aws"
    policies = {"node": READ} if inline is None else inline
    pages = {
        "list_attached_role_policies": [{"AttachedPolicies": [{"PolicyArn": arn}]} for arn in attached],
        "list_role_policies": [{"PolicyNames": [name]} for name in policies],
    }
    iam.get_paginator.side_effect = lambda operation: Mock(paginate=lambda RoleName: pages[operation])
    iam.get_role_policy.side_effect = lambda RoleName, PolicyName, aws_retry: {"PolicyDocument": policies[PolicyName]}
    iam.get_role.side_effect = [{"Role": there}] * 9 if there else error("NoSuchEntity")
    iam.get_instance_profile.side_effect = [{"InstanceProfile": profile}] * 9 if profile else error("NoSuchEntity")
    return InstanceRole(iam, DECLARED | params)


def writes(resource):
    reads = ("get_", "list_")
    return [request for request in resource.iam.method_calls if not request[0].startswith(reads)]


def run(resource, present=True):
    changed = converge(resource, present=present, check_mode=False)["changed"]
    assert changed is bool(writes(resource))
    return writes(resource)


def test_what_is_right_stays():
    assert run(role()) == []


def test_a_document_that_comes_as_text_is_read():
    text = json.dumps(READ)
    assert run(role(there=ROLE | {"AssumeRolePolicyDocument": json.dumps(TRUST)}, inline={"node": text})) == []


@pytest.mark.parametrize(
    ("observed", "request_"),
    [
        (
            {"there": ROLE | {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}},
            call.update_assume_role_policy(RoleName=NAME, PolicyDocument=json.dumps(TRUST), aws_retry=True),
        ),
        (
            {"there": ROLE | {"AssumeRolePolicyDocument": TRUST | {"Statement": TRUST["Statement"] * 2}}},
            call.update_assume_role_policy(RoleName=NAME, PolicyDocument=json.dumps(TRUST), aws_retry=True),
        ),
        ({"there": ROLE | {"Description": "x"}}, call.update_role(RoleName=NAME, Description="Nodes", aws_retry=True)),
        (
            {"inline": {}},
            call.put_role_policy(RoleName=NAME, PolicyName="node", PolicyDocument=json.dumps(READ), aws_retry=True),
        ),
        (
            {"inline": {"node": READ | {"Statement": []}}},
            call.put_role_policy(RoleName=NAME, PolicyName="node", PolicyDocument=json.dumps(READ), aws_retry=True),
        ),
        (
            {"inline": {"node": READ, "extra": READ}},
            call.delete_role_policy(RoleName=NAME, PolicyName="extra", aws_retry=True),
        ),
        ({"attached": []}, call.attach_role_policy(RoleName=NAME, PolicyArn=SSM, aws_retry=True)),
        ({"attached": [SSM, "arn:other"]}, call.detach_role_policy(RoleName=NAME, PolicyArn="arn:other", aws_retry=True)),
        ({"there": ROLE | {"Tags": []}}, call.tag_role(RoleName=NAME, Tags=TAGS, aws_retry=True)),
        ({"profile": PROFILE | {"Tags": []}}, call.tag_instance_profile(InstanceProfileName=NAME, Tags=TAGS, aws_retry=True)),
        (
            {"profile": PROFILE | {"Roles": []}},
            call.add_role_to_instance_profile(InstanceProfileName=NAME, RoleName=NAME, aws_retry=True),
        ),
    ],
)
def test_drift_is_put_right_by_one_request(observed, request_):
    assert run(role(**observed)) == [request_]


def test_a_profile_that_is_gone_is_made_again():
    assert run(role(profile=None)) == [
        call.create_instance_profile(InstanceProfileName=NAME, Tags=TAGS, aws_retry=True),
        call.add_role_to_instance_profile(InstanceProfileName=NAME, RoleName=NAME, aws_retry=True),
    ]


def test_a_profile_gives_up_another_role():
    assert run(role(profile=PROFILE | {"Roles": [{"RoleName": "other"}]})) == [
        call.remove_role_from_instance_profile(InstanceProfileName=NAME, RoleName="other", aws_retry=True),
        call.add_role_to_instance_profile(InstanceProfileName=NAME, RoleName=NAME, aws_retry=True),
    ]


@pytest.mark.parametrize(
    "observed",
    [
        {"there": ROLE | {"Tags": [*TAGS, {"Key": "Team", "Value": "shop"}]}},
        {"profile": PROFILE | {"Tags": [*TAGS, {"Key": "Team", "Value": "shop"}]}},
    ],
)
def test_undeclared_tags_are_left_alone(observed):
    assert run(role(**observed)) == []


@pytest.mark.parametrize("field", ["description", "policies", "managed_policies", "tags"])
def test_what_nobody_declared_is_left_alone(field):
    observed = {"there": {"Arn": ARN, "AssumeRolePolicyDocument": TRUST}, "profile": PROFILE | {"Tags": []}, "inline": {}, "attached": []}
    others = {name: None for name in ("description", "policies", "managed_policies", "tags") if name != field}
    assert run(role(**observed, **{field: None}, **others)) == []


def test_creation():
    """The role is there from the second look on."""
    resource = role(profile=None, inline={}, attached=[])
    resource.iam.get_role.side_effect = [error("NoSuchEntity"), *[{"Role": ROLE}] * 9]
    assert run(resource) == [
        call.create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(TRUST), Description="Nodes", Tags=TAGS, aws_retry=True),
        call.put_role_policy(RoleName=NAME, PolicyName="node", PolicyDocument=json.dumps(READ), aws_retry=True),
        call.attach_role_policy(RoleName=NAME, PolicyArn=SSM, aws_retry=True),
        call.create_instance_profile(InstanceProfileName=NAME, Tags=TAGS, aws_retry=True),
        call.add_role_to_instance_profile(InstanceProfileName=NAME, RoleName=NAME, aws_retry=True),
    ]


@pytest.mark.parametrize("operation", ["create_role", "create_instance_profile"])
def test_a_creation_whose_answer_was_lost_is_adopted(operation):
    resource = role(profile=None)
    resource.iam.get_role.side_effect = [error("NoSuchEntity"), *[{"Role": ROLE}] * 9]
    getattr(resource.iam, operation).side_effect = error("EntityAlreadyExists")
    assert run(resource)[-1] == call.add_role_to_instance_profile(InstanceProfileName=NAME, RoleName=NAME, aws_retry=True)


def test_another_error_of_a_creation_is_raised():
    resource = role(there=None)
    resource.iam.create_role.side_effect = error("LimitExceeded")
    with pytest.raises(botocore.exceptions.ClientError, match="LimitExceeded"):
        converge(resource, present=True, check_mode=False)


def test_a_plan_for_a_missing_role_has_stand_ins():
    resource = role(there=None)
    resource.iam.meta.partition = "aws-cn"
    plan = converge(resource, present=True, check_mode=True)
    assert plan["resource"]["arn"] == f"arn:aws-cn:iam::000000000000:role/{NAME}"
    assert plan["resource"]["instance_profile_arn"] == f"arn:aws-cn:iam::000000000000:instance-profile/{NAME}"
    assert writes(resource) == []


def test_deletion_takes_everything_off_first():
    resource = role(inline={"node": READ, "extra": READ}, attached=[SSM, "arn:other"])
    requests = run(resource, present=False)
    assert sorted(request[0] for request in requests[:4]) == ["delete_role_policy"] * 2 + ["detach_role_policy"] * 2
    assert requests[4:] == [
        call.remove_role_from_instance_profile(InstanceProfileName=NAME, RoleName=NAME, aws_retry=True),
        call.delete_instance_profile(InstanceProfileName=NAME, aws_retry=True),
        call.delete_role(RoleName=NAME, aws_retry=True),
    ]


def test_a_deletion_that_was_interrupted_goes_on():
    assert run(role(profile=None, inline={}, attached=[]), present=False) == [call.delete_role(RoleName=NAME, aws_retry=True)]


def test_what_is_not_there_needs_no_deletion():
    assert run(role(there=None), present=False) == []


# Limits

ARGUMENTS = {key: {} for key in ["name", "description", "policies", "managed_policies", "tags"]}


@pytest.mark.parametrize(
    "params",
    [
        {"name": "x" * 64},
        {"name": "a+=,.@-_Z9"},
        {"description": "x" * 1000},
        {"description": "The nodes' role: é"},
        {"policies": {"x" * 128: READ}},
        {"policies": {"node": {"Statement": "x" * 10224}}},
        {"managed_policies": [SSM, "arn:aws-cn:iam::123456789012:policy/team/own"]},
    ],
)
def test_what_iam_takes(params):
    refuse(Module(ARGUMENTS, {}, **({"name": NAME} | params)))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"name": ""}, "name is '': use 1 to 64 letters"),
        ({"name": "x" * 65}, "name is 'x+': use 1 to 64 letters"),
        ({"name": "has space"}, "name is 'has space'"),
        ({"name": "é"}, "name is 'é'"),
        ({"description": "x" * 1001}, "description is .*: use 1000 characters of Latin-1"),
        ({"description": "数"}, "description is .*: use 1000 characters of Latin-1"),
        ({"policies": {"x" * 129: READ}}, "policies names .*: use 1 to 128 letters"),
        ({"policies": {"a b": READ}}, "policies names 'a b'"),
        ({"policies": {"node": {"Statement": "x" * 10225}}}, "policies have 10241 characters, and IAM takes 10240"),
        ({"policies": {"a": {"Statement": "x" * 6000}, "b": {"Statement": "x" * 6000}}}, "policies have 12032 characters"),
        ({"managed_policies": ["AmazonSSMManagedInstanceCore"]}, "managed_policies lists 'AmazonSSMManagedInstanceCore': use ARNs"),
    ],
)
def test_what_iam_refuses(params, message):
    with pytest.raises(Failed, match=message):
        refuse(Module(ARGUMENTS, {}, **({"name": NAME} | params)))
