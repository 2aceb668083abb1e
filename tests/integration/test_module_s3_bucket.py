# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest

NAME = "greenleaf-test-state"
OPTIONS = {
    "name": NAME,
    "versioning": True,
    "encryption": "AES256",
    "block_public_access": True,
    "require_tls": True,
    "noncurrent_days": 90,
    "tags": {"Project": "greenleaf"},
}
FOREIGN_STATEMENT = {
    "Sid": "Reader",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
    "Action": "s3:GetObject",
    "Resource": f"arn:aws:s3:::{NAME}/*",
}


def test_converges(assert_converges, aws):
    result = assert_converges("s3_bucket", **OPTIONS)

    assert result["resource"]["arn"] == f"arn:aws:s3:::{NAME}"
    s3 = aws("s3")
    assert s3.get_bucket_location(Bucket=NAME)["LocationConstraint"] == "eu-west-3"
    assert s3.get_bucket_versioning(Bucket=NAME)["Status"] == "Enabled"
    assert s3.get_bucket_ownership_controls(Bucket=NAME)["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (encryption,) = s3.get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(s3.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"].values()) == {True}
    (statement,) = json.loads(s3.get_bucket_policy(Bucket=NAME)["Policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"]
    (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=NAME)["Rules"]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    assert s3.get_bucket_tagging(Bucket=NAME)["TagSet"] == [{"Key": "Project", "Value": "greenleaf"}]


def test_check_mode_tells_the_plan(run_module):
    result = run_module("s3_bucket", check_mode=True, **OPTIONS)

    assert result["resource"]["arn"] == f"arn:aws:s3:::{NAME}"
    assert result["diff"]["before"] == {}
    assert result["diff"]["after"] == {
        "object_ownership": "BucketOwnerEnforced",
        **{field: value for field, value in OPTIONS.items() if field != "name"},
    }


DRIFTS = {
    "object_ownership": lambda s3: s3.put_bucket_ownership_controls(
        Bucket=NAME, OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    ),
    "versioning": lambda s3: s3.put_bucket_versioning(Bucket=NAME, VersioningConfiguration={"Status": "Suspended"}),
    "encryption": lambda s3: s3.put_bucket_encryption(
        Bucket=NAME,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]},
    ),
    "block_public_access": lambda s3: s3.put_public_access_block(
        Bucket=NAME,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": False,
            "RestrictPublicBuckets": False,
        },
    ),
    "require_tls": lambda s3: s3.delete_bucket_policy(Bucket=NAME),
    "noncurrent_days": lambda s3: s3.delete_bucket_lifecycle(Bucket=NAME),
    "tags": lambda s3: s3.delete_bucket_tagging(Bucket=NAME),
}


@pytest.mark.parametrize("field", DRIFTS)
def test_drift_is_seen_and_mended(run_module, account, aws, field):
    run_module("s3_bucket", **OPTIONS)
    DRIFTS[field](aws("s3"))

    mark = account.mark()
    plan = run_module("s3_bucket", check_mode=True, **OPTIONS)
    assert list(plan["diff"]["after"]) == [field]
    assert account.writes(mark) == []
    assert run_module("s3_bucket", **OPTIONS)["diff"]["after"] == plan["diff"]["after"]
    assert len(account.writes(mark)) == 1
    assert not run_module("s3_bucket", **OPTIONS)["changed"]


def test_what_others_made_stays(run_module, assert_converges, aws):
    s3 = aws("s3")
    s3.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    s3.put_bucket_policy(Bucket=NAME, Policy=json.dumps({"Version": "2012-10-17", "Statement": [FOREIGN_STATEMENT]}))
    s3.put_bucket_tagging(Bucket=NAME, Tagging={"TagSet": [{"Key": "Team", "Value": "data"}]})
    foreign_rule = {"ID": "logs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 3}}
    s3.put_bucket_lifecycle_configuration(Bucket=NAME, LifecycleConfiguration={"Rules": [foreign_rule]})

    assert_converges("s3_bucket", **OPTIONS)

    assert [statement["Sid"] for statement in json.loads(s3.get_bucket_policy(Bucket=NAME)["Policy"])["Statement"]] == [
        "Reader",
        "RequireTls",
    ]
    assert s3.get_bucket_tagging(Bucket=NAME)["TagSet"] == [{"Key": "Project", "Value": "greenleaf"}, {"Key": "Team", "Value": "data"}]
    assert [rule["ID"] for rule in s3.get_bucket_lifecycle_configuration(Bucket=NAME)["Rules"]] == ["logs", "expire-noncurrent-versions"]

    run_module("s3_bucket", name=NAME, require_tls=False)
    assert json.loads(s3.get_bucket_policy(Bucket=NAME)["Policy"])["Statement"] == [FOREIGN_STATEMENT]


def test_kms_key(assert_converges, aws):
    key = "arn:aws:kms:eu-west-3:123456789012:key/11111111-2222-3333-4444-555555555555"
    assert_converges("s3_bucket", name=NAME, encryption="aws:kms", kms_key_id=key)

    (rule,) = aws("s3").get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule == {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
        "BucketKeyEnabled": True,
    }


def test_us_east_1_is_not_named(run_module, account):
    mark = account.mark()
    run_module("s3_bucket", name=NAME, region="us-east-1")

    assert account.writes(mark)[0]["parameters"] == {"Bucket": NAME, "ObjectOwnership": "BucketOwnerEnforced"}


def test_another_region_is_refused(run_module, aws):
    aws("s3", region_name="eu-west-1").create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    assert "lies in eu-west-1" in run_module("s3_bucket", fails=True, name=NAME)["msg"]


def test_delete(run_module, account):
    run_module("s3_bucket", **OPTIONS)

    mark = account.mark()
    assert run_module("s3_bucket", check_mode=True, name=NAME, state="absent")["changed"]
    assert account.writes(mark) == []
    assert run_module("s3_bucket", name=NAME, state="absent")["resource"] == {}
    assert not run_module("s3_bucket", name=NAME, state="absent")["changed"]
    assert [request["action"] for request in account.writes(mark)] == ["DeleteBucket"]


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_bucket_with_objects_is_kept_unless_forced(run_module, account, aws, check_mode):
    run_module("s3_bucket", name=NAME, versioning=True)
    s3 = aws("s3")
    s3.put_object(Bucket=NAME, Key="record", Body=b"1")
    s3.put_object(Bucket=NAME, Key="record", Body=b"2")
    s3.delete_object(Bucket=NAME, Key="record")

    mark = account.mark()
    assert "set force" in run_module("s3_bucket", fails=True, check_mode=check_mode, name=NAME, state="absent")["msg"]
    assert account.writes(mark) == []

    assert run_module("s3_bucket", check_mode=check_mode, name=NAME, state="absent", force=True)["changed"]
    assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ([NAME] if check_mode else [])


@pytest.mark.parametrize("name", ["ab", "Upper", "-dash", "two..dots", "10.0.0.1", "xn--name", "name-s3alias"])
def test_bad_names_are_refused_before_any_call(run_module, account, name):
    mark = account.mark()
    assert run_module("s3_bucket", fails=True, name=name)["msg"].startswith("name: S3 refuses")
    assert account.requests(mark) == []


def test_a_key_without_kms_is_refused(run_module):
    assert run_module("s3_bucket", fails=True, name=NAME, kms_key_id="alias/x")["msg"].startswith("kms_key_id:")
