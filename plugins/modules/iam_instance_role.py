#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_instance_role
short_description: Keep what machines may do, as a role and the instance profile of the same name
version_added: 0.1.0
description:
  - Creates, updates or deletes an IAM role that EC2 instances assume, with its inline and managed policies, and the instance profile
    that hands it to them.
  - Unlike M(amazon.aws.iam_role), M(amazon.aws.iam_policy) and M(amazon.aws.iam_instance_profile) it can be planned in check mode
    while the role does not exist, and shows what differs.
  - Policies that are not declared are taken away.
  - Needs C(iam:GetRole), C(iam:CreateRole), C(iam:UpdateRole), C(iam:UpdateAssumeRolePolicy), C(iam:DeleteRole), C(iam:TagRole),
    C(iam:ListRolePolicies), C(iam:GetRolePolicy), C(iam:PutRolePolicy), C(iam:DeleteRolePolicy), C(iam:ListAttachedRolePolicies),
    C(iam:AttachRolePolicy), C(iam:DetachRolePolicy), C(iam:GetInstanceProfile), C(iam:CreateInstanceProfile),
    C(iam:AddRoleToInstanceProfile), C(iam:RemoveRoleFromInstanceProfile), C(iam:DeleteInstanceProfile) and C(iam:TagInstanceProfile).
options:
  name:
    description: Name of the role and of the instance profile, at most 64 letters, digits and C(+=,.@-_).
    type: str
    required: true
  description:
    description: What the role is for.
    type: str
  policies:
    description: Inline policies, documents by name.
    type: dict
  managed_policies:
    description: ARNs of the managed policies that are attached.
    type: list
    elements: str
  tags:
    description: Tags that the role and the instance profile carry; others are left alone.
    type: dict
  state:
    description: Whether the role and the instance profile are there.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
    description: Tells what a run would change; writes nothing.
  diff_mode:
    support: full
    description: Shows the declared fields before and after.
author: GreenLeaf (@greenleaf)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Let the nodes be reached by Session Manager and read their own settings
  greenleaf.cloud.iam_instance_role:
    name: greenleaf-prod-node
    managed_policies: ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"]
    policies:
      node:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: ssm:GetParametersByPath
            Resource: arn:aws:ssm:eu-west-3:123456789012:parameter/greenleaf/prod/app
"""

RETURN = r"""
resource:
  description: The role after the run; empty once it is deleted.
  returned: success
  type: dict
  contains:
    arn:
      description: ARN of the role; a stand-in in check mode while it does not exist.
      type: str
      sample: arn:aws:iam::123456789012:role/greenleaf-prod-node
    instance_profile_arn:
      description: ARN of the instance profile; a stand-in in check mode while it does not exist.
      type: str
      sample: arn:aws:iam::123456789012:instance-profile/greenleaf-prod-node
"""

import json
import re
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State

TRUST: State = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


class InstanceRole(Resource):
    exact = frozenset({"policies", "trust"})

    def __init__(self, iam: t.Any, params: State) -> None:
        self.iam = iam
        self.params = params
        self.name: str = params["name"]
        self.observed: State = {}

    @property
    def label(self) -> str:
        return f"Instance role {self.name}"

    def declared(self) -> State:
        fields = set_fields(self.params, ["description", "policies", "tags"])
        managed = self.params["managed_policies"]
        return fields | {"trust": TRUST, "instance_profile": True} | ({} if managed is None else {"managed_policies": sorted(managed)})

    def read(self) -> State | None:
        try:
            role = self.iam.get_role(RoleName=self.name, aws_retry=True)["Role"]
        except is_boto3_error_code("NoSuchEntity"):
            return None
        profile = self._profile()
        attached = self._all("list_attached_role_policies", "AttachedPolicies")
        inline = self._all("list_role_policies", "PolicyNames")
        profile_tags = tags_from(profile.get("Tags", []))
        self.observed = {
            "arn": role["Arn"],
            "instance_profile_arn": profile.get("Arn", ""),
            "instance_profile": any(member["RoleName"] == self.name for member in profile.get("Roles", [])),
            "trust": _document(role["AssumeRolePolicyDocument"]),
            "description": role.get("Description", ""),
            "policies": {name: self._policy(name) for name in inline},
            "managed_policies": sorted(policy["PolicyArn"] for policy in attached),
            # A tag counts where both the role and its profile carry it.
            "tags": {key: value for key, value in tags_from(role.get("Tags", [])).items() if profile_tags.get(key) == value},
        }
        return self.observed

    def unknown(self) -> State:
        return {
            "arn": f"arn:aws:iam::000000000000:role/{self.name}",
            "instance_profile_arn": f"arn:aws:iam::000000000000:instance-profile/{self.name}",
        }

    def create(self) -> None:
        self.iam.create_role(
            RoleName=self.name,
            AssumeRolePolicyDocument=json.dumps(TRUST),
            Description=self.params["description"] or "",
            Tags=tags_to(self.params["tags"] or {}),
            aws_retry=True,
        )

    def update(self, changes: State) -> None:
        if "trust" in changes:
            self.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=json.dumps(TRUST), aws_retry=True)
        if "description" in changes:
            self.iam.update_role(RoleName=self.name, Description=changes["description"], aws_retry=True)
        if "policies" in changes:
            self._keep_inline(changes["policies"])
        if "managed_policies" in changes:
            self._keep_attached(set(changes["managed_policies"]))
        if "instance_profile" in changes:
            self._keep_profile()
        if "tags" in changes:
            tags = tags_to(changes["tags"])
            self.iam.tag_role(RoleName=self.name, Tags=tags, aws_retry=True)
            self.iam.tag_instance_profile(InstanceProfileName=self.name, Tags=tags, aws_retry=True)

    def delete(self) -> None:
        self._keep_attached(set())
        self._keep_inline({})
        self._delete_profile()
        self.iam.delete_role(RoleName=self.name, aws_retry=True)

    def _keep_inline(self, declared: State) -> None:
        for name, document in declared.items():
            if self.observed["policies"].get(name) != document:
                self.iam.put_role_policy(RoleName=self.name, PolicyName=name, PolicyDocument=json.dumps(document), aws_retry=True)
        for name in self.observed["policies"].keys() - declared.keys():
            self.iam.delete_role_policy(RoleName=self.name, PolicyName=name, aws_retry=True)

    def _keep_attached(self, declared: set[str]) -> None:
        observed = set(self.observed["managed_policies"])
        for arn in sorted(declared - observed):
            self.iam.attach_role_policy(RoleName=self.name, PolicyArn=arn, aws_retry=True)
        for arn in sorted(observed - declared):
            self.iam.detach_role_policy(RoleName=self.name, PolicyArn=arn, aws_retry=True)

    def _keep_profile(self) -> None:
        profile = self._profile()
        if not profile:
            tags = tags_to(self.params["tags"] or {})
            self.iam.create_instance_profile(InstanceProfileName=self.name, Tags=tags, aws_retry=True)
        for member in profile.get("Roles", []):  # it holds one role
            self.iam.remove_role_from_instance_profile(InstanceProfileName=self.name, RoleName=member["RoleName"], aws_retry=True)
        self.iam.add_role_to_instance_profile(InstanceProfileName=self.name, RoleName=self.name, aws_retry=True)

    def _delete_profile(self) -> None:
        profile = self._profile()
        for member in profile.get("Roles", []):
            self.iam.remove_role_from_instance_profile(InstanceProfileName=self.name, RoleName=member["RoleName"], aws_retry=True)
        if profile:
            self.iam.delete_instance_profile(InstanceProfileName=self.name, aws_retry=True)

    def _profile(self) -> State:
        try:
            return self.iam.get_instance_profile(InstanceProfileName=self.name, aws_retry=True)["InstanceProfile"]  # type: ignore[no-any-return]
        except is_boto3_error_code("NoSuchEntity"):
            return {}

    def _policy(self, name: str) -> State:
        return _document(self.iam.get_role_policy(RoleName=self.name, PolicyName=name, aws_retry=True)["PolicyDocument"])

    def _all(self, operation: str, items: str) -> list[t.Any]:
        return [item for page in self.iam.get_paginator(operation).paginate(RoleName=self.name) for item in page[items]]


def _document(document: t.Any) -> State:
    """A policy document as botocore gives it: already decoded, or still as text."""
    return json.loads(document) if isinstance(document, str) else document  # type: ignore[no-any-return]


def build(module: AnsibleAWSModule) -> Resource:
    if not re.fullmatch(r"[\w+=,.@-]{1,64}", module.params["name"], re.ASCII):
        module.fail_json(msg=f"name is {module.params['name']}: IAM takes 1 to 64 letters, digits and +=,.@-_")
    return InstanceRole(client(module, "iam"), module.params)


def main() -> None:
    run(
        build,
        {
            "name": {"type": "str", "required": True},
            "description": {"type": "str"},
            "policies": {"type": "dict"},
            "managed_policies": {"type": "list", "elements": "str"},
            "tags": {"type": "dict"},
        },
    )


if __name__ == "__main__":
    main()
