# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What sandbox.gaps adds to moto's S3 and DynamoDB."""

from __future__ import annotations

import collections.abc as c
import json
import typing as t

import pytest
from botocore.exceptions import ClientError

Aws = c.Callable[[str], t.Any]


def policy(effect: str, principal: t.Any) -> str:
    statement = {"Effect": effect, "Principal": principal, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::state/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class TestBuckets:
    @pytest.fixture
    def s3(self, aws: Aws) -> t.Any:
        client = aws("s3")
        client.create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
        return client

    def test_new_bucket(self, s3: t.Any) -> None:
        block = s3.get_public_access_block(Bucket="state")["PublicAccessBlockConfiguration"]
        assert (len(block), set(block.values())) == (4, {True})
        ownership = s3.get_bucket_ownership_controls(Bucket="state")["OwnershipControls"]["Rules"]
        assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]
        encryption = s3.get_bucket_encryption(Bucket="state")["ServerSideEncryptionConfiguration"]["Rules"]
        assert encryption == [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": False}]

    def test_blocked_public_policy(self, s3: t.Any) -> None:
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_bucket_policy(Bucket="state", Policy=policy("Allow", "*"))
        for harmless in (policy("Deny", "*"), policy("Allow", {"AWS": "arn:aws:iam::123456789012:root"})):
            s3.put_bucket_policy(Bucket="state", Policy=harmless)
        s3.delete_public_access_block(Bucket="state")
        s3.put_bucket_policy(Bucket="state", Policy=policy("Allow", "*"))
        assert s3.get_bucket_policy_status(Bucket="state")["PolicyStatus"]["IsPublic"]


def test_table_has_an_id(aws: Aws) -> None:
    dynamodb = aws("dynamodb")
    table = {
        "TableName": "lock",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "LockID", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "LockID", "AttributeType": "S"}],
    }
    first = dynamodb.create_table(**table)["TableDescription"]["TableId"]
    assert dynamodb.describe_table(TableName="lock")["Table"]["TableId"] == first
    dynamodb.delete_table(TableName="lock")
    assert dynamodb.create_table(**table)["TableDescription"]["TableId"] != first
