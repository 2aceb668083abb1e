# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""cloudwatch_dashboard: how it compares, and what it makes of CloudWatch's remarks."""

from __future__ import annotations

import json
import types
from unittest.mock import Mock

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules.cloudwatch_dashboard import Dashboard

BODY = {"widgets": [{"type": "text", "properties": {"markdown": "GreenLeaf"}}]}
REMARK = {"DataPath": "/widgets/0/properties", "Message": "Should have a region"}


class Failed(Exception):
    pass


def fail_json(msg):
    raise Failed(msg)


def dashboard(observed=None, remarks=()):
    client = Mock()
    client.meta.partition = "aws"
    client.put_dashboard.return_value = {"DashboardValidationMessages": list(remarks)}
    if observed is None:
        client.get_dashboard.side_effect = error("ResourceNotFound")
    else:
        client.get_dashboard.return_value = {"DashboardArn": "arn", "DashboardBody": json.dumps(observed)}
    return Dashboard(types.SimpleNamespace(params={"name": "shop", "body": BODY}, fail_json=fail_json, warn=Mock()), client)


def error(code, **members):
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": "No."}, **members}, "Operation")


@pytest.mark.parametrize("code", ["ResourceNotFound", "DashboardNotFoundError"])
def test_a_missing_dashboard_is_read_as_none(code):
    resource = dashboard()
    resource.client.get_dashboard.side_effect = error(code)
    assert resource.read() is None
    resource.client.delete_dashboards.side_effect = error(code)
    resource.delete()


@pytest.mark.parametrize(
    ("observed", "changed"),
    [
        (BODY, False),
        ({**BODY, "start": "-PT3H"}, True),
        ({"widgets": [{**BODY["widgets"][0], "x": 3}]}, True),
        ({"widgets": []}, True),
    ],
)
def test_the_body_is_compared_whole(observed, changed):
    resource = dashboard(observed)
    assert converge(resource, present=True, check_mode=False)["changed"] is changed
    assert resource.client.put_dashboard.called is changed


def test_remarks_are_warnings():
    resource = dashboard(remarks=[REMARK, {"Message": "Odd"}])
    resource.create()
    assert json.loads(resource.client.put_dashboard.call_args.kwargs["DashboardBody"]) == BODY
    assert [call.args[0] for call in resource.module.warn.call_args_list] == [
        "Dashboard shop: /widgets/0/properties: Should have a region",
        "Dashboard shop: Odd",
    ]


@pytest.mark.parametrize(
    ("members", "told"),
    [({"dashboardValidationMessages": [REMARK]}, "/widgets/0/properties: Should have a region"), ({}, "No.")],
)
def test_a_refused_body_is_an_error(members, told):
    resource = dashboard()
    resource.client.put_dashboard.side_effect = error("InvalidParameterInput", **members)
    with pytest.raises(Failed, match=rf"body: CloudWatch refuses dashboard shop\. .*{told}"):
        resource.create()
