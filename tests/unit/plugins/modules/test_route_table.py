# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""route_table: what it takes for a difference, what it refuses, and the requests that it sends."""

from __future__ import annotations

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules import route_table as tables

VPC = "vpc-0000000000000000a"
TABLE = "rtb-0000000000000000a"
SUBNETS = [f"subnet-0000000000000000{letter}" for letter in "abc"]
IGW = "igw-0000000000000000a"
ENI = "eni-0000000000000000a"
NAT = "nat-0000000000000000a"

LOCAL = {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"}
S3 = {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1", "Origin": "CreateRoute", "State": "active"}
FIREWALL = {"DestinationCidrBlock": "10.7.0.0/16", "GatewayId": "vpce-2", "Origin": "CreateRoute", "State": "active"}
VPN = {"DestinationCidrBlock": "10.8.0.0/16", "GatewayId": "vgw-1", "Origin": "EnableVgwRoutePropagation", "State": "active"}
PEER = {"DestinationCidrBlock": "10.9.0.0/16", "VpcPeeringConnectionId": "pcx-1", "Origin": "CreateRoute", "State": "active"}


def default(state="active", **target):
    return {"DestinationCidrBlock": "0.0.0.0/0", "Origin": "CreateRoute", "State": state, **target}


def association(subnet, state="associated"):
    number = subnet[-1]
    return {"RouteTableAssociationId": f"rtbassoc-{number}", "Main": False, "SubnetId": subnet, "AssociationState": {"State": state}}


def table(*routes, subnets=(), main=False, **fields):
    associations = [association(subnet) for subnet in subnets]
    if main:
        associations.append({"RouteTableAssociationId": "rtbassoc-main", "Main": True, "AssociationState": {"State": "associated"}})
    return {
        "RouteTableId": TABLE,
        "VpcId": VPC,
        "Routes": [LOCAL, S3, FIREWALL, VPN, *routes],
        "Associations": associations,
        "Tags": [{"Key": "Name", "Value": "private"}, {"Key": "Owner", "Value": "somebody"}],
        **fields,
    }


class Failed(Exception):
    pass


def error(code):
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": code}}, "Operation")


class EC2:
    """Finds each of `looks` in turn, the last one for ever, and records the writes."""

    def __init__(self, looks, elsewhere, errors):
        self.looks = list(looks)
        self.elsewhere = elsewhere
        self.errors = errors
        self.queries = []
        self.writes = []

    def describe_route_tables(self, *, aws_retry=False, **query):
        self.queries.append(query)
        if query.get("Filters", [{}])[0].get("Name") == "association.subnet-id":
            return {"RouteTables": self.elsewhere}
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        return {"RouteTables": look}

    def __getattr__(self, operation):
        def call(*, aws_retry, **request):
            assert aws_retry
            self.writes.append((operation, request))
            if operation in self.errors:
                raise self.errors[operation]
            return {"RouteTable": {"RouteTableId": TABLE}}

        return call


class Module:
    """An AnsibleAWSModule without Ansible or AWS."""

    def __init__(self, *looks, elsewhere=(), errors=None, routes=None, **params):
        self.params = {option: spec.get("default") for option, spec in tables.ARGUMENTS.items()} | {"state": "present"} | params
        if routes is not None:
            self.params["routes"] = [dict.fromkeys(tables.DECLARABLE) | route for route in routes]
        self.ec2 = EC2(looks or [[]], list(elsewhere), errors or {})
        self.warnings = []

    def client(self, service, retry_decorator):
        assert service == "ec2"
        return self.ec2

    def warn(self, text):
        self.warnings.append(text)

    def fail_json(self, msg):
        raise Failed(msg)


def run(module, check_mode=False):
    return converge(tables.build(module), present=module.params["state"] == "present", check_mode=check_mode)


NAMED = {"name": "private", "vpc_id": VPC}
BY_ID = {"route_table_id": TABLE}
TO_IGW = {"destination": "0.0.0.0/0", "gateway_id": IGW}
TO_ENI = {"destination": "0.0.0.0/0", "network_interface_id": ENI}


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"name": "private", "vpc_id": "vpc-1"}, "vpc_id"),
        ({"route_table_id": "private"}, "route_table_id"),
        ({**BY_ID, "subnet_ids": [""]}, "subnet_ids"),
        ({**BY_ID, "routes": [{"destination": "0.0.0.0/0", "gateway_id": "igw"}]}, "gateway_id"),
        ({**BY_ID, "routes": [{"destination": "0.0.0.0/0", "gateway_id": ENI}]}, "gateway_id"),
        ({**BY_ID, "routes": [{"destination": "0.0.0.0/0", "network_interface_id": NAT}]}, "network_interface_id"),
        ({**BY_ID, "routes": [{"destination": "0.0.0.0/0", "nat_gateway_id": ENI}]}, "nat_gateway_id"),
        ({**BY_ID, "routes": [{"destination": "10.0.0.1/16", "gateway_id": IGW}]}, "host bits"),
        ({**BY_ID, "routes": [{"destination": "everywhere", "gateway_id": IGW}]}, "destination"),
        ({**BY_ID, "routes": [TO_IGW, TO_ENI]}, r"two for 0\.0\.0\.0/0"),
        ({**BY_ID, "routes": [{"destination": "::/0", "gateway_id": IGW}, {"destination": "0::0/0", "gateway_id": IGW}]}, "two for ::/0"),
        ({**NAMED, "tags": {"Name": "public"}}, r"tags\.Name"),
    ],
)
def test_a_bad_option_is_refused(options, names):
    module = Module(**options)
    with pytest.raises(Failed, match=names):
        tables.build(module)
    assert module.ec2.queries == []


def test_only_the_routes_that_are_not_aws_s_are_told():
    module = Module([table(default(GatewayId=IGW), PEER)], **BY_ID)
    assert run(module)["resource"]["routes"] == [TO_IGW, {"destination": "10.9.0.0/16", "vpc_peering_connection_id": "pcx-1"}]


def test_a_route_to_an_instance_goes_to_its_interface():
    assert tables.routes(table(default(InstanceId="i-1", InstanceOwnerId="1", NetworkInterfaceId=ENI))) == [TO_ENI]


def test_an_association_that_ends_is_none():
    found = {"Associations": [association(SUBNETS[0], "associating"), association(SUBNETS[1], "disassociating")]}
    assert list(tables.associations(found)) == SUBNETS[:1]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"routes": [TO_ENI]},
        {"routes": [TO_ENI, {"destination": "10.9.0.0/16", "gateway_id": IGW}], "purge_routes": True},
        {"subnet_ids": [SUBNETS[1], SUBNETS[0]]},
        {"tags": {"Owner": "somebody"}},
    ],
)
def test_what_is_as_declared_stays(options):
    module = Module(
        [table(default(NetworkInterfaceId=ENI), PEER | {"VpcPeeringConnectionId": "", "GatewayId": IGW}, subnets=SUBNETS[:2])],
        **NAMED,
        **options,
    )
    assert not run(module)["changed"]
    assert module.ec2.writes == []


def test_creates_and_then_associates_and_routes():
    module = Module(
        [], [table(Routes=[LOCAL], Tags=[{"Key": "Name", "Value": "private"}])], subnet_ids=SUBNETS[:1], routes=[TO_ENI], **NAMED
    )
    result = run(module)
    (create, request), *others = module.ec2.writes
    assert create == "create_route_table"
    assert len(request.pop("ClientToken")) == 36
    assert request == {"VpcId": VPC, "TagSpecifications": [{"ResourceType": "route-table", "Tags": [{"Key": "Name", "Value": "private"}]}]}
    assert others == [
        ("associate_route_table", {"SubnetId": SUBNETS[0], "RouteTableId": TABLE}),
        ("create_route", {"RouteTableId": TABLE, "DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": ENI}),
    ]
    declared = {"vpc_id": VPC, "subnet_ids": SUBNETS[:1], "routes": [TO_ENI], "tags": {"Name": "private"}}
    assert result["diff"] == {"before": {}, "after": declared}
    assert result["resource"] == {"id": TABLE, **declared}


def test_two_tables_of_one_name_are_named():
    module = Module([table(), table(RouteTableId="rtb-0000000000000000b")], **NAMED)
    with pytest.raises(Failed, match=f"{TABLE} and rtb-0000000000000000b"):
        run(module, check_mode=True)


def test_a_wildcard_in_the_name_finds_only_itself():
    module = Module([table()], name="priv*", vpc_id=VPC)
    assert run(module, check_mode=True)["diff"]["before"] == {}


def test_a_table_that_does_not_exist_is_planned_by_its_id():
    module = Module(error("InvalidRouteTableID.NotFound"), routes=[TO_ENI], route_table_id="rtb-00000000000000001")
    result = run(module, check_mode=True)
    assert result["changed"]
    assert result["resource"] == {"id": "rtb-00000000000000001", "routes": [TO_ENI]}
    with pytest.raises(Failed, match="rtb-00000000000000001 does not exist"):
        run(module)
    assert module.ec2.writes == []


def test_check_mode_gives_a_new_table_an_id():
    result = run(Module(**NAMED), check_mode=True)
    assert result["resource"] == {"id": "rtb-00000000000000000", "vpc_id": VPC, "tags": {"Name": "private"}}


@pytest.mark.parametrize(
    ("routes", "options", "writes"),
    [
        ([default(GatewayId=IGW)], {}, [("replace_route", {"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": ENI})]),
        (
            [default("blackhole", NatGatewayId=NAT)],
            {},
            [("replace_route", {"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": ENI})],
        ),
        ([PEER], {}, [("create_route", {"DestinationCidrBlock": "0.0.0.0/0", "NetworkInterfaceId": ENI})]),
        ([PEER, default(NetworkInterfaceId=ENI)], {"purge_routes": True}, [("delete_route", {"DestinationCidrBlock": "10.9.0.0/16"})]),
    ],
)
def test_routes_are_brought_to_what_is_declared(routes, options, writes):
    module = Module([table(*routes)], **BY_ID, routes=[TO_ENI], **options)
    result = run(module)
    assert result["changed"]
    assert module.ec2.writes == [(operation, {"RouteTableId": TABLE, **request}) for operation, request in writes]
    assert TO_ENI in result["resource"]["routes"]


def test_ipv6_has_its_own_parameter():
    module = Module([table()], **BY_ID, routes=[{"destination": "::/0", "gateway_id": IGW}])
    run(module)
    assert module.ec2.writes == [("create_route", {"RouteTableId": TABLE, "DestinationIpv6CidrBlock": "::/0", "GatewayId": IGW})]


def test_a_blackhole_with_the_declared_target_is_told_and_left():
    module = Module([table(default("blackhole", NetworkInterfaceId=ENI))], **BY_ID, routes=[TO_ENI])
    assert not run(module)["changed"]
    assert "0.0.0.0/0" in module.warnings[0]
    assert module.ec2.writes == []


def test_a_route_that_is_there_by_now_is_replaced():
    module = Module([table()], **BY_ID, routes=[TO_ENI], errors={"create_route": error("RouteAlreadyExists")})
    run(module)
    assert [operation for operation, request in module.ec2.writes] == ["create_route", "replace_route"]


def test_subnets_are_added_moved_and_let_go():
    elsewhere = {"RouteTableId": "rtb-0000000000000000b", "Associations": [association(SUBNETS[1])]}
    module = Module([table(subnets=SUBNETS[:1])], elsewhere=[elsewhere], subnet_ids=SUBNETS[1:], **BY_ID)
    result = run(module)
    assert module.ec2.writes == [
        ("disassociate_route_table", {"AssociationId": "rtbassoc-a"}),
        ("replace_route_table_association", {"AssociationId": "rtbassoc-b", "RouteTableId": TABLE}),
        ("associate_route_table", {"SubnetId": SUBNETS[2], "RouteTableId": TABLE}),
    ]
    assert result["diff"] == {"before": {"subnet_ids": SUBNETS[:1]}, "after": {"subnet_ids": SUBNETS[1:]}}


def test_tags_of_others_stay():
    module = Module([table()], **NAMED, tags={"Environment": "test"})
    result = run(module)
    assert result["resource"]["tags"] == {"Environment": "test", "Name": "private", "Owner": "somebody"}
    tags = [{"Key": "Environment", "Value": "test"}, {"Key": "Name", "Value": "private"}]
    assert module.ec2.writes == [("create_tags", {"Resources": [TABLE], "Tags": tags})]


def test_deletes():
    module = Module(
        [table(subnets=SUBNETS[:2])], **NAMED, state="absent", errors={"delete_route_table": error("InvalidRouteTableID.NotFound")}
    )
    assert run(module)["changed"]
    assert module.ec2.writes == [
        ("disassociate_route_table", {"AssociationId": "rtbassoc-a"}),
        ("disassociate_route_table", {"AssociationId": "rtbassoc-b"}),
        ("delete_route_table", {"RouteTableId": TABLE}),
    ]


@pytest.mark.parametrize("look", [[], error("InvalidRouteTableID.NotFound")])
def test_what_is_gone_is_not_deleted(look):
    assert not run(Module(look, **BY_ID, state="absent"))["changed"]


def test_the_main_table_is_not_deleted():
    module = Module([table(main=True)], **BY_ID, state="absent")
    with pytest.raises(Failed, match="main one"):
        run(module, check_mode=True)
