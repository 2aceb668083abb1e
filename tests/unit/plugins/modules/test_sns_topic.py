# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""sns_topic: which subscriptions it wants, and the requests that it sends."""

from __future__ import annotations

import json
from unittest.mock import Mock, call

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules.sns_topic import Topic, problem, subscriptions

ARN = "arn:aws:sns:eu-west-3:123456789012:alerts"
MAIL = {"protocol": "email", "endpoint": "ops@example.com"}
PENDING = {"Protocol": "email", "Endpoint": "ops@example.com", "SubscriptionArn": "PendingConfirmation"}
CONFIRMED = {"Protocol": "email", "Endpoint": "ops@example.com", "SubscriptionArn": f"{ARN}:1"}
QUEUE = {"Protocol": "sqs", "Endpoint": "arn:aws:sqs:eu-west-3:123456789012:alerts", "SubscriptionArn": f"{ARN}:2"}
OLD = {"Protocol": "email", "Endpoint": "old@example.com", "SubscriptionArn": "PendingConfirmation"}


def topic(*observed, observed_policy=None, **params):
    sns = Mock()
    sns.meta.region_name = "eu-west-3"
    sns.meta.partition = "aws"
    sns.get_topic_attributes.return_value = {"Attributes": {"DisplayName": "", "Policy": json.dumps(observed_policy or {})}}
    sns.get_paginator.return_value.paginate.return_value = [{"Subscriptions": list(observed)}]
    sts = Mock()
    sts.get_caller_identity.return_value = {"Account": "123456789012"}
    unset = dict.fromkeys(["display_name", "subscriptions", "policy", "tags"])
    return Topic({"name": "alerts", "state": "present", "purge_subscriptions": False, **unset, **params}, sns, sts)


def writes(client):
    reads = ("get_", "list_")
    return [request for request in client.method_calls if not request[0].startswith(reads)]


@pytest.mark.parametrize(
    ("observed", "purge", "wanted"),
    [
        ([], False, [("ops@example.com", False)]),
        ([PENDING], False, [("ops@example.com", False)]),
        ([CONFIRMED], True, [("ops@example.com", True)]),
        ([QUEUE], False, [("ops@example.com", False), (QUEUE["Endpoint"], True)]),
        ([QUEUE], True, [("ops@example.com", False)]),
        ([OLD], True, [("old@example.com", False), ("ops@example.com", False)]),
    ],
)
def test_wanted_subscriptions(observed, purge, wanted):
    found = subscriptions([MAIL], observed, purge=purge)
    assert [(subscription["endpoint"], subscription["confirmed"]) for subscription in found] == wanted


@pytest.mark.parametrize("observed", [PENDING, CONFIRMED])
def test_a_subscription_is_not_asked_for_again(observed):
    resource = topic(observed, subscriptions=[MAIL])
    assert not converge(resource, present=True, check_mode=False)["changed"]
    assert writes(resource.client) == []


def test_one_that_was_deleted_is_asked_for_again():
    resource = topic({**CONFIRMED, "SubscriptionArn": "Deleted"}, subscriptions=[MAIL])
    assert converge(resource, present=True, check_mode=False)["changed"]
    assert writes(resource.client) == [call.subscribe(TopicArn=ARN, Protocol="email", Endpoint="ops@example.com", aws_retry=True)]


def test_purge_deletes_only_what_is_confirmed():
    resource = topic(CONFIRMED, OLD, QUEUE, subscriptions=[MAIL], purge_subscriptions=True)
    converge(resource, present=True, check_mode=False)
    assert writes(resource.client) == [call.unsubscribe(SubscriptionArn=f"{ARN}:2", aws_retry=True)]


def test_a_policy_is_compared_whole_and_by_its_meaning():
    statement = {"Effect": "Allow", "Principal": {"Service": "budgets.amazonaws.com"}, "Action": "sns:Publish", "Resource": ARN}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    same = {**policy, "Statement": [{**statement, "Action": ["sns:Publish"]}]}
    wider = {**policy, "Statement": [{**statement, "Principal": {**statement["Principal"], "AWS": "*"}}]}

    assert not converge(topic(observed_policy=same, policy=policy), present=True, check_mode=True)["changed"]
    assert converge(topic(observed_policy=wider, policy=policy), present=True, check_mode=True)["changed"]


def test_a_missing_topic_is_read_as_none():
    resource = topic()
    resource.client.get_topic_attributes.side_effect = botocore.exceptions.ClientError(
        {"Error": {"Code": "NotFound"}}, "GetTopicAttributes"
    )
    assert resource.read() is None
    assert resource.unknown() == {"arn": ARN}


@pytest.mark.parametrize(
    ("option", "value", "refused"),
    [
        ("name", "x" * 256, False),
        ("name", "x" * 257, True),
        ("name", "a.b", True),
        ("display_name", "x" * 100, False),
        ("display_name", "x" * 101, True),
    ],
)
def test_limits(option, value, refused):
    assert bool(problem({"name": "alerts", "display_name": None, option: value})) is refused
