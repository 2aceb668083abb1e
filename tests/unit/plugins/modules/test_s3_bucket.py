# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""s3_bucket: the documents that it writes, what it refuses, and the requests that it sends."""

from __future__ import annotations

import json
import types
from unittest.mock import Mock, call

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils import s3_bucket as documents
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules.s3_bucket import Bucket

ARN = "arn:aws:s3:::state"
OTHER = {"Sid": "Other", "Effect": "Allow", "Principal": {"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject", "Resource": ARN}
UNSET = dict.fromkeys(["versioning", "encryption", "kms_key_id", "block_public_access", "require_tls", "noncurrent_days", "tags"])


class Failed(Exception):
    pass


def fail_json(msg):
    raise Failed(msg)


def error(code):
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


def bucket(client=None, **params):
    client = client or Mock()
    client.meta.region_name = "eu-west-3"
    client.meta.partition = "aws"
    params = {"name": "state", "state": "present", "force": False, **UNSET, **params}
    return Bucket(types.SimpleNamespace(params=params, fail_json=fail_json), client)


@pytest.mark.parametrize("name", ["abc", "greenleaf-prod-state", "a.b.c", "0" * 63])
def test_names_that_s3_takes(name):
    assert documents.problem({"name": name, **UNSET}) is None


@pytest.mark.parametrize(
    "name", ["ab", "0" * 64, "a_b", "a..b", "a-", ".ab", "10.0.0.1", "sthree-x", "amzn-s3-demo-x", "x.mrap", "x--x-s3"]
)
def test_names_that_s3_refuses(name):
    assert documents.problem({"name": name, **UNSET}).startswith("name: ")


def test_days_that_s3_refuses():
    assert documents.problem({"name": "state", **UNSET, "noncurrent_days": 0}).startswith("noncurrent_days: ")


@pytest.mark.parametrize(
    "change",
    [
        {"Sid": "Another"},
        {"Action": ["s3:*"]},
        {"Principal": {"AWS": "*"}},
        {"Resource": [f"{ARN}/*", ARN]},
        {"Condition": {"Bool": {"aws:SecureTransport": False}}},
    ],
)
def test_tls_is_required_by_any_statement_of_that_meaning(change):
    assert documents.requires_tls({"Statement": [OTHER, {**documents.tls_statement(ARN), **change}]}, ARN)


@pytest.mark.parametrize(
    "change",
    [{"Effect": "Allow"}, {"Resource": [ARN]}, {"Action": "s3:GetObject"}, {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}],
)
def test_tls_is_not_required_by_another_statement(change):
    assert not documents.requires_tls({"Statement": [{**documents.tls_statement(ARN), **change}]}, ARN)


def test_the_tls_statement_takes_the_place_of_one_that_drifted():
    drifted = {**documents.tls_statement(ARN), "Effect": "Allow"}
    policy = documents.with_tls({"Version": "2008-10-17", "Id": "x", "Statement": [drifted, OTHER]}, ARN, required=True)
    assert policy == {"Version": "2008-10-17", "Id": "x", "Statement": [OTHER, documents.tls_statement(ARN)]}


def test_a_lone_statement_may_stand_without_a_list():
    assert documents.with_tls({"Statement": OTHER}, ARN, required=True)["Statement"] == [OTHER, documents.tls_statement(ARN)]


def test_nothing_is_left_of_a_policy_that_only_required_tls():
    required = documents.with_tls({}, ARN, required=True)
    assert required["Version"] == "2012-10-17"
    assert documents.with_tls(required, ARN, required=False) is None


def test_a_lifecycle_rule_that_was_touched_does_not_count():
    rule = documents.lifecycle_rule(90)
    assert documents.noncurrent_days([{"ID": "other"}, rule]) == 90
    assert documents.noncurrent_days([{**rule, "Status": "Disabled"}]) is None
    assert documents.noncurrent_days([{**rule, "Filter": {"Prefix": "logs/"}}]) is None
    assert documents.with_lifecycle_rule([{**rule, "Status": "Disabled"}, {"ID": "other"}], 30) == [
        {"ID": "other"},
        documents.lifecycle_rule(30),
    ]


def test_public_access_is_blocked_only_by_all_four():
    blocks = dict.fromkeys(documents.PUBLIC_ACCESS_BLOCKS, True)
    assert documents.public_access_blocked(blocks) is True
    assert documents.public_access_blocked({}) is False
    assert documents.public_access_blocked({**blocks, "BlockPublicPolicy": False, "BlockPublicAcls": False}) == (
        "IgnorePublicAcls, RestrictPublicBuckets"
    )


def test_a_create_whose_answer_was_lost_is_not_an_error():
    client = Mock()
    client.create_bucket.side_effect = error("BucketAlreadyOwnedByYou")
    bucket(client).create()
    client.get_waiter.assert_called_once_with("bucket_exists")


def test_somebody_elses_bucket_is_refused():
    client = Mock()
    client.create_bucket.side_effect = error("BucketAlreadyExists")
    with pytest.raises(Failed, match="name: bucket state is somebody else's"):
        bucket(client).create()
    client.head_bucket.side_effect = error("403")
    with pytest.raises(Failed, match="name: bucket state exists, but you may not look at it"):
        bucket(client).read()


def test_only_what_is_declared_is_read():
    client = Mock()
    client.head_bucket.return_value = {"BucketRegion": "eu-west-3"}
    client.get_bucket_ownership_controls.return_value = {"OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}}
    client.get_bucket_versioning.return_value = {"Status": "Suspended"}

    result = converge(bucket(client, versioning=False), present=True, check_mode=False)
    assert not result["changed"]
    assert [name for name, _args, _options in client.method_calls] == [
        "head_bucket",
        "get_bucket_ownership_controls",
        "get_bucket_versioning",
    ]


def test_encryption_and_key_are_one_request():
    client = Mock()
    bucket(client, encryption="aws:kms", kms_key_id="alias/state").update({"encryption": "aws:kms", "kms_key_id": "alias/state"})
    rule = {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/state"},
        "BucketKeyEnabled": True,
    }
    assert client.method_calls == [
        call.put_bucket_encryption(Bucket="state", ServerSideEncryptionConfiguration={"Rules": [rule]}, aws_retry=True)
    ]


def test_aws_own_tags_are_written_back():
    client = Mock()
    client.get_bucket_tagging.return_value = {"TagSet": [{"Key": "aws:cloudformation:stack-name", "Value": "x"}]}
    state = bucket(client, tags={"Project": "greenleaf"})
    assert state.tags() == {}
    state.put_tags()
    assert client.put_bucket_tagging.call_args.kwargs["Tagging"]["TagSet"] == [
        {"Key": "Project", "Value": "greenleaf"},
        {"Key": "aws:cloudformation:stack-name", "Value": "x"},
    ]


def test_the_lifecycle_keeps_its_least_object_size():
    client = Mock()
    client.get_bucket_lifecycle_configuration.return_value = {
        "Rules": [],
        "TransitionDefaultMinimumObjectSize": "varies_by_storage_class",
    }
    bucket(client, noncurrent_days=30).put_noncurrent_days()
    assert client.put_bucket_lifecycle_configuration.call_args.kwargs["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"


def test_the_last_statement_takes_the_policy_with_it():
    client = Mock()
    client.get_bucket_policy.return_value = {"Policy": json.dumps({"Statement": [documents.tls_statement(ARN)]})}
    bucket(client, require_tls=False).put_tls()
    client.delete_bucket_policy.assert_called_once()
    client.put_bucket_policy.assert_not_called()


def test_an_object_that_cannot_be_deleted_is_an_error():
    client = Mock()
    client.get_paginator.return_value.paginate.return_value = [{}, {"Versions": [{"Key": "a", "VersionId": "1", "Size": 1}]}]
    client.delete_objects.return_value = {"Errors": [{"Key": "a", "Message": "Access Denied"}]}
    with pytest.raises(Failed, match="Bucket state keeps a: Access Denied"):
        bucket(client, force=True).delete()
    client.delete_objects.assert_called_once_with(
        Bucket="state", Delete={"Objects": [{"Key": "a", "VersionId": "1"}], "Quiet": True}, aws_retry=True
    )
    client.delete_bucket.assert_not_called()


def test_a_bucket_that_is_gone_meanwhile_is_deleted():
    client = Mock()
    client.delete_bucket.side_effect = error("NoSuchBucket")
    bucket(client).delete()
    client.delete_bucket.assert_called_once()
