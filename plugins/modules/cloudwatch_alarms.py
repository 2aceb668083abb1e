#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_alarms
short_description: Keep a list of CloudWatch metric alarms in their declared state
version_added: 0.1.0
description:
  - Creates, updates or deletes several alarms on single metrics in one call.
  - Unlike M(amazon.aws.cloudwatch_metric_alarm) it tags them, shows what differs, and takes them all at once.
  - Needs C(cloudwatch:DescribeAlarms), C(cloudwatch:ListTagsForResource), C(cloudwatch:PutMetricAlarm), C(cloudwatch:DeleteAlarms)
    and C(cloudwatch:TagResource).
options:
  alarms:
    description: The alarms. With O(state=absent) only their names count.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name, unique in the region, at most 255 characters.
        type: str
        required: true
      description:
        description: What it means when it goes off.
        type: str
        default: ""
      namespace:
        description: Namespace of the metric.
        type: str
      metric:
        description: Name of the metric.
        type: str
      dimensions:
        description: Dimensions of the metric, values by name.
        type: dict
        default: {}
      statistic:
        description: How the values of one period become one.
        type: str
        choices: [Average, Maximum, Minimum, SampleCount, Sum]
        default: Average
      period:
        description: Seconds of one period; 10, 30 or a multiple of 60.
        type: int
        default: 60
      evaluation_periods:
        description: Periods in a row that have to breach.
        type: int
        default: 1
      comparison:
        description: How the statistic is compared with the threshold.
        type: str
        choices: [GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold, LessThanOrEqualToThreshold]
      threshold:
        description: The value compared with, in the metric's unit.
        type: float
      treat_missing_data:
        description: What a period without data counts as.
        type: str
        choices: [breaching, notBreaching, ignore, missing]
        default: missing
  actions:
    description: ARNs told when an alarm goes off and when it is over.
    type: list
    elements: str
    default: []
  tags:
    description: Tags that every alarm carries; others are left alone.
    type: dict
    default: {}
  state:
    description: Whether the alarms are there.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
    description: Tells what a run would change; writes nothing.
  diff_mode:
    support: full
    description: Shows, by its name, each alarm that differs.
author: GreenLeaf (@greenleaf)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Be told when the database runs out of storage
  greenleaf.cloud.cloudwatch_alarms:
    alarms:
      - name: greenleaf-prod-rds-free-storage
        namespace: AWS/RDS
        metric: FreeStorageSpace
        dimensions:
          DBInstanceIdentifier: greenleaf-prod
        statistic: Minimum
        period: 300
        comparison: LessThanThreshold
        threshold: 2147483648
    actions: ["arn:aws:sns:eu-west-3:123456789012:greenleaf-prod-alerts"]
"""

RETURN = r"""
resource:
  description: The alarms after the run by their names, in the module's own terms; empty once they are deleted.
  returned: success
  type: dict
  sample:
    greenleaf-prod-rds-free-storage:
      metric: FreeStorageSpace
      threshold: 2147483648.0
"""

import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State

# The module's name of a field, and CloudWatch's (API reference 2010-08-01, MetricAlarm).
FIELDS = {
    "description": "AlarmDescription",
    "namespace": "Namespace",
    "metric": "MetricName",
    "statistic": "Statistic",
    "period": "Period",
    "evaluation_periods": "EvaluationPeriods",
    "comparison": "ComparisonOperator",
    "threshold": "Threshold",
    "treat_missing_data": "TreatMissingData",
}
REQUIRED = ("namespace", "metric", "comparison", "threshold")
PAGE = 100  # names that DescribeAlarms takes in one call


class CloudwatchAlarms(Resource):
    """All the alarms as one resource whose fields are the alarms by name."""

    def __init__(self, cloudwatch: t.Any, params: State) -> None:
        self.cloudwatch = cloudwatch
        self.params = params
        self.names = [alarm["name"] for alarm in params["alarms"]]
        self.arns: dict[str, str] = {}

    @property
    def label(self) -> str:
        return f"Alarms {', '.join(self.names)}"

    def declared(self) -> State:
        common = {"actions": sorted(self.params["actions"]), "enabled": True, "tags": self.params["tags"]}
        return {
            alarm["name"]: {field: alarm[field] for field in FIELDS} | {"dimensions": _text(alarm["dimensions"])} | common
            for alarm in self.params["alarms"]
        }

    def read(self) -> State | None:
        found: list[State] = []
        for start in range(0, len(self.names), PAGE):
            names = self.names[start : start + PAGE]
            found += self.cloudwatch.describe_alarms(AlarmNames=names, AlarmTypes=["MetricAlarm"], MaxRecords=100, aws_retry=True)[
                "MetricAlarms"
            ]
        self.arns = {alarm["AlarmName"]: alarm["AlarmArn"] for alarm in found}
        return {alarm["AlarmName"]: self._from_api(alarm) for alarm in found} if found or not self.names else None

    def create(self) -> None:
        self.update(self.declared())

    def update(self, changes: State) -> None:
        for name, alarm in changes.items():
            self.cloudwatch.put_metric_alarm(**to_api(name, alarm), **self._tags_at_creation(name), aws_retry=True)
            if name in self.arns and self.params["tags"]:  # PutMetricAlarm ignores the tags of an alarm that exists
                self.cloudwatch.tag_resource(ResourceARN=self.arns[name], Tags=tags_to(self.params["tags"]), aws_retry=True)

    def delete(self) -> None:
        for start in range(0, len(self.arns), PAGE):
            self.cloudwatch.delete_alarms(AlarmNames=sorted(self.arns)[start : start + PAGE], aws_retry=True)

    def _tags_at_creation(self, name: str) -> State:
        return {"Tags": tags_to(self.params["tags"])} if self.params["tags"] and name not in self.arns else {}

    def _from_api(self, alarm: State) -> State:
        fields = {field: alarm.get(api_name) for field, api_name in FIELDS.items()}
        tags = self.cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"], aws_retry=True)["Tags"] if self.params["tags"] else []
        return fields | {
            "description": fields["description"] or "",
            "treat_missing_data": fields["treat_missing_data"] or "missing",
            "dimensions": {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions", [])},
            # Both lists are one option here, so a difference in either is a difference.
            "actions": sorted(alarm.get("AlarmActions", []))
            if set(alarm.get("AlarmActions", [])) == set(alarm.get("OKActions", []))
            else None,
            "enabled": alarm.get("ActionsEnabled", True),
            "tags": tags_from(tags),
        }


def to_api(name: str, alarm: State) -> State:
    """PutMetricAlarm's parameters; it replaces the whole alarm."""
    return {
        "AlarmName": name,
        **{api_name: alarm[field] for field, api_name in FIELDS.items()},
        "Dimensions": [{"Name": key, "Value": value} for key, value in sorted(alarm["dimensions"].items())],
        "AlarmActions": alarm["actions"],
        "OKActions": alarm["actions"],
        "ActionsEnabled": True,
    }


def problems(alarms: list[State]) -> list[str]:
    """What CloudWatch would refuse."""
    found = []
    for alarm in alarms:
        missing = [field for field in REQUIRED if alarm[field] is None]
        if missing:
            found.append(f"{alarm['name']} lacks {', '.join(missing)}")
        if alarm["period"] not in (10, 30) and (alarm["period"] <= 0 or alarm["period"] % 60):
            found.append(f"{alarm['name']}: period is {alarm['period']}, use 10, 30 or a multiple of 60 seconds")
        if alarm["period"] * alarm["evaluation_periods"] > 86400 or alarm["evaluation_periods"] < 1:
            found.append(
                f"{alarm['name']}: period times evaluation_periods has to be one day at the most, and evaluation_periods 1 at least"
            )
        if not 1 <= len(alarm["name"]) <= 255:
            found.append(f"{alarm['name']}: name has to have 1 to 255 characters")
    return found


def _text(dimensions: State) -> dict[str, str]:
    return {name: str(value) for name, value in dimensions.items()}


def build(module: AnsibleAWSModule) -> Resource:
    if module.params["state"] == "present" and (found := problems(module.params["alarms"])):
        module.fail_json(msg=f"alarms: {'; '.join(found)}.")
    return CloudwatchAlarms(client(module, "cloudwatch"), module.params)


def main() -> None:
    alarm = {
        "name": {"type": "str", "required": True},
        "description": {"type": "str", "default": ""},
        "namespace": {"type": "str"},
        "metric": {"type": "str"},
        "dimensions": {"type": "dict", "default": {}},
        "statistic": {"type": "str", "choices": ["Average", "Maximum", "Minimum", "SampleCount", "Sum"], "default": "Average"},
        "period": {"type": "int", "default": 60},
        "evaluation_periods": {"type": "int", "default": 1},
        "comparison": {
            "type": "str",
            "choices": ["GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"],
        },
        "threshold": {"type": "float"},
        "treat_missing_data": {"type": "str", "choices": ["breaching", "notBreaching", "ignore", "missing"], "default": "missing"},
    }
    run(
        build,
        {
            "alarms": {"type": "list", "elements": "dict", "required": True, "options": alarm},
            "actions": {"type": "list", "elements": "str", "default": []},
            "tags": {"type": "dict", "default": {}},
        },
    )


if __name__ == "__main__":
    main()
