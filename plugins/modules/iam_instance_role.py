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
  - Policies that O(policies) and O(managed_policies), where they are set, do not list are taken away.
  - Needs C(iam:GetRole), C(iam:CreateRole), C(iam:UpdateRole), C(iam:UpdateAssumeRolePolicy), C(iam:DeleteRole), C(iam:TagRole),
    C(iam:ListRolePolicies), C(iam:GetRolePolicy), C(iam:PutRolePolicy), C(iam:DeleteRolePolicy), C(iam:ListAttachedRolePolicies),
    C(iam:AttachRolePolicy), C(iam:DetachRolePolicy), C(iam:GetInstanceProfile), C(iam:CreateInstanceProfile),
    C(iam:AddRoleToInstanceProfile), C(iam:PassRole), C(iam:RemoveRoleFromInstanceProfile), C(iam:DeleteInstanceProfile) and
    C(iam:TagInstanceProfile).
options:
  name:
    description: Name of the role and of the instance profile, at most 64 letters, digits and C(+=,.@_-).
    type: str
    required: true
  description:
    description: What the role is for, at most 1000 characters.
    type: str
  policies:
    description: Inline policies, documents by name; together they have 10240 characters at the most.
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

import collections.abc as c
import json
import re
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, paginated, run, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.limits import refuse_unlike
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State, satisfied

POLICIES_LENGTH = 10240  # characters of all of a role's inline policies
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
        self.profile: State = {}
        self.role_tags: dict[str, str] = {}

    @property
    def label(self) -> str:
        return f"Instance role {self.name}"

    def declared(self) -> State:
        fields = set_fields(self.params, ["description", "policies", "tags"])
        managed = self.params["managed_policies"]
        return fields | {"trust": TRUST, "instance_profile": True} | ({} if managed is None else {"managed_policies": sorted(set(managed))})

    def read(self) -> State | None:
        try:
            role = self.iam.get_role(RoleName=self.name, aws_retry=True)["Role"]
        except is_boto3_error_code("NoSuchEntity"):
            return None
        self.profile = self._profile()
        self.role_tags = tags_from(role.get("Tags", []))
        profile_tags = tags_from(self.profile.get("Tags", []))
        attached = paginated(self.iam, "list_attached_role_policies", "AttachedPolicies", RoleName=self.name)
        inline = paginated(self.iam, "list_role_policies", "PolicyNames", RoleName=self.name)
        self.observed = {
            "arn": role["Arn"],
            "instance_profile_arn": self.profile.get("Arn", ""),
            "instance_profile": any(member["RoleName"] == self.name for member in self.profile.get("Roles", [])),
            "trust": _document(role["AssumeRolePolicyDocument"]),
            "description": role.get("Description", ""),
            "policies": {name: self._policy(name) for name in inline},
            "managed_policies": sorted(policy["PolicyArn"] for policy in attached),
            # A tag counts where both the role and its profile carry it.
            "tags": {key: value for key, value in self.role_tags.items() if profile_tags.get(key) == value},
        }
        return self.observed

    def unknown(self) -> State:
        account = f"arn:{self.iam.meta.partition}:iam::000000000000"
        return {"arn": f"{account}:role/{self.name}", "instance_profile_arn": f"{account}:instance-profile/{self.name}"}

    def create(self) -> None:
        self._create(
            self.iam.create_role,
            RoleName=self.name,
            AssumeRolePolicyDocument=json.dumps(TRUST),
            Description=self.params["description"] or "",
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
        if "tags" in changes:
            self._keep_tags(changes["tags"])
        if "instance_profile" in changes:
            self._keep_profile()

    def delete(self) -> None:
        self._keep_attached(set())
        self._keep_inline({})
        self._delete_profile()
        self.iam.delete_role(RoleName=self.name, aws_retry=True)

    def _create(self, operation: c.Callable[..., t.Any], **request: t.Any) -> None:
        try:
            operation(**request, Tags=tags_to(self.params["tags"] or {}), aws_retry=True)
        except is_boto3_error_code("EntityAlreadyExists"):
            pass  # made by a call whose answer was lost

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

    def _keep_tags(self, tags: State) -> None:
        if not satisfied(tags, self.role_tags):
            self.iam.tag_role(RoleName=self.name, Tags=tags_to(tags), aws_retry=True)
        if self.profile and not satisfied(tags, tags_from(self.profile.get("Tags", []))):
            self.iam.tag_instance_profile(InstanceProfileName=self.name, Tags=tags_to(tags), aws_retry=True)

    def _keep_profile(self) -> None:
        if not self.profile:
            self._create(self.iam.create_instance_profile, InstanceProfileName=self.name)
        self._empty_profile()  # it holds one role
        self.iam.add_role_to_instance_profile(InstanceProfileName=self.name, RoleName=self.name, aws_retry=True)

    def _delete_profile(self) -> None:
        self._empty_profile()
        if self.profile:
            self.iam.delete_instance_profile(InstanceProfileName=self.name, aws_retry=True)

    def _empty_profile(self) -> None:
        for member in self.profile.get("Roles", []):
            self.iam.remove_role_from_instance_profile(InstanceProfileName=self.name, RoleName=member["RoleName"], aws_retry=True)

    def _profile(self) -> State:
        try:
            return self.iam.get_instance_profile(InstanceProfileName=self.name, aws_retry=True)["InstanceProfile"]  # type: ignore[no-any-return]
        except is_boto3_error_code("NoSuchEntity"):
            return {}

    def _policy(self, name: str) -> State:
        return _document(self.iam.get_role_policy(RoleName=self.name, PolicyName=name, aws_retry=True)["PolicyDocument"])


def _document(document: t.Any) -> State:
    """A policy document as botocore gives it: already decoded, or still as text."""
    return json.loads(document) if isinstance(document, str) else document  # type: ignore[no-any-return]


def refuse(module: t.Any) -> None:
    """Fail where IAM would."""
    refuse_unlike(module, "name", r"[A-Za-z0-9_+=,.@-]{1,64}", "1 to 64 letters, digits and +=,.@_-")
    refuse_unlike(module, "description", r"[\t\n\r -~\xa1-\xff]{0,1000}", "1000 characters of Latin-1 at the most")
    policies = module.params["policies"] or {}
    for name in policies:
        if not re.fullmatch(r"[A-Za-z0-9_+=,.@-]{1,128}", name):
            module.fail_json(msg=f"policies names {name!r}: use 1 to 128 letters, digits and +=,.@_-")
    length = sum(len(json.dumps(document, separators=(",", ":"))) for document in policies.values())
    if length > POLICIES_LENGTH:
        module.fail_json(msg=f"policies have {length} characters, and IAM takes {POLICIES_LENGTH}: move some to a managed policy.")
    for arn in module.params["managed_policies"] or []:
        if not re.fullmatch(r"arn:[a-z-]+:iam::(aws|\d{12}):policy/[!-~]+", arn):
            module.fail_json(msg=f"managed_policies lists {arn!r}: use ARNs such as arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore.")


def build(module: AnsibleAWSModule) -> Resource:
    refuse(module)
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
