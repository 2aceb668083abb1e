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
        description: Name, unique in the region, 1 to 255 characters.
        type: str
        required: true
      description:
        description: What it means when it goes off, at most 1024 characters.
        type: str
        default: ""
      namespace:
        description: Namespace of the metric. Required where O(state=present), as are O(alarms[].metric), O(alarms[].comparison) and
          O(alarms[].threshold).
        type: str
      metric:
        description: Name of the metric.
        type: str
      dimensions:
        description: Dimensions of the metric, values by name, 30 at the most.
        type: dict
        default: {}
      statistic:
        description: How the values of one period become one.
        type: str
        choices: [Average, Maximum, Minimum, SampleCount, Sum]
        default: Average
      period:
        description: Seconds of one period; 10, 20, 30 or a multiple of 60.
        type: int
        default: 60
      evaluation_periods:
        description:
          - Periods in a row that have to breach.
          - Together they may last a day, or a week where O(alarms[].period) is an hour or more.
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
    description: ARNs told when an alarm goes off and when it is over, 5 at the most.
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

import collections.abc as c
import itertools
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State, differences

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
PAGE = 100  # names that DescribeAlarms and DeleteAlarms take in one call
ACTIONS = 5
DIMENSIONS = 30
LENGTHS = {"name": (1, 255), "description": (0, 1024), "namespace": (1, 255), "metric": (1, 255)}
HOUR = 3600  # seconds
DAY = 24 * HOUR
WEEK = 7 * DAY


class CloudwatchAlarms(Resource):
    """All the alarms as one resource whose fields are the alarms by name."""

    def __init__(self, cloudwatch: t.Any, params: State) -> None:
        self.cloudwatch = cloudwatch
        self.params = params
        self.names = [alarm["name"] for alarm in params["alarms"]]
        self.arns: dict[str, str] = {}
        self.observed: State = {}

    @property
    def label(self) -> str:
        return f"Alarms {', '.join(self.names)}"

    def declared(self) -> State:
        return {
            alarm["name"]: {field: alarm[field] for field in FIELDS}
            | {
                "dimensions": dimensions(alarm["dimensions"]),
                "unit": None,
                "datapoints_to_alarm": alarm["evaluation_periods"],
                "actions": sorted(set(self.params["actions"])),
                "enabled": True,
                "tags": self.params["tags"],
            }
            for alarm in self.params["alarms"]
        }

    def read(self) -> State | None:
        found: list[State] = []
        for names in itertools.batched(self.names, PAGE):
            request = {"AlarmNames": list(names), "AlarmTypes": ["MetricAlarm"], "MaxRecords": PAGE}
            found += self.cloudwatch.describe_alarms(**request, aws_retry=True)["MetricAlarms"]
        self.arns = {alarm["AlarmName"]: alarm["AlarmArn"] for alarm in found}
        self.observed = {alarm["AlarmName"]: self._from_api(alarm) for alarm in found}
        # An empty list of alarms is there as soon as it is asked for, and absent as soon as it is not.
        return self.observed if found or not (self.names or self.params["state"] == "absent") else None

    def create(self) -> None:
        self.update(self.declared())

    def update(self, changes: State) -> None:
        for name, alarm in changes.items():
            if name not in self.observed:
                tags = {"Tags": tags_to(alarm["tags"])} if alarm["tags"] else {}
                self.cloudwatch.put_metric_alarm(**to_api(name, alarm), **tags, aws_retry=True)
                continue
            different = differences(alarm, self.observed[name]).keys()
            if different - {"tags"}:
                self.cloudwatch.put_metric_alarm(**to_api(name, alarm), aws_retry=True)
            if "tags" in different:  # which PutMetricAlarm ignores of an alarm that exists
                self.cloudwatch.tag_resource(ResourceARN=self.arns[name], Tags=tags_to(alarm["tags"]), aws_retry=True)

    def delete(self) -> None:
        for names in itertools.batched(sorted(self.arns), PAGE):
            self.cloudwatch.delete_alarms(AlarmNames=list(names), aws_retry=True)

    def _from_api(self, alarm: State) -> State:
        fields = {field: alarm.get(api_name) for field, api_name in FIELDS.items()}
        going_off = alarm.get("AlarmActions", [])
        tags = self.cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"], aws_retry=True)["Tags"] if self.params["tags"] else []
        return fields | {
            "description": fields["description"] or "",
            "treat_missing_data": fields["treat_missing_data"] or "missing",
            "dimensions": dimensions({dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions", [])}),
            # What no option sets, and changes what the alarm means.
            "unit": alarm.get("Unit"),
            "datapoints_to_alarm": alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods"),
            # Both lists are one option here, so a difference in either is a difference.
            "actions": sorted(going_off) if set(going_off) == set(alarm.get("OKActions", [])) else None,
            "enabled": alarm.get("ActionsEnabled", True),
            "tags": tags_from(tags),
        }


def to_api(name: str, alarm: State) -> State:
    """PutMetricAlarm's parameters; it replaces the whole alarm."""
    return {
        "AlarmName": name,
        **{api_name: alarm[field] for field, api_name in FIELDS.items()},
        "Dimensions": [{"Name": dimension["name"], "Value": dimension["value"]} for dimension in alarm["dimensions"]],
        "AlarmActions": alarm["actions"],
        "OKActions": alarm["actions"],
        "ActionsEnabled": True,
    }


def dimensions(values: State) -> list[dict[str, str]]:
    """Values by name as a list, which unlike a dictionary is compared whole."""
    return [{"name": name, "value": str(value)} for name, value in sorted(values.items())]


def problems(params: State) -> c.Iterator[str]:
    """What CloudWatch would refuse, and the mend."""
    names = [alarm["name"] for alarm in params["alarms"]]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"alarms: {name} is listed more than once: give each alarm a name of its own."
    for alarm in params["alarms"]:
        yield from (f"alarms: {alarm['name']}: {problem}." for problem in _problems(alarm))
    if len(params["actions"]) > ACTIONS:
        yield f"actions lists {len(params['actions'])} ARNs, and CloudWatch takes {ACTIONS}: subscribe more to one topic."


def _problems(alarm: State) -> c.Iterator[str]:
    if missing := [field for field in REQUIRED if alarm[field] is None]:
        yield f"set {', '.join(missing)}"
    for field, (least, most) in LENGTHS.items():
        if alarm[field] is not None and not least <= len(alarm[field]) <= most:
            yield f"{field} has {len(alarm[field])} characters, use {least} to {most}"
    if (alarm["namespace"] or "").startswith(":"):
        yield "namespace begins with a colon, leave it out"
    if len(alarm["dimensions"]) > DIMENSIONS:
        yield f"there are {len(alarm['dimensions'])} dimensions, use {DIMENSIONS} at the most"
    for name, value in alarm["dimensions"].items():
        if not 1 <= len(name) <= 255 or not 1 <= len(str(value)) <= 1024:
            yield f"the dimension {name!r} needs a name of 1 to 255 characters and a value of 1 to 1024"
    period, periods = alarm["period"], alarm["evaluation_periods"]
    if period not in (10, 20, 30) and (period <= 0 or period % 60):
        yield f"period is {period}, use 10, 20, 30 or a multiple of 60 seconds"
    longest = WEEK if period >= HOUR else DAY
    if periods < 1 or period * periods > longest:
        yield f"evaluation_periods is {periods}, use 1 to {max(1, longest // max(1, period))} with a period of {period} seconds"


def build(module: AnsibleAWSModule) -> Resource:
    if module.params["state"] == "present" and (found := list(problems(module.params))):
        module.fail_json(msg="\n".join(found))
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
