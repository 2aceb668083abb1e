# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

SERVICE = "com.amazonaws.eu-west-3.s3"


@pytest.fixture
def ec2(aws):
    return aws("ec2")


@pytest.fixture
def network(ec2):
    """A VPC and three route tables of it."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return vpc, [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(3)]


@pytest.fixture
def options(network):
    vpc, tables = network
    return {"vpc_id": vpc, "service": SERVICE, "route_table_ids": tables[:2], "tags": {"Project": "greenleaf", "Cost": 1}}


def endpoints(ec2):
    return [endpoint for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"] if endpoint["State"].lower() != "deleted"]


def test_converges(assert_converges, ec2, options):
    result = assert_converges("vpc_gateway_endpoint", **options)

    (endpoint,) = endpoints(ec2)
    assert endpoint["VpcEndpointId"] == result["resource"]["id"]
    assert endpoint["VpcEndpointType"] == "Gateway"
    assert (endpoint["VpcId"], endpoint["ServiceName"]) == (options["vpc_id"], SERVICE)
    assert sorted(endpoint["RouteTableIds"]) == sorted(options["route_table_ids"])
    assert {tag["Key"]: tag["Value"] for tag in endpoint["Tags"]} == {"Project": "greenleaf", "Cost": "1"}


def test_it_is_created_whole(run_module, account, options):
    mark = account.mark()
    run_module("vpc_gateway_endpoint", **options)

    (create,) = account.writes(mark)
    assert create["action"] == "CreateVpcEndpoint"
    assert create["parameters"].pop("ClientToken")
    assert create["parameters"] == {
        "VpcEndpointType": "Gateway",
        "VpcId": options["vpc_id"],
        "ServiceName": SERVICE,
        "RouteTableIds": sorted(options["route_table_ids"]),
        "TagSpecifications": [
            {"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Cost", "Value": "1"}, {"Key": "Project", "Value": "greenleaf"}]}
        ],
    }


def test_check_mode_tells_the_plan(run_module, options):
    plan = run_module("vpc_gateway_endpoint", check_mode=True, **options)

    assert plan["diff"]["before"] == {}
    assert plan["diff"]["after"] == {"route_table_ids": sorted(options["route_table_ids"]), "tags": {"Project": "greenleaf", "Cost": "1"}}
    assert plan["resource"]["id"] == "vpce-00000000000000000"


@pytest.mark.parametrize(("add", "remove"), [([], [0]), ([2], []), ([2], [0]), ([], [0, 1])])
def test_route_tables_are_mended_on_the_same_endpoint(run_module, account, ec2, network, options, add, remove):
    endpoint = run_module("vpc_gateway_endpoint", **options)["resource"]["id"]
    tables = network[1]
    lists = {"AddRouteTableIds": [tables[number] for number in add], "RemoveRouteTableIds": [tables[number] for number in remove]}
    ec2.modify_vpc_endpoint(VpcEndpointId=endpoint, **{name: ids for name, ids in lists.items() if ids})

    mark = account.mark()
    assert list(run_module("vpc_gateway_endpoint", check_mode=True, **options)["diff"]["after"]) == ["route_table_ids"]
    assert account.writes(mark) == []
    assert run_module("vpc_gateway_endpoint", **options)["resource"]["id"] == endpoint
    (request,) = account.writes(mark)
    assert request["action"] == "ModifyVpcEndpoint"
    assert not run_module("vpc_gateway_endpoint", **options)["changed"]
    (there,) = endpoints(ec2)
    assert sorted(there["RouteTableIds"]) == sorted(options["route_table_ids"])


def test_tags_are_mended_and_others_stay(run_module, ec2, options):
    endpoint = run_module("vpc_gateway_endpoint", **options)["resource"]["id"]
    ec2.create_tags(Resources=[endpoint], Tags=[{"Key": "Project", "Value": "x"}, {"Key": "Team", "Value": "shop"}])

    assert list(run_module("vpc_gateway_endpoint", **options)["diff"]["after"]) == ["tags"]
    assert not run_module("vpc_gateway_endpoint", **options)["changed"]
    (there,) = endpoints(ec2)
    assert {tag["Key"]: tag["Value"] for tag in there["Tags"]} == {"Project": "greenleaf", "Cost": "1", "Team": "shop"}


def test_another_service_s_or_vpc_s_endpoint_is_not_it(run_module, ec2, options):
    other = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    ec2.create_vpc_endpoint(VpcId=options["vpc_id"], ServiceName="com.amazonaws.eu-west-3.dynamodb")
    ec2.create_vpc_endpoint(VpcId=other, ServiceName=SERVICE)

    assert run_module("vpc_gateway_endpoint", **options)["diff"]["before"] == {}
    assert len(endpoints(ec2)) == 3
    run_module("vpc_gateway_endpoint", vpc_id=options["vpc_id"], service=SERVICE, state="absent")
    assert len(endpoints(ec2)) == 2


def test_delete(run_module, account, ec2, options):
    run_module("vpc_gateway_endpoint", **options)
    gone = {"vpc_id": options["vpc_id"], "service": SERVICE, "state": "absent"}

    mark = account.mark()
    assert run_module("vpc_gateway_endpoint", check_mode=True, **gone)["changed"]
    assert account.writes(mark) == []
    assert run_module("vpc_gateway_endpoint", **gone)["resource"] == {}
    assert endpoints(ec2) == []
    assert not run_module("vpc_gateway_endpoint", **gone)["changed"]
    assert not run_module("vpc_gateway_endpoint", check_mode=True, **gone)["changed"]


def test_a_service_without_gateway_endpoints_is_refused_before_any_call(run_module, account, options):
    mark = account.mark()
    assert run_module("vpc_gateway_endpoint", fails=True, **{**options, "service": "s3"})["msg"].startswith("service is 's3': use")
    assert account.requests(mark) == []
