# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest

NAME = "greenleaf-test-alerts"
ARN = f"arn:aws:sns:eu-west-3:123456789012:{NAME}"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Alarms",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": ARN,
        }
    ],
}
MAIL = {"protocol": "email", "endpoint": "ops@example.com"}
QUEUE = {"protocol": "sqs", "endpoint": "arn:aws:sqs:eu-west-3:123456789012:alerts"}
OPTIONS = {
    "name": NAME,
    "display_name": "GreenLeaf test",
    "subscriptions": [QUEUE, MAIL],
    "policy": POLICY,
    "tags": {"Project": "greenleaf"},
}


def endpoints(aws):
    return {subscription["Endpoint"] for subscription in aws("sns").list_subscriptions_by_topic(TopicArn=ARN)["Subscriptions"]}


def test_converges(assert_converges, aws):
    result = assert_converges("sns_topic", **OPTIONS)

    assert result["resource"]["arn"] == ARN
    sns = aws("sns")
    attributes = sns.get_topic_attributes(TopicArn=ARN)["Attributes"]
    assert attributes["DisplayName"] == "GreenLeaf test"
    assert json.loads(attributes["Policy"]) == POLICY
    assert endpoints(aws) == {"ops@example.com", QUEUE["endpoint"]}
    assert sns.list_tags_for_resource(ResourceArn=ARN)["Tags"] == [{"Key": "Project", "Value": "greenleaf"}]


def test_check_mode_tells_the_plan(run_module):
    result = run_module("sns_topic", check_mode=True, **OPTIONS)

    assert result["diff"]["before"] == {}
    assert result["diff"]["after"] == {
        "display_name": "GreenLeaf test",
        "policy": POLICY,
        "subscriptions": [{**MAIL, "confirmed": False}, {**QUEUE, "confirmed": True}],
        "tags": {"Project": "greenleaf"},
    }
    assert result["resource"]["arn"] == ARN


def test_the_topic_is_created_whole(run_module, account):
    mark = account.mark()
    run_module("sns_topic", **OPTIONS)

    create, *others = account.writes(mark)
    assert create["action"] == "CreateTopic"
    assert json.loads(create["parameters"]["Attributes"].pop("Policy")) == POLICY
    assert create["parameters"] == {
        "Name": NAME,
        "Attributes": {"DisplayName": "GreenLeaf test"},
        "Tags": [{"Key": "Project", "Value": "greenleaf"}],
    }
    assert [request["action"] for request in others] == ["Subscribe", "Subscribe"]


def widened(policy):
    (statement,) = policy["Statement"]
    return {**policy, "Statement": [{**statement, "Principal": {"AWS": "*", **statement["Principal"]}}]}


@pytest.mark.parametrize(
    ("field", "drift"),
    [
        ("display_name", lambda sns: sns.set_topic_attributes(TopicArn=ARN, AttributeName="DisplayName", AttributeValue="")),
        ("policy", lambda sns: sns.set_topic_attributes(TopicArn=ARN, AttributeName="Policy", AttributeValue=json.dumps(widened(POLICY)))),
        ("tags", lambda sns: sns.untag_resource(ResourceArn=ARN, TagKeys=["Project"])),
        (
            "subscriptions",
            lambda sns: sns.unsubscribe(
                SubscriptionArn=next(
                    subscription["SubscriptionArn"]
                    for subscription in sns.list_subscriptions_by_topic(TopicArn=ARN)["Subscriptions"]
                    if subscription["Protocol"] == "email"
                )
            ),
        ),
    ],
)
def test_drift_is_seen_and_mended(run_module, account, aws, field, drift):
    run_module("sns_topic", **OPTIONS)
    drift(aws("sns"))

    mark = account.mark()
    plan = run_module("sns_topic", check_mode=True, **OPTIONS)
    assert list(plan["diff"]["after"]) == [field]
    assert account.writes(mark) == []
    assert list(run_module("sns_topic", **OPTIONS)["diff"]["after"]) == [field]
    assert len(account.writes(mark)) == 1
    assert not run_module("sns_topic", **OPTIONS)["changed"]


def test_a_policy_of_the_same_meaning_is_no_change(run_module, aws):
    run_module("sns_topic", **OPTIONS)
    (statement,) = POLICY["Statement"]
    same = {**POLICY, "Statement": [{**statement, "Action": ["sns:Publish"], "Resource": [ARN]}]}

    assert not run_module("sns_topic", **{**OPTIONS, "policy": same})["changed"]


def test_undeclared_subscriptions_stay_unless_purged(run_module, assert_converges, aws):
    run_module("sns_topic", **OPTIONS)

    assert not run_module("sns_topic", name=NAME, subscriptions=[MAIL])["changed"]
    assert endpoints(aws) == {"ops@example.com", QUEUE["endpoint"]}

    plan = run_module("sns_topic", check_mode=True, name=NAME, subscriptions=[MAIL], purge_subscriptions=True)
    assert [subscription["protocol"] for subscription in plan["resource"]["subscriptions"]] == ["email"]
    assert_converges("sns_topic", name=NAME, subscriptions=[MAIL], purge_subscriptions=True)
    assert endpoints(aws) == {"ops@example.com"}


def test_undeclared_tags_stay(run_module, aws):
    aws("sns").create_topic(Name=NAME, Tags=[{"Key": "Team", "Value": "data"}])
    run_module("sns_topic", **OPTIONS)

    tags = {tag["Key"]: tag["Value"] for tag in aws("sns").list_tags_for_resource(ResourceArn=ARN)["Tags"]}
    assert tags == {"Project": "greenleaf", "Team": "data"}


def test_delete(run_module, account, aws):
    run_module("sns_topic", **OPTIONS)

    mark = account.mark()
    assert run_module("sns_topic", check_mode=True, name=NAME, state="absent")["changed"]
    assert account.writes(mark) == []
    assert run_module("sns_topic", name=NAME, state="absent")["resource"] == {}
    assert not run_module("sns_topic", name=NAME, state="absent")["changed"]
    assert aws("sns").list_topics()["Topics"] == []


@pytest.mark.parametrize(("option", "value"), [("name", "has space"), ("name", "x" * 257), ("display_name", "x" * 101)])
def test_what_sns_refuses_is_refused_before_any_call(run_module, account, option, value):
    mark = account.mark()
    assert run_module("sns_topic", fails=True, **{"name": NAME, option: value})["msg"].startswith(f"{option}:")
    assert account.requests(mark) == []
