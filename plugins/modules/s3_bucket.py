#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_bucket
short_description: Keep an S3 bucket in its declared state
version_added: 0.1.0
description:
  - Creates, configures or deletes a general purpose bucket. Its objects belong to the bucket's owner and ACLs are off
    (C(BucketOwnerEnforced)).
  - Unlike M(amazon.aws.s3_bucket) and M(community.aws.s3_lifecycle) it tells in check mode, with a diff, what it would do.
  - An option that is not given leaves what it stands for as it is.
  - Needs C(s3:ListBucket), C(s3:CreateBucket), C(s3:GetBucketOwnershipControls) and C(s3:PutBucketOwnershipControls).
    For O(versioning) C(s3:GetBucketVersioning) and C(s3:PutBucketVersioning).
    For O(encryption) C(s3:GetEncryptionConfiguration) and C(s3:PutEncryptionConfiguration).
    For O(block_public_access) C(s3:GetBucketPublicAccessBlock) and C(s3:PutBucketPublicAccessBlock).
    For O(require_tls) C(s3:GetBucketPolicy), C(s3:PutBucketPolicy) and C(s3:DeleteBucketPolicy).
    For O(noncurrent_days) C(s3:GetLifecycleConfiguration) and C(s3:PutLifecycleConfiguration).
    For O(tags) C(s3:GetBucketTagging) and C(s3:PutBucketTagging).
  - To delete it needs C(s3:DeleteBucket) and C(s3:ListBucketVersions), with O(force) C(s3:DeleteObject) and C(s3:DeleteObjectVersion) too.
options:
  name:
    description:
      - Name, unique among all accounts, 3 to 63 lower-case letters, digits, dots and hyphens.
      - A dot in it breaks HTTPS on the bucket's own host name.
    type: str
    required: true
  state:
    description: Whether the bucket is there.
    type: str
    choices: [present, absent]
    default: present
  versioning:
    description: Whether each object keeps its versions. V(false) suspends it, the versions that exist stay.
    type: bool
  encryption:
    description: How new objects are encrypted at rest if their upload does not say it.
    type: str
    choices: [AES256, "aws:kms"]
  kms_key_id:
    description:
      - KMS key for O(encryption=aws:kms), as ID, ARN or alias ARN. AWS's own key C(aws/s3) if it was never set.
      - It is used through a bucket key, which saves most of the requests to KMS.
    type: str
  block_public_access:
    description: Whether all four blocks of public access are on (V(true)) or off (V(false)).
    type: bool
  require_tls:
    description: Whether the bucket's policy denies every request without TLS. Its other statements stay.
    type: bool
  noncurrent_days:
    description:
      - Days, at least 1, after which a version that is no longer the current one is deleted.
      - Uploads in parts that were not finished within 7 days are deleted too. Other lifecycle rules stay.
    type: int
  tags:
    description: Tags that the bucket must have. Others that it has stay.
    type: dict
  force:
    description:
      - Whether O(state=absent) first deletes every object, version and delete marker.
      - Without it a bucket that is not empty is refused.
    type: bool
    default: false
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
- name: Keep the state bucket private, encrypted and versioned for a quarter
  greenleaf.cloud.s3_bucket:
    name: greenleaf-prod-state
    versioning: true
    encryption: AES256
    block_public_access: true
    require_tls: true
    noncurrent_days: 90
    tags:
      Project: greenleaf
      Environment: prod

- name: Delete a bucket and all that is in it
  greenleaf.cloud.s3_bucket:
    name: greenleaf-dev-state
    state: absent
    force: true
"""

RETURN = r"""
resource:
  description: The bucket after the run, with the declared options as they are; empty once it is deleted.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
      sample: greenleaf-prod-state
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:s3:::greenleaf-prod-state
    region:
      description: The region that it lies in.
      type: str
      sample: eu-west-3
    object_ownership:
      description: Who owns the objects.
      type: str
      sample: BucketOwnerEnforced
  sample:
    name: greenleaf-prod-state
    arn: arn:aws:s3:::greenleaf-prod-state
    region: eu-west-3
    object_ownership: BucketOwnerEnforced
    versioning: true
    noncurrent_days: 90
"""

import json
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils import s3_bucket as documents
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State


class Bucket(Resource):
    def __init__(self, module: AnsibleAWSModule, client: t.Any) -> None:
        self.module = module
        self.client = client
        self.params = module.params
        self.name = module.params["name"]
        self.region = client.meta.region_name
        self.arn = f"arn:{client.meta.partition}:s3:::{self.name}"

    @property
    def label(self) -> str:
        return f"bucket {self.name}"

    def declared(self) -> State:
        options = (field for field in READERS if field in self.params)
        return {"object_ownership": "BucketOwnerEnforced", **set_fields(self.params, options)}

    def read(self) -> State | None:
        try:
            head = self.client.head_bucket(Bucket=self.name, aws_retry=True)
        except is_boto3_error_code("404"):
            return None
        except is_boto3_error_code("403"):
            self.module.fail_json(
                msg=f"name: bucket {self.name} exists, but you may not look at it. "
                "Choose another name if it is somebody else's; if it is yours, ask for s3:ListBucket on it."
            )
        if head.get("BucketRegion", self.region) != self.region:
            self.module.fail_json(msg=f"name: bucket {self.name} lies in {head['BucketRegion']}: choose another name, or that region.")
        if self.params["state"] == "absent":
            self._refuse_to_lose_objects()
            return self.unknown()
        return {**self.unknown(), **{field: READERS[field](self) for field in self.declared()}}

    def unknown(self) -> State:
        return {"name": self.name, "arn": self.arn, "region": self.region}

    def create(self) -> None:
        # us-east-1 is the one region that must not be named.
        place = {} if self.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        try:
            self.client.create_bucket(Bucket=self.name, ObjectOwnership="BucketOwnerEnforced", aws_retry=True, **place)
        except is_boto3_error_code("BucketAlreadyOwnedByYou"):
            pass  # an earlier try's answer was lost
        except is_boto3_error_code("BucketAlreadyExists"):
            self.module.fail_json(msg=f"name: bucket {self.name} is somebody else's; names are unique among all accounts, choose another.")
        self.client.get_waiter("bucket_exists").wait(Bucket=self.name)

    def update(self, changes: State) -> None:
        for write in dict.fromkeys(WRITERS[field] for field in changes):
            write(self)

    def delete(self) -> None:
        if self.params["force"]:
            self._empty()
        try:
            self.client.delete_bucket(Bucket=self.name, aws_retry=True)
        except is_boto3_error_code("NoSuchBucket"):
            pass

    def _refuse_to_lose_objects(self) -> None:
        if self.params["force"]:
            return
        found = self.client.list_object_versions(Bucket=self.name, MaxKeys=1, aws_retry=True)
        if found.get("Versions") or found.get("DeleteMarkers"):
            self.module.fail_json(msg=f"Bucket {self.name} is not empty: set force to delete it with every object and version in it.")

    def _empty(self) -> None:
        for page in self.client.get_paginator("list_object_versions").paginate(Bucket=self.name):
            versions = [
                {"Key": version["Key"], "VersionId": version["VersionId"]}
                for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            ]
            if not versions:
                continue
            answer = self.client.delete_objects(Bucket=self.name, Delete={"Objects": versions, "Quiet": True}, aws_retry=True)
            if errors := answer.get("Errors"):
                self.module.fail_json(msg=f"Bucket {self.name} keeps {errors[0]['Key']}: {errors[0]['Message']}")

    def _get(self, operation: str, *missing: str) -> State:
        """The answer of a GetBucket… operation, empty where the bucket was never given what it asks for."""
        try:
            return dict(getattr(self.client, operation)(Bucket=self.name, aws_retry=True))
        except is_boto3_error_code(list(missing)):
            return {}

    def ownership(self) -> str | None:
        rules = self._get("get_bucket_ownership_controls", "OwnershipControlsNotFoundError").get("OwnershipControls", {}).get("Rules")
        return rules[0]["ObjectOwnership"] if rules else None

    def put_ownership(self) -> None:
        controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        self.client.put_bucket_ownership_controls(Bucket=self.name, OwnershipControls=controls, aws_retry=True)

    def versioning(self) -> bool:
        return self._get("get_bucket_versioning").get("Status") == "Enabled"

    def put_versioning(self) -> None:
        status = "Enabled" if self.params["versioning"] else "Suspended"
        self.client.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": status}, aws_retry=True)

    def _default_encryption(self) -> dict[str, str]:
        configuration = self._get("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError")
        rules = configuration.get("ServerSideEncryptionConfiguration", {}).get("Rules") or [{}]
        return dict(rules[0].get("ApplyServerSideEncryptionByDefault", {}))

    def encryption(self) -> str | None:
        return self._default_encryption().get("SSEAlgorithm")

    def kms_key_id(self) -> str | None:
        return self._default_encryption().get("KMSMasterKeyID")

    def put_encryption(self) -> None:
        default = {"SSEAlgorithm": self.params["encryption"]}
        if self.params["kms_key_id"]:
            default["KMSMasterKeyID"] = self.params["kms_key_id"]
        rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": self.params["encryption"] == "aws:kms"}
        self.client.put_bucket_encryption(Bucket=self.name, ServerSideEncryptionConfiguration={"Rules": [rule]}, aws_retry=True)

    def public_access(self) -> bool | str:
        blocks = self._get("get_public_access_block", "NoSuchPublicAccessBlockConfiguration")
        return documents.public_access_blocked(blocks.get("PublicAccessBlockConfiguration", {}))

    def put_public_access(self) -> None:
        blocks = dict.fromkeys(documents.PUBLIC_ACCESS_BLOCKS, self.params["block_public_access"])
        self.client.put_public_access_block(Bucket=self.name, PublicAccessBlockConfiguration=blocks, aws_retry=True)

    def _policy(self) -> State:
        return dict(json.loads(self._get("get_bucket_policy", "NoSuchBucketPolicy").get("Policy", "{}")))

    def tls(self) -> bool:
        return documents.requires_tls(self._policy(), self.arn)

    def put_tls(self) -> None:
        policy = documents.with_tls(self._policy(), self.arn, required=self.params["require_tls"])
        if policy:
            self.client.put_bucket_policy(Bucket=self.name, Policy=json.dumps(policy), aws_retry=True)
        else:
            self.client.delete_bucket_policy(Bucket=self.name, aws_retry=True)

    def _lifecycle(self) -> State:
        return self._get("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration")

    def noncurrent_days(self) -> int | None:
        return documents.noncurrent_days(self._lifecycle().get("Rules", []))

    def put_noncurrent_days(self) -> None:
        lifecycle = self._lifecycle()
        rules = documents.with_lifecycle_rule(lifecycle.get("Rules", []), self.params["noncurrent_days"])
        size = {name: lifecycle[name] for name in ("TransitionDefaultMinimumObjectSize",) if name in lifecycle}
        self.client.put_bucket_lifecycle_configuration(Bucket=self.name, LifecycleConfiguration={"Rules": rules}, aws_retry=True, **size)

    def _tag_set(self) -> list[dict[str, str]]:
        return list(self._get("get_bucket_tagging", "NoSuchTagSet").get("TagSet", []))

    def tags(self) -> dict[str, str]:
        return tags_from(self._tag_set())

    def put_tags(self) -> None:
        # The set is replaced as a whole, and S3 refuses to lose AWS's own tags.
        kept = {tag["Key"]: tag["Value"] for tag in self._tag_set()}
        self.client.put_bucket_tagging(Bucket=self.name, Tagging={"TagSet": tags_to(kept | self.params["tags"])}, aws_retry=True)


# How each field is read, and written from the module's parameters.
READERS: dict[str, t.Callable[[Bucket], t.Any]] = {
    "object_ownership": Bucket.ownership,
    "versioning": Bucket.versioning,
    "encryption": Bucket.encryption,
    "kms_key_id": Bucket.kms_key_id,
    "block_public_access": Bucket.public_access,
    "require_tls": Bucket.tls,
    "noncurrent_days": Bucket.noncurrent_days,
    "tags": Bucket.tags,
}
WRITERS: dict[str, t.Callable[[Bucket], None]] = {
    "object_ownership": Bucket.put_ownership,
    "versioning": Bucket.put_versioning,
    "encryption": Bucket.put_encryption,
    "kms_key_id": Bucket.put_encryption,
    "block_public_access": Bucket.put_public_access,
    "require_tls": Bucket.put_tls,
    "noncurrent_days": Bucket.put_noncurrent_days,
    "tags": Bucket.put_tags,
}


def build(module: AnsibleAWSModule) -> Bucket:
    if problem := documents.problem(module.params):
        module.fail_json(msg=problem)
    return Bucket(module, client(module, "s3"))


def main() -> None:
    run(
        build,
        {
            "name": {"type": "str", "required": True},
            "versioning": {"type": "bool"},
            "encryption": {"type": "str", "choices": ["AES256", "aws:kms"]},
            "kms_key_id": {"type": "str", "no_log": False},
            "block_public_access": {"type": "bool"},
            "require_tls": {"type": "bool"},
            "noncurrent_days": {"type": "int"},
            "tags": {"type": "dict"},
            "force": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
