# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

TOPIC = "arn:aws:sns:eu-west-3:123456789012:greenleaf-test-alerts"
CPU = {
    "name": "greenleaf-test-cpu",
    "description": "The nodes are busy",
    "namespace": "AWS/EC2",
    "metric": "CPUUtilization",
    "dimensions": {"AutoScalingGroupName": "greenleaf-test-app"},
    "statistic": "Average",
    "period": 300,
    "comparison": "GreaterThanThreshold",
    "threshold": 85,
}
EGRESS = {
    "name": "greenleaf-test-egress",
    "namespace": "GreenLeaf/NAT",
    "metric": "EgressUp",
    "statistic": "Minimum",
    "evaluation_periods": 3,
    "comparison": "LessThanThreshold",
    "threshold": 1,
    "treat_missing_data": "breaching",
}
OPTIONS = {"alarms": [CPU, EGRESS], "actions": [TOPIC], "tags": {"Project": "greenleaf", "Cost": 1}}
TAGS = {"Project": "greenleaf", "Cost": "1"}


@pytest.fixture
def cloudwatch(aws):
    return aws("cloudwatch")


def alarms(cloudwatch):
    return {alarm["AlarmName"]: alarm for alarm in cloudwatch.describe_alarms()["MetricAlarms"]}


def tags(cloudwatch, name):
    arn = alarms(cloudwatch)[name]["AlarmArn"]
    return {tag["Key"]: tag["Value"] for tag in cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]}


def test_converges(assert_converges, cloudwatch):
    result = assert_converges("cloudwatch_alarms", **OPTIONS)

    there = alarms(cloudwatch)
    assert result["resource"].keys() == there.keys() == {CPU["name"], EGRESS["name"]}
    cpu = there[CPU["name"]]
    assert cpu["Dimensions"] == [{"Name": "AutoScalingGroupName", "Value": "greenleaf-test-app"}]
    assert (cpu["Namespace"], cpu["MetricName"], cpu["Statistic"]) == ("AWS/EC2", "CPUUtilization", "Average")
    assert (cpu["Period"], cpu["EvaluationPeriods"], cpu["Threshold"]) == (300, 1, 85.0)
    assert (cpu["ComparisonOperator"], cpu["AlarmDescription"]) == ("GreaterThanThreshold", "The nodes are busy")
    assert cpu["AlarmActions"] == cpu["OKActions"] == [TOPIC]
    assert cpu["ActionsEnabled"] is True
    assert there[EGRESS["name"]]["TreatMissingData"] == "breaching"
    assert tags(cloudwatch, CPU["name"]) == tags(cloudwatch, EGRESS["name"]) == TAGS


def test_check_mode_tells_the_plan(run_module):
    plan = run_module("cloudwatch_alarms", check_mode=True, **OPTIONS)

    assert plan["diff"]["before"] == {}
    assert list(plan["diff"]["after"]) == [CPU["name"], EGRESS["name"]]
    assert plan["diff"]["after"][CPU["name"]]["threshold"] == 85


def test_an_alarm_is_put_once_with_its_tags(run_module, account):
    mark = account.mark()
    run_module("cloudwatch_alarms", **OPTIONS)

    requests = account.writes(mark)
    assert [request["action"] for request in requests] == ["PutMetricAlarm", "PutMetricAlarm"]
    assert requests[0]["parameters"]["Tags"] == [{"Key": "Cost", "Value": "1"}, {"Key": "Project", "Value": "greenleaf"}]


def put(**changes):
    """Puts the CPU alarm as somebody would by hand."""
    alarm = {
        "AlarmName": CPU["name"],
        "AlarmDescription": CPU["description"],
        "Namespace": CPU["namespace"],
        "MetricName": CPU["metric"],
        "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "greenleaf-test-app"}],
        "Statistic": "Average",
        "Period": 300,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 85,
        "TreatMissingData": "missing",
        "AlarmActions": [TOPIC],
        "OKActions": [TOPIC],
    }
    return lambda cloudwatch: cloudwatch.put_metric_alarm(**alarm | changes)


DRIFTS = {
    "AlarmDescription": "x",
    "Namespace": "AWS/RDS",
    "MetricName": "NetworkIn",
    "Dimensions": [{"Name": "AutoScalingGroupName", "Value": "greenleaf-test-app"}, {"Name": "InstanceId", "Value": "i-1"}],
    "Statistic": "Maximum",
    "Period": 60,
    "EvaluationPeriods": 5,
    "DatapointsToAlarm": 3,
    "ComparisonOperator": "LessThanThreshold",
    "Threshold": 99,
    "TreatMissingData": "ignore",
    "AlarmActions": [],
    "OKActions": [],
    "ActionsEnabled": False,
    "Unit": "Percent",
}


@pytest.mark.parametrize("field", DRIFTS)
def test_drift_is_seen_and_mended(run_module, account, cloudwatch, field):
    run_module("cloudwatch_alarms", **OPTIONS)
    before = alarms(cloudwatch)[CPU["name"]]
    put(**{field: DRIFTS[field]})(cloudwatch)

    mark = account.mark()
    assert list(run_module("cloudwatch_alarms", check_mode=True, **OPTIONS)["diff"]["after"]) == [CPU["name"]]
    assert account.writes(mark) == []
    assert list(run_module("cloudwatch_alarms", **OPTIONS)["diff"]["after"]) == [CPU["name"]]
    assert [(request["action"], request["parameters"]["AlarmName"]) for request in account.writes(mark)] == [
        ("PutMetricAlarm", CPU["name"]),
    ]
    assert not run_module("cloudwatch_alarms", **OPTIONS)["changed"]
    after = alarms(cloudwatch)[CPU["name"]]
    assert {name: after.get(name) for name in DRIFTS} == {name: before.get(name) for name in DRIFTS}


def test_alarms_are_described_in_one_call(run_module, account):
    run_module("cloudwatch_alarms", **OPTIONS)
    mark = account.mark()
    run_module("cloudwatch_alarms", **OPTIONS)
    assert [request["action"] for request in account.requests(mark)].count("DescribeAlarms") == 1


def test_tags_of_an_alarm_that_exists(run_module, account, cloudwatch):
    put()(cloudwatch)
    arn = alarms(cloudwatch)[CPU["name"]]["AlarmArn"]
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "Project", "Value": "x"}, {"Key": "Team", "Value": "shop"}])
    options = {**OPTIONS, "alarms": [CPU]}

    mark = account.mark()
    assert run_module("cloudwatch_alarms", check_mode=True, **options)["changed"]
    assert account.writes(mark) == []
    run_module("cloudwatch_alarms", **options)
    assert [request["action"] for request in account.writes(mark)] == ["TagResource"]
    assert tags(cloudwatch, CPU["name"]) == TAGS | {"Team": "shop"}
    assert not run_module("cloudwatch_alarms", **options)["changed"]


def test_a_deleted_alarm_is_made_again(run_module, account, cloudwatch):
    run_module("cloudwatch_alarms", **OPTIONS)
    cloudwatch.delete_alarms(AlarmNames=[EGRESS["name"]])

    mark = account.mark()
    result = run_module("cloudwatch_alarms", **OPTIONS)
    assert (result["diff"]["before"], list(result["diff"]["after"])) == ({}, [EGRESS["name"]])
    assert [request["parameters"]["AlarmName"] for request in account.writes(mark)] == [EGRESS["name"]]
    assert tags(cloudwatch, EGRESS["name"]) == TAGS


def test_delete(run_module, account, cloudwatch):
    put(AlarmName="someone-elses")(cloudwatch)
    run_module("cloudwatch_alarms", **OPTIONS)
    gone = {"alarms": [{"name": CPU["name"]}, {"name": EGRESS["name"]}, {"name": "never-made"}], "state": "absent"}

    mark = account.mark()
    assert run_module("cloudwatch_alarms", check_mode=True, **gone)["changed"]
    assert account.writes(mark) == []
    assert run_module("cloudwatch_alarms", **gone)["resource"] == {}
    assert not run_module("cloudwatch_alarms", check_mode=True, **gone)["changed"]
    assert not run_module("cloudwatch_alarms", **gone)["changed"]
    assert list(alarms(cloudwatch)) == ["someone-elses"]


@pytest.mark.parametrize("state", ["present", "absent"])
def test_no_alarms_are_no_change(run_module, account, state):
    mark = account.mark()
    assert not run_module("cloudwatch_alarms", alarms=[], state=state)["changed"]
    assert account.requests(mark) == []


@pytest.mark.parametrize("change", [{"period": 45}, {"threshold": None}, {"name": "x" * 256}])
def test_what_cloudwatch_refuses_is_refused_before_any_call(run_module, account, change):
    mark = account.mark()
    assert run_module("cloudwatch_alarms", fails=True, alarms=[CPU | change])["msg"].startswith("alarms: ")
    assert account.requests(mark) == []
