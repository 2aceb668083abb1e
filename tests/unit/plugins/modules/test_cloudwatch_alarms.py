# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""cloudwatch_alarms: what it refuses, what it compares, and the requests that it sends."""

from __future__ import annotations

import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules import cloudwatch_alarms
from ansible_collections.greenleaf.cloud.plugins.modules.cloudwatch_alarms import CloudwatchAlarms, build, problems
from ansible_collections.greenleaf.cloud.tests.unit.recording import Client, Failed, Module

ARGUMENTS = {"alarms": {}, "actions": {"default": []}, "tags": {"default": {}}}
TOPIC = "arn:aws:sns:eu-west-3:123456789012:alerts"
OBSERVED = {
    "AlarmName": "cpu",
    "AlarmArn": "arn:aws:cloudwatch:eu-west-3:123456789012:alarm:cpu",
    "AlarmDescription": "Busy",
    "Namespace": "AWS/EC2",
    "MetricName": "CPUUtilization",
    "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "app"}, {"Name": "A", "Value": "1"}],
    "Statistic": "Average",
    "Period": 300,
    "EvaluationPeriods": 2,
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 85.0,
    "TreatMissingData": "missing",
    "AlarmActions": [TOPIC],
    "OKActions": [TOPIC],
    "InsufficientDataActions": [],
    "ActionsEnabled": True,
}
PUT = {name: value for name, value in OBSERVED.items() if name not in ("AlarmArn", "InsufficientDataActions")} | {
    "Dimensions": [{"Name": "A", "Value": "1"}, {"Name": "AutoScalingGroupName", "Value": "app"}]
}


def alarm(name="cpu", **changes):
    return {
        "name": name,
        "description": "Busy",
        "namespace": "AWS/EC2",
        "metric": "CPUUtilization",
        "dimensions": {"AutoScalingGroupName": "app", "A": 1},
        "statistic": "Average",
        "period": 300,
        "evaluation_periods": 2,
        "comparison": "GreaterThanThreshold",
        "threshold": 85.0,
        "treat_missing_data": "missing",
    } | changes


def resource(*observed, observed_tags=(), **params):
    """The resource, and the calls that it makes."""
    answers = {
        "describe_alarms": [{"MetricAlarms": list(observed)}],
        "list_tags_for_resource": [{"Tags": [{"Key": key, "Value": value} for key, value in observed_tags]}],
    }
    calls = []
    params = {"alarms": [alarm()], "actions": [TOPIC], "tags": {}, "state": "present"} | params
    return CloudwatchAlarms(Client(calls, answers), params), calls


def writes(calls):
    return [call for call in calls if not call[0].startswith(("describe_", "list_"))]


def test_what_is_right_stays():
    alarms, calls = resource(OBSERVED)
    assert not converge(alarms, present=True, check_mode=False)["changed"]
    assert calls == [("describe_alarms", {"AlarmNames": ["cpu"], "AlarmTypes": ["MetricAlarm"], "MaxRecords": 100})]


@pytest.mark.parametrize(
    ("left_out", "changes"), [("AlarmDescription", {"description": ""}), ("TreatMissingData", {}), ("ActionsEnabled", {})]
)
def test_what_aws_leaves_out_is_its_default(left_out, changes):
    bare = {name: value for name, value in OBSERVED.items() if name != left_out}
    assert not converge(resource(bare, alarms=[alarm(**changes)])[0], present=True, check_mode=True)["changed"]


def test_an_alarm_is_put_whole_with_its_tags_at_creation():
    alarms, calls = resource(tags={"Project": "greenleaf"})
    alarms.create()
    assert calls == [("put_metric_alarm", PUT | {"Tags": [{"Key": "Project", "Value": "greenleaf"}]})]


def test_without_tags_none_are_sent():
    alarms, calls = resource()
    alarms.create()
    assert calls == [("put_metric_alarm", PUT)]


@pytest.mark.parametrize(
    "drift",
    [
        {"AlarmDescription": "x"},
        {"Namespace": "AWS/RDS"},
        {"MetricName": "x"},
        {"Dimensions": [{"Name": "AutoScalingGroupName", "Value": "app"}]},
        {"Dimensions": [*OBSERVED["Dimensions"], {"Name": "B", "Value": "2"}]},
        {"Dimensions": [{"Name": "AutoScalingGroupName", "Value": "other"}, {"Name": "A", "Value": "1"}]},
        {"Statistic": "Sum"},
        {"Statistic": None, "ExtendedStatistic": "p99"},
        {"Period": 60},
        {"EvaluationPeriods": 1},
        {"DatapointsToAlarm": 1},
        {"ComparisonOperator": "LessThanThreshold"},
        {"Threshold": 90.0},
        {"TreatMissingData": "ignore"},
        {"AlarmActions": []},
        {"OKActions": []},
        {"AlarmActions": [], "OKActions": []},
        {"AlarmActions": [TOPIC, "other"], "OKActions": [TOPIC, "other"]},
        {"ActionsEnabled": False},
        {"Unit": "Bytes"},
    ],
)
def test_drift_is_put_right_by_one_request(drift):
    alarms, calls = resource(OBSERVED | drift)
    assert converge(alarms, present=True, check_mode=False)["changed"]
    assert writes(calls) == [("put_metric_alarm", PUT)]


def test_as_many_datapoints_as_periods_are_no_drift():
    assert not converge(resource(OBSERVED | {"DatapointsToAlarm": 2})[0], present=True, check_mode=True)["changed"]


def test_only_the_changed_alarm_is_put():
    other = OBSERVED | {"AlarmName": "memory", "AlarmArn": "arn:memory"}
    alarms, calls = resource(OBSERVED, other, alarms=[alarm(), alarm("memory", threshold=50.0)])
    result = converge(alarms, present=True, check_mode=False)
    assert list(result["diff"]["after"]) == ["memory"]
    assert [request["AlarmName"] for operation, request in writes(calls)] == ["memory"]


def test_only_the_missing_alarm_is_put():
    alarms, calls = resource(OBSERVED, alarms=[alarm(), alarm("memory")])
    converge(alarms, present=True, check_mode=False)
    assert [request["AlarmName"] for operation, request in writes(calls)] == ["memory"]


def test_tags_of_an_alarm_that_exists_are_set_by_themselves():
    alarms, calls = resource(OBSERVED, observed_tags=[("Team", "shop"), ("aws:x", "y")], tags={"Project": "greenleaf"})
    converge(alarms, present=True, check_mode=False)
    assert writes(calls) == [
        ("tag_resource", {"ResourceARN": OBSERVED["AlarmArn"], "Tags": [{"Key": "Project", "Value": "greenleaf"}]}),
    ]


def test_undeclared_tags_are_left_alone():
    alarms, calls = resource(OBSERVED, observed_tags=[("Project", "greenleaf"), ("Team", "shop")], tags={"Project": "greenleaf"})
    assert not converge(alarms, present=True, check_mode=False)["changed"]
    assert writes(calls) == []


def test_the_order_of_actions_is_no_drift():
    both = OBSERVED | {"AlarmActions": ["b", "a"], "OKActions": ["a", "b"]}
    assert not converge(resource(both, actions=["b", "a", "b"])[0], present=True, check_mode=True)["changed"]


def test_names_are_asked_for_and_deleted_a_hundred_at_a_time():
    names = [f"alarm-{number:03}" for number in range(150)]
    there = [OBSERVED | {"AlarmName": name, "AlarmArn": name} for name in names]
    alarms, calls = resource(alarms=[alarm(name) for name in names], state="absent")
    alarms.cloudwatch.answers["describe_alarms"] = [{"MetricAlarms": there[:100]}, {"MetricAlarms": there[100:]}]
    converge(alarms, present=False, check_mode=False)
    assert [(name, len(request["AlarmNames"])) for name, request in calls] == [
        ("describe_alarms", 100),
        ("describe_alarms", 50),
        ("delete_alarms", 100),
        ("delete_alarms", 50),
    ]


def test_only_what_is_there_is_deleted():
    alarms, calls = resource(OBSERVED, alarms=[alarm(), alarm("memory")], state="absent")
    assert converge(alarms, present=False, check_mode=False)["changed"]
    assert writes(calls) == [("delete_alarms", {"AlarmNames": ["cpu"]})]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_no_alarms_are_no_change(state):
    alarms, calls = resource(alarms=[], state=state)
    assert not converge(alarms, present=state == "present", check_mode=False)["changed"]
    assert calls == []


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "x" * 255},
        {"description": ""},
        {"description": "x" * 1024},
        {"period": 10},
        {"period": 20},
        {"period": 30, "evaluation_periods": 2880},
        {"period": 60, "evaluation_periods": 1440},
        {"period": 3600, "evaluation_periods": 168},
        {"threshold": 0.0},
        {"dimensions": {}},
        {"dimensions": {f"d{number}": number for number in range(30)}},
    ],
)
def test_what_cloudwatch_takes(changes):
    assert list(problems({"alarms": [alarm(**changes)], "actions": ["x"] * 5})) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"namespace": None, "threshold": None}, "set namespace, threshold"),
        ({"metric": None, "comparison": None}, "set metric, comparison"),
        ({"description": "x" * 1025}, "description has 1025 characters, use 0 to 1024"),
        ({"namespace": ":x"}, "namespace begins with a colon, leave it out"),
        ({"metric": ""}, "metric has 0 characters, use 1 to 255"),
        ({"period": 45}, "period is 45, use 10, 20, 30 or a multiple of 60 seconds"),
        ({"period": 60, "evaluation_periods": 1441}, "evaluation_periods is 1441, use 1 to 1440 with a period of 60 seconds"),
        ({"period": 3600, "evaluation_periods": 169}, "evaluation_periods is 169, use 1 to 168 with a period of 3600 seconds"),
        ({"evaluation_periods": 0}, "evaluation_periods is 0, use 1 to 288 with a period of 300 seconds"),
        ({"dimensions": {f"d{number}": number for number in range(31)}}, "there are 31 dimensions, use 30 at the most"),
        ({"dimensions": {"A": ""}}, "the dimension 'A' needs a name of 1 to 255 characters and a value of 1 to 1024"),
    ],
)
def test_what_cloudwatch_refuses(changes, problem):
    assert list(problems({"alarms": [alarm(**changes)], "actions": []})) == [f"alarms: cpu: {problem}."]


@pytest.mark.parametrize("period", [0, -60])
def test_a_period_is_positive(period):
    assert f"alarms: cpu: period is {period}, use 10, 20, 30 or a multiple of 60 seconds." in problems(
        {"alarms": [alarm(period=period)], "actions": []}
    )


@pytest.mark.parametrize("name", ["", "x" * 256])
def test_a_name_has_a_length(name):
    assert list(problems({"alarms": [alarm(name)], "actions": []})) == [
        f"alarms: {name}: name has {len(name)} characters, use 1 to 255.",
    ]


def test_what_is_wrong_with_the_list():
    assert list(problems({"alarms": [alarm(), alarm()], "actions": ["x"] * 6})) == [
        "alarms: cpu is listed more than once: give each alarm a name of its own.",
        "actions lists 6 ARNs, and CloudWatch takes 5: subscribe more to one topic.",
    ]


def test_problems_are_told_at_once_before_any_call():
    module = Module(ARGUMENTS, {}, alarms=[alarm(period=45), alarm("memory", threshold=None)])
    with pytest.raises(Failed, match=r"^alarms: cpu: period is 45.*\nalarms: memory: set threshold\.$"):
        build(module)
    assert module.calls == []


def test_a_deletion_wants_names_only():
    bare = dict.fromkeys(alarm(), None) | {"name": "cpu", "dimensions": {}, "period": 60, "evaluation_periods": 1}
    assert isinstance(build(Module(ARGUMENTS, {}, alarms=[bare], state="absent")), cloudwatch_alarms.CloudwatchAlarms)
