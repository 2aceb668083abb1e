# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""vpc_gateway_endpoint: which endpoint it means, and the requests that it sends."""

from __future__ import annotations

import uuid

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules import vpc_gateway_endpoint
from ansible_collections.greenleaf.cloud.plugins.modules.vpc_gateway_endpoint import VpcGatewayEndpoint, build
from ansible_collections.greenleaf.cloud.tests.unit.recording import Client, Failed, Module

SERVICE = "com.amazonaws.eu-west-3.s3"
DECLARED = {"vpc_id": "vpc-1", "service": SERVICE, "route_table_ids": ["rtb-2", "rtb-1", "rtb-2"], "tags": {"Name": "s3"}}
TAGS = [{"Key": "Name", "Value": "s3"}]


def endpoint(state="available", **more):
    return {"VpcEndpointId": "vpce-1", "State": state, "RouteTableIds": ["rtb-1", "rtb-2"], "Tags": TAGS} | more


@pytest.fixture(autouse=True)
def pauses(monkeypatch):
    slept = []
    monkeypatch.setattr(vpc_gateway_endpoint.time, "sleep", slept.append)
    return slept


def resource(*turns, answers=None, **params):
    """The resource, of which each look shows the next of `turns`, lists of endpoints; and the calls that it makes."""
    calls = []
    described = [{"VpcEndpoints": turn} for turn in turns]
    return VpcGatewayEndpoint(Client(calls, {"describe_vpc_endpoints": described} | (answers or {})), DECLARED | params), calls


def writes(calls):
    return [call for call in calls if not call[0].startswith("describe_")]


def test_what_is_right_stays():
    gateway, calls = resource([endpoint(RouteTableIds=["rtb-2", "rtb-1"])])
    assert not converge(gateway, present=True, check_mode=False)["changed"]
    assert calls == [
        (
            "describe_vpc_endpoints",
            {
                "Filters": [
                    {"Name": "vpc-id", "Values": ["vpc-1"]},
                    {"Name": "service-name", "Values": [SERVICE]},
                    {"Name": "vpc-endpoint-type", "Values": ["Gateway"]},
                ]
            },
        )
    ]


@pytest.mark.parametrize("there", [[], [endpoint("deleting")], [endpoint("Deleting")], [endpoint("deleted")]])
def test_one_that_is_missing_or_on_its_way_out_is_created(there):
    gateway, calls = resource(there, [endpoint()])
    assert converge(gateway, present=True, check_mode=False)["resource"]["id"] == "vpce-1"
    ((operation, request),) = writes(calls)
    assert operation == "create_vpc_endpoint"
    assert uuid.UUID(request.pop("ClientToken"))
    assert request == {
        "VpcEndpointType": "Gateway",
        "VpcId": "vpc-1",
        "ServiceName": SERVICE,
        "RouteTableIds": ["rtb-1", "rtb-2"],
        "TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": TAGS}],
    }


def test_what_nobody_declared_is_not_sent():
    gateway, calls = resource([], [endpoint()], route_table_ids=None, tags=None)
    converge(gateway, present=True, check_mode=False)
    ((operation, request),) = writes(calls)
    assert (operation, request["RouteTableIds"]) == ("create_vpc_endpoint", [])
    assert "TagSpecifications" not in request


@pytest.mark.parametrize("state", ["available", "pending", "Pending", "Available"])
@pytest.mark.parametrize(
    ("observed", "request_"),
    [
        ({"RouteTableIds": ["rtb-1"]}, {"AddRouteTableIds": ["rtb-2"]}),
        ({"RouteTableIds": ["rtb-1", "rtb-2", "rtb-3"]}, {"RemoveRouteTableIds": ["rtb-3"]}),
        ({"RouteTableIds": ["rtb-3"]}, {"AddRouteTableIds": ["rtb-1", "rtb-2"], "RemoveRouteTableIds": ["rtb-3"]}),
        ({"RouteTableIds": []}, {"AddRouteTableIds": ["rtb-1", "rtb-2"]}),
    ],
)
def test_route_tables_are_put_right_on_the_same_endpoint(state, observed, request_):
    gateway, calls = resource([endpoint("deleted", VpcEndpointId="vpce-0"), endpoint(state, **observed)])
    converge(gateway, present=True, check_mode=False)
    assert writes(calls) == [("modify_vpc_endpoint", {"VpcEndpointId": "vpce-1", **request_})]


def test_tags_are_put_right():
    gateway, calls = resource([{name: value for name, value in endpoint().items() if name != "Tags"}])
    converge(gateway, present=True, check_mode=False)
    assert writes(calls) == [("create_tags", {"Resources": ["vpce-1"], "Tags": TAGS})]


def test_undeclared_tags_and_tables_are_left_alone():
    there = endpoint(Tags=[*TAGS, {"Key": "Team", "Value": "shop"}], RouteTableIds=["rtb-9"])
    assert not converge(resource([there], route_table_ids=None)[0], present=True, check_mode=True)["changed"]


def test_a_plan_for_a_missing_one_has_a_stand_in():
    gateway, calls = resource([])
    assert converge(gateway, present=True, check_mode=True)["resource"] == {
        "id": "vpce-00000000000000000",
        "route_table_ids": ["rtb-1", "rtb-2"],
        "tags": {"Name": "s3"},
    }
    assert writes(calls) == []


def test_a_deletion_is_waited_for(pauses):
    gateway, calls = resource([endpoint()], [endpoint("deleting")], [endpoint("deleting")], [endpoint("deleted")])
    assert converge(gateway, present=False, check_mode=False)["changed"]
    assert writes(calls) == [("delete_vpc_endpoints", {"VpcEndpointIds": ["vpce-1"]})]
    assert pauses == [1, 2]


def test_a_deletion_is_waited_for_two_minutes_at_the_most(pauses):
    converge(resource([endpoint()], [endpoint("deleting")])[0], present=False, check_mode=False)
    assert sum(pauses) == 120


def test_a_deletion_that_aws_refuses_in_its_answer_is_an_error():
    refused = {"Unsuccessful": [{"ResourceId": "vpce-1", "Error": {"Code": "OperationNotPermitted", "Message": "no"}}]}
    gateway = resource([endpoint()], answers={"delete_vpc_endpoints": [refused]})[0]
    with pytest.raises(botocore.exceptions.ClientError, match=r"OperationNotPermitted.*DeleteVpcEndpoints.*no"):
        converge(gateway, present=False, check_mode=False)


@pytest.mark.parametrize("there", [[], [endpoint("deleting")]])
def test_what_is_not_there_needs_no_deletion(there):
    gateway, calls = resource(there)
    assert not converge(gateway, present=False, check_mode=False)["changed"]
    assert writes(calls) == []


@pytest.mark.parametrize(
    "service",
    [SERVICE, "com.amazonaws.us-gov-west-1.dynamodb", "com.amazonaws.eu-west-1.s3express", "com.amazonaws.cn-north-1.s3"],
)
def test_services_with_gateway_endpoints(service):
    build(Module({key: {} for key in DECLARED}, {}, vpc_id="vpc-1", service=service))


@pytest.mark.parametrize("service", ["s3", "com.amazonaws.eu-west-3.ssm", "com.amazonaws.s3", "com.amazonaws.eu-west-3.s3 "])
def test_other_services_are_refused(service):
    module = Module({key: {} for key in DECLARED}, {}, vpc_id="vpc-1", service=service)
    with pytest.raises(Failed, match=r"^service is .*com.amazonaws.eu-west-3.s3.$"):
        build(module)
    assert module.calls == []
