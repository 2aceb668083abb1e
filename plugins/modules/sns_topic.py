#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: sns_topic
short_description: Keep an SNS topic and its subscriptions in their declared state
version_added: 0.1.0
description:
  - Creates, updates or deletes a standard topic, and subscribes endpoints to it.
  - Unlike M(community.aws.sns_topic) it tells in check mode, with a diff, what it would do, also for a topic that does not exist yet.
  - The owner of an e-mail or HTTP endpoint confirms the subscription by the link that SNS sends. Until then it counts as present and is not
    asked for again.
  - Needs C(sns:GetTopicAttributes), C(sns:SetTopicAttributes), C(sns:CreateTopic), C(sns:DeleteTopic), C(sns:ListSubscriptionsByTopic),
    C(sns:Subscribe), C(sns:Unsubscribe), C(sns:ListTagsForResource) and C(sns:TagResource).
    C(sts:GetCallerIdentity) tells the account, and needs no permission.
options:
  name:
    description: Name, unique in the account and region, at most 256 letters, digits, hyphens and underscores.
    type: str
    required: true
  state:
    description: Whether the topic is there. Its subscriptions are deleted with it.
    type: str
    choices: [present, absent]
    default: present
  display_name:
    description: The sender's name in e-mails and text messages, at most 100 characters.
    type: str
  subscriptions:
    description: Endpoints that get the topic's messages.
    type: list
    elements: dict
    suboptions:
      protocol:
        description: How the messages are delivered.
        type: str
        choices: [application, email, email-json, http, https, lambda, sms, sqs]
        required: true
      endpoint:
        description: Where to, in the protocol's terms (an e-mail address, a URL, a phone number, an ARN).
        type: str
        required: true
  purge_subscriptions:
    description:
      - Whether subscriptions that O(subscriptions) does not list are deleted.
      - One that waits for its confirmation cannot be deleted; SNS forgets it after two days.
    type: bool
    default: false
  policy:
    description: Resource policy that says who may publish and subscribe. It is compared by its meaning, and replaced as a whole.
    type: dict
  tags:
    description: Tags that the topic must have. Others that it has stay.
    type: dict
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
- name: Mail alarms to the operators
  greenleaf.cloud.sns_topic:
    name: greenleaf-prod-alerts
    display_name: GreenLeaf prod
    subscriptions:
      - protocol: email
        endpoint: ops@example.com
    policy:
      Version: "2012-10-17"
      Statement:
        - Sid: Alarms
          Effect: Allow
          Principal: {Service: cloudwatch.amazonaws.com}
          Action: sns:Publish
          Resource: arn:aws:sns:eu-west-3:123456789012:greenleaf-prod-alerts

- name: Delete the topic
  greenleaf.cloud.sns_topic:
    name: greenleaf-prod-alerts
    state: absent
"""

RETURN = r"""
resource:
  description: The topic after the run, with the declared options as they are; empty once it is deleted.
  returned: success
  type: dict
  contains:
    arn:
      description: Its ARN.
      type: str
      sample: arn:aws:sns:eu-west-3:123456789012:greenleaf-prod-alerts
    subscriptions:
      description: Every endpoint that is subscribed, or would be after a run.
      type: list
      elements: dict
      contains:
        protocol:
          description: How the messages are delivered.
          type: str
          sample: email
        endpoint:
          description: Where to.
          type: str
          sample: ops@example.com
        confirmed:
          description: Whether the endpoint's owner has confirmed it. Nothing is delivered before.
          type: bool
          sample: false
"""

import json
import re
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State

NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
DISPLAY_NAME_LENGTH = 100
CONFIRMED_BY_OWNER = ("email", "email-json", "http", "https")


class Topic(Resource):
    exact = frozenset({"policy"})

    def __init__(self, params: State, sns: t.Any, sts: t.Any) -> None:
        self.params = params
        self.client = sns
        account = sts.get_caller_identity(aws_retry=True)["Account"]
        self.arn = f"arn:{sns.meta.partition}:sns:{sns.meta.region_name}:{account}:{params['name']}"
        self.subscribed: list[dict[str, str]] = []

    @property
    def label(self) -> str:
        return f"topic {self.params['name']}"

    def declared(self) -> State:
        fields = set_fields(self.params, ("display_name", "policy", "tags"))
        if self.params["subscriptions"] is not None:
            fields["subscriptions"] = subscriptions(self.params["subscriptions"], self.subscribed, purge=self.params["purge_subscriptions"])
        return fields

    def read(self) -> State | None:
        try:
            attributes = self.client.get_topic_attributes(TopicArn=self.arn, aws_retry=True)["Attributes"]
        except is_boto3_error_code("NotFound"):
            return None
        if self.params["state"] == "absent":
            return self.unknown()
        pages = self.client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=self.arn)
        self.subscribed = [
            subscription for page in pages for subscription in page["Subscriptions"] if subscription["SubscriptionArn"] != "Deleted"
        ]
        state = {
            "arn": self.arn,
            "display_name": attributes.get("DisplayName", ""),
            "subscriptions": sorted(map(_observed, self.subscribed), key=_key),
        }
        if self.params["tags"] is not None:
            state["tags"] = tags_from(self.client.list_tags_for_resource(ResourceArn=self.arn, aws_retry=True)["Tags"])
        if (declared := self.params["policy"]) is not None:
            policy = json.loads(attributes["Policy"])
            state["policy"] = policy if compare_policies(policy, declared) else declared
        return state

    def unknown(self) -> State:
        return {"arn": self.arn}

    def create(self) -> None:
        # CreateTopic answers with the topic that is there if it is asked again.
        declared = self.declared()
        self.client.create_topic(
            Name=self.params["name"],
            Attributes=_attributes(declared),
            Tags=tags_to(declared.get("tags", {})),
            aws_retry=True,
        )

    def update(self, changes: State) -> None:
        for name, value in _attributes(changes).items():
            self.client.set_topic_attributes(TopicArn=self.arn, AttributeName=name, AttributeValue=value, aws_retry=True)
        if "tags" in changes:
            self.client.tag_resource(ResourceArn=self.arn, Tags=tags_to(changes["tags"]), aws_retry=True)
        if "subscriptions" in changes:
            self._subscribe({_key(wanted) for wanted in changes["subscriptions"]})

    def _subscribe(self, wanted: set[tuple[str, str]]) -> None:
        present = {_key(_observed(subscription)): subscription["SubscriptionArn"] for subscription in self.subscribed}
        for protocol, endpoint in sorted(wanted - present.keys()):
            self.client.subscribe(TopicArn=self.arn, Protocol=protocol, Endpoint=endpoint, aws_retry=True)
        for key in sorted(present.keys() - wanted):
            self.client.unsubscribe(SubscriptionArn=present[key], aws_retry=True)

    def delete(self) -> None:
        self.client.delete_topic(TopicArn=self.arn, aws_retry=True)


def subscriptions(declared: list[State], observed: list[dict[str, str]], *, purge: bool) -> list[State]:
    """All subscriptions that the topic shall have: those declared, and the observed ones that stay."""
    wanted = {
        _key(subscription): {**subscription, "confirmed": subscription["protocol"] not in CONFIRMED_BY_OWNER} for subscription in declared
    }
    for subscription in map(_observed, observed):
        if _key(subscription) in wanted or not purge or not subscription["confirmed"]:
            wanted[_key(subscription)] = subscription
    return [wanted[key] for key in sorted(wanted)]


def _observed(subscription: dict[str, str]) -> State:
    return {
        "protocol": subscription["Protocol"],
        "endpoint": subscription["Endpoint"],
        "confirmed": subscription["SubscriptionArn"] != "PendingConfirmation",
    }


def _key(subscription: State) -> tuple[str, str]:
    return subscription["protocol"], subscription["endpoint"]


def _attributes(fields: State) -> dict[str, str]:
    attributes = {}
    if "display_name" in fields:
        attributes["DisplayName"] = fields["display_name"]
    if "policy" in fields:
        attributes["Policy"] = json.dumps(fields["policy"])
    return attributes


def problem(params: State) -> str | None:
    """What SNS would refuse about the options, and the mend."""
    if not NAME.fullmatch(params["name"]):
        return f"name: SNS refuses {params['name']!r}. Use 1 to 256 letters, digits, hyphens and underscores."
    if len(params["display_name"] or "") > DISPLAY_NAME_LENGTH:
        return f"display_name: {len(params['display_name'])} characters are too many, the most is {DISPLAY_NAME_LENGTH}."
    return None


def build(module: AnsibleAWSModule) -> Topic:
    if text := problem(module.params):
        module.fail_json(msg=text)
    return Topic(module.params, client(module, "sns"), client(module, "sts"))


def main() -> None:
    run(
        build,
        {
            "name": {"type": "str", "required": True},
            "display_name": {"type": "str"},
            "subscriptions": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "protocol": {
                        "type": "str",
                        "required": True,
                        "choices": ["application", "email", "email-json", "http", "https", "lambda", "sms", "sqs"],
                    },
                    "endpoint": {"type": "str", "required": True},
                },
            },
            "purge_subscriptions": {"type": "bool", "default": False},
            "policy": {"type": "dict"},
            "tags": {"type": "dict"},
        },
    )


if __name__ == "__main__":
    main()
