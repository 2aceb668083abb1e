# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import copy
import json

import pytest

NAME = "greenleaf-test"
BODY = {
    "widgets": [
        {
            "type": "metric",
            "x": 0,
            "y": 0,
            "width": 12,
            "height": 6,
            "properties": {"region": "eu-west-3", "metrics": [["AWS/EC2", "CPUUtilization"]], "title": "CPU"},
        },
        {"type": "text", "properties": {"markdown": "GreenLeaf"}},
    ]
}


def shown(aws):
    return json.loads(aws("cloudwatch").get_dashboard(DashboardName=NAME)["DashboardBody"])


def test_converges(assert_converges, aws):
    result = assert_converges("cloudwatch_dashboard", name=NAME, body=BODY)

    assert shown(aws) == BODY
    assert result["resource"] == {"arn": aws("cloudwatch").get_dashboard(DashboardName=NAME)["DashboardArn"], "body": BODY}


def test_check_mode_tells_the_plan(run_module):
    result = run_module("cloudwatch_dashboard", check_mode=True, name=NAME, body=BODY)

    assert result["diff"] == {"before": {}, "after": {"body": BODY}}
    assert result["resource"]["arn"] == f"arn:aws:cloudwatch::000000000000:dashboard/{NAME}"


def test_text_does_not_matter(run_module, aws):
    aws("cloudwatch").put_dashboard(DashboardName=NAME, DashboardBody=json.dumps(BODY, indent=3, sort_keys=True))

    assert not run_module("cloudwatch_dashboard", name=NAME, body=BODY)["changed"]


def added_property(body):
    body["widgets"][0]["properties"]["stacked"] = True


def added_key(body):
    body["start"] = "-PT3H"


def another_title(body):
    body["widgets"][0]["properties"]["title"] = "Load"


def no_text(body):
    del body["widgets"][1]


@pytest.mark.parametrize("drift", [added_property, added_key, another_title, no_text])
def test_drift_is_seen_and_mended(run_module, account, aws, drift):
    drifted = copy.deepcopy(BODY)
    drift(drifted)
    aws("cloudwatch").put_dashboard(DashboardName=NAME, DashboardBody=json.dumps(drifted))

    mark = account.mark()
    plan = run_module("cloudwatch_dashboard", check_mode=True, name=NAME, body=BODY)
    assert plan["diff"] == {"before": {"body": drifted}, "after": {"body": BODY}}
    assert account.writes(mark) == []
    assert run_module("cloudwatch_dashboard", name=NAME, body=BODY)["diff"] == plan["diff"]
    assert shown(aws) == BODY
    assert not run_module("cloudwatch_dashboard", name=NAME, body=BODY)["changed"]


def test_delete(run_module, account, aws):
    run_module("cloudwatch_dashboard", name=NAME, body=BODY)

    mark = account.mark()
    assert run_module("cloudwatch_dashboard", check_mode=True, name=NAME, state="absent")["changed"]
    assert account.writes(mark) == []
    assert run_module("cloudwatch_dashboard", name=NAME, state="absent")["resource"] == {}
    assert not run_module("cloudwatch_dashboard", name=NAME, state="absent")["changed"]
    assert aws("cloudwatch").list_dashboards()["DashboardEntries"] == []


def test_a_bad_name_is_refused_before_any_call(run_module, account):
    mark = account.mark()
    assert run_module("cloudwatch_dashboard", fails=True, name="has space", body=BODY)["msg"].startswith("name:")
    assert account.requests(mark) == []


def test_a_dashboard_needs_a_body(run_module):
    assert "body" in run_module("cloudwatch_dashboard", fails=True, name=NAME)["msg"]
