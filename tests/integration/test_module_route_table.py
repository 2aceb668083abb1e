# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""route_table against the sandbox: what EC2 has afterwards, and what it was asked."""

from __future__ import annotations

import pytest


class Network:
    """A VPC with two subnets and something to route to."""

    def __init__(self, ec2):
        self.ec2 = ec2
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = sorted(
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{number}.0/24")["Subnet"]["SubnetId"] for number in range(2)
        )
        self.gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(VpcId=self.vpc, InternetGatewayId=self.gateway)
        self.interface = ec2.create_network_interface(SubnetId=self.subnets[0])["NetworkInterface"]["NetworkInterfaceId"]

    def tables(self, name="private"):
        filters = [{"Name": "vpc-id", "Values": [self.vpc]}, {"Name": "tag:Name", "Values": [name]}]
        return self.ec2.describe_route_tables(Filters=filters)["RouteTables"]

    def table(self, name="private"):
        (table,) = self.tables(name)
        return table

    def routes(self, name="private"):
        """Targets by destination, without the local route."""
        return {
            route["DestinationCidrBlock"]: route.get("GatewayId") or route.get("NetworkInterfaceId") or route.get("NatGatewayId")
            for route in self.table(name)["Routes"]
            if route.get("GatewayId") != "local" and "DestinationCidrBlock" in route
        }

    def users(self, name="private"):
        return sorted(association["SubnetId"] for association in self.table(name)["Associations"])


@pytest.fixture
def network(aws):
    return Network(aws("ec2"))


@pytest.fixture
def private(network, run_module):
    """A table called private for both subnets."""
    return run_module("route_table", name="private", vpc_id=network.vpc, subnet_ids=network.subnets)["resource"]["id"]


def actions(account, since):
    return [request["action"] for request in account.writes(since)]


def test_converges(network, assert_converges):
    routes = [{"destination": "0.0.0.0/0", "gateway_id": network.gateway}]
    result = assert_converges(
        "route_table",
        name="private",
        vpc_id=network.vpc,
        subnet_ids=network.subnets,
        routes=routes,
        purge_routes=True,
        tags={"Environment": "test"},
    )
    assert result["resource"] == {
        "id": network.table()["RouteTableId"],
        "vpc_id": network.vpc,
        "subnet_ids": network.subnets,
        "routes": routes,
        "tags": {"Environment": "test", "Name": "private"},
    }
    assert network.routes() == {"0.0.0.0/0": network.gateway}
    assert network.users() == network.subnets
    assert {"Key": "Environment", "Value": "test"} in network.table()["Tags"]


def test_a_changed_tag_makes_no_second_table(network, private, assert_converges):
    result = assert_converges("route_table", name="private", vpc_id=network.vpc, tags={"Environment": "test"})
    assert result["resource"]["id"] == private
    assert result["diff"] == {
        "before": {"tags": {"Name": "private"}},
        "after": {"tags": {"Environment": "test", "Name": "private"}},
    }


def test_routes_are_kept_apart_from_subnets(network, private, assert_converges, run_module):
    routes = [{"destination": "0.0.0.0/0", "network_interface_id": network.interface}]
    assert_converges("route_table", route_table_id=private, routes=routes)
    assert network.routes() == {"0.0.0.0/0": network.interface}
    assert network.users() == network.subnets
    assert not run_module("route_table", name="private", vpc_id=network.vpc, subnet_ids=network.subnets)["changed"]


def test_a_route_is_replaced_in_place(network, private, assert_converges, run_module, account):
    run_module("route_table", route_table_id=private, routes=[{"destination": "0.0.0.0/0", "gateway_id": network.gateway}])
    mark = account.mark()
    result = assert_converges(
        "route_table", route_table_id=private, routes=[{"destination": "0.0.0.0/0", "network_interface_id": network.interface}]
    )
    assert actions(account, mark) == ["ReplaceRoute"]
    assert network.routes() == {"0.0.0.0/0": network.interface}
    assert result["diff"] == {
        "before": {"routes": [{"destination": "0.0.0.0/0", "gateway_id": network.gateway}]},
        "after": {"routes": [{"destination": "0.0.0.0/0", "network_interface_id": network.interface}]},
    }


def test_a_deleted_route_comes_back(network, private, assert_converges, run_module):
    routes = [{"destination": "0.0.0.0/0", "network_interface_id": network.interface}]
    run_module("route_table", route_table_id=private, routes=routes)
    network.ec2.delete_route(RouteTableId=private, DestinationCidrBlock="0.0.0.0/0")
    assert_converges("route_table", route_table_id=private, routes=routes)
    assert network.routes() == {"0.0.0.0/0": network.interface}


def test_another_route_stays_unless_purged(network, private, run_module, assert_converges):
    network.ec2.create_route(RouteTableId=private, DestinationCidrBlock="10.9.0.0/16", GatewayId=network.gateway)
    routes = [{"destination": "0.0.0.0/0", "gateway_id": network.gateway}]
    assert_converges("route_table", route_table_id=private, routes=routes)
    assert network.routes() == {"0.0.0.0/0": network.gateway, "10.9.0.0/16": network.gateway}
    assert_converges("route_table", route_table_id=private, routes=routes, purge_routes=True)
    assert network.routes() == {"0.0.0.0/0": network.gateway}


def test_a_gateway_endpoint_s_route_is_never_purged(network, private, run_module):
    network.ec2.create_vpc_endpoint(VpcId=network.vpc, ServiceName="com.amazonaws.eu-west-3.s3", RouteTableIds=[private])
    assert not run_module("route_table", route_table_id=private, routes=[], purge_routes=True)["changed"]


def test_subnets_move_and_leave(network, private, assert_converges, account):
    mark = account.mark()
    assert_converges("route_table", name="public", vpc_id=network.vpc, subnet_ids=network.subnets[:1])
    assert actions(account, mark) == ["CreateRouteTable", "ReplaceRouteTableAssociation"]
    assert network.users("public") == network.subnets[:1]
    assert network.users() == network.subnets[1:]
    assert_converges("route_table", route_table_id=private, subnet_ids=[])
    assert network.users() == []


def test_two_of_one_name_are_an_error(network, private, run_module):
    tags = [{"ResourceType": "route-table", "Tags": [{"Key": "Name", "Value": "private"}]}]
    other = network.ec2.create_route_table(VpcId=network.vpc, TagSpecifications=tags)["RouteTable"]["RouteTableId"]
    result = run_module("route_table", name="private", vpc_id=network.vpc, fails=True)
    assert private in result["msg"]
    assert other in result["msg"]


def test_what_does_not_exist_yet_is_planned(network, run_module):
    made = run_module(
        "route_table",
        check_mode=True,
        name="private",
        vpc_id="vpc-00000000000000000",
        subnet_ids=["subnet-00000000000000000"],
    )["resource"]
    routes = [{"destination": "0.0.0.0/0", "network_interface_id": "eni-00000000000000000"}]
    routed = run_module("route_table", check_mode=True, route_table_id=made["id"], routes=routes)
    assert routed["changed"]
    assert routed["diff"] == {"before": {}, "after": {"routes": routes}}
    assert "does not exist" in run_module("route_table", route_table_id=made["id"], routes=routes, fails=True)["msg"]


def test_a_route_has_one_target(network, private, run_module):
    route = {"destination": "0.0.0.0/0", "gateway_id": network.gateway, "network_interface_id": network.interface}
    assert "mutually exclusive" in run_module("route_table", route_table_id=private, routes=[route], fails=True)["msg"]
    result = run_module("route_table", route_table_id=private, routes=[{"destination": "0.0.0.0/0"}], fails=True)
    assert "one of the following is required" in result["msg"]


def test_a_table_is_named_in_its_vpc(run_module):
    assert "vpc_id" in run_module("route_table", name="private", fails=True)["msg"]


def test_deletes(network, private, assert_converges):
    assert_converges("route_table", name="private", vpc_id=network.vpc, state="absent")
    assert network.tables() == []


def test_the_main_table_stays(network, run_module):
    filters = [{"Name": "vpc-id", "Values": [network.vpc]}, {"Name": "association.main", "Values": ["true"]}]
    (main,) = network.ec2.describe_route_tables(Filters=filters)["RouteTables"]
    result = run_module("route_table", check_mode=True, route_table_id=main["RouteTableId"], state="absent", fails=True)
    assert "main one" in result["msg"]
