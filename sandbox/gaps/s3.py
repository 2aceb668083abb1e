# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""S3 (API reference 2006-03-01)."""

from __future__ import annotations

import typing as t

from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, PublicAccessBlock, S3Backend
from moto.s3.utils import bucket_policy_is_public

from sandbox.patch import wraps


@wraps(S3Backend)
def create_bucket(moto: t.Any, self: S3Backend, *args: t.Any, **kwargs: t.Any) -> FakeBucket:
    """CreateBucket: what a new bucket has had since 2023: no public access, no ACLs, encryption with S3's own keys."""
    bucket = t.cast(FakeBucket, moto(self, *args, **kwargs))
    bucket.public_access_block = PublicAccessBlock(True, True, True, True)
    bucket.ownership_rule = "BucketOwnerEnforced"  # type: ignore[assignment]
    bucket.encryption = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}
    return bucket


@wraps(S3Backend)
def put_bucket_policy(moto: t.Any, self: S3Backend, bucket_name: str, policy: bytes) -> None:
    """PutBucketPolicy: no public policy where BlockPublicPolicy is on."""
    block = self.get_bucket(bucket_name).public_access_block
    if block and block.block_public_policy and bucket_policy_is_public(policy):
        raise S3ClientError(
            "AccessDenied", "Access Denied: public policies are blocked by the BlockPublicPolicy setting in S3 Block Public Access."
        )
    moto(self, bucket_name, policy)
