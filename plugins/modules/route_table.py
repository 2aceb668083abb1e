#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: route_table
short_description: Keep a VPC's route table in its declared state
version_added: 0.1.0
description:
  - Creates, changes or deletes a route table, with its routes and the subnets that use it.
  - Unlike M(amazon.aws.ec2_vpc_route_table) it finds the table by its name alone, so that a changed tag does not make a second one,
    and it shows in the diff what differs.
  - Options that are not set are not looked at, so that one task can keep a table's subnets and another one its routes.
  - The local routes, those of gateway endpoints and those that a virtual private gateway propagates are AWS's, and never looked at.
  - A route that is a blackhole, because its target is gone or not attached, is replaced where another target is declared.
    Where the declared target is the same, replacing it would not help, and a warning tells of it.
  - Needs C(ec2:DescribeRouteTables), C(ec2:CreateRouteTable), C(ec2:DeleteRouteTable), C(ec2:AssociateRouteTable),
    C(ec2:ReplaceRouteTableAssociation), C(ec2:DisassociateRouteTable), C(ec2:CreateRoute), C(ec2:ReplaceRoute), C(ec2:DeleteRoute)
    and C(ec2:CreateTags).
options:
  name:
    description: Its tag C(Name), which only one table of O(vpc_id) may have. Either this or O(route_table_id) must be set.
    type: str
  vpc_id:
    description: VPC of the table called O(name).
    type: str
  route_table_id:
    description: Id of a table that exists. In check mode it may be one that does not exist yet.
    type: str
  state:
    description: Whether the table is there. A deleted one leaves its subnets to the VPC's main table.
    type: str
    choices: [present, absent]
    default: present
  subnet_ids:
    description: Subnets that use the table, all of them. One that uses another table is moved here.
    type: list
    elements: str
  routes:
    description: Routes of the table.
    type: list
    elements: dict
    suboptions:
      destination:
        description: CIDR block that the route is for, without host bits.
        type: str
        required: true
      gateway_id:
        description: Internet gateway or virtual private gateway. Each route must have exactly one target.
        type: str
      network_interface_id:
        description: Network interface, such as a NAT instance's.
        type: str
      nat_gateway_id:
        description: NAT gateway.
        type: str
  purge_routes:
    description: Whether routes that O(routes) does not declare are deleted.
    type: bool
    default: false
  tags:
    description: Tags that the table has. Others are left as they are.
    type: dict
attributes:
  check_mode:
    support: full
    description: Tells what a run would change; writes nothing.
  diff_mode:
    support: full
    description: Shows the fields that change, before and after.
author: GreenLeaf (@greenleaf)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Route the public subnets to the internet gateway
  greenleaf.cloud.route_table:
    name: greenleaf-prod-public
    vpc_id: vpc-0123456789abcdef0
    subnet_ids: [subnet-0123456789abcdef0, subnet-0123456789abcdef1]
    routes:
      - destination: 0.0.0.0/0
        gateway_id: igw-0123456789abcdef0
    purge_routes: true
    tags:
      Environment: prod

- name: Route a private subnet to its NAT instance
  greenleaf.cloud.route_table:
    route_table_id: rtb-0123456789abcdef0
    routes:
      - destination: 0.0.0.0/0
        network_interface_id: eni-0123456789abcdef0
"""

RETURN = r"""
resource:
  description: The route table after the run; empty once it is deleted.
  returned: success
  type: dict
  contains:
    id:
      description: Its id, in check mode a stand-in while it does not exist.
      type: str
      sample: rtb-0123456789abcdef0
    vpc_id:
      description: Its VPC; missing in check mode for an O(route_table_id) that does not exist.
      type: str
      sample: vpc-0123456789abcdef0
    routes:
      description:
        - Its routes by destination, without those that are AWS's; each with its target under the name that the option has.
        - Missing in check mode for a table that does not exist and whose O(routes) are not set.
      type: list
      elements: dict
      sample: [{destination: 0.0.0.0/0, gateway_id: igw-0123456789abcdef0}]
    subnet_ids:
      description: The subnets that use it. Missing in check mode for a table that does not exist and whose O(subnet_ids) are not set.
      type: list
      elements: str
      sample: [subnet-0123456789abcdef0]
    tags:
      description: Its tags.
      type: dict
      sample: {Name: greenleaf-prod-public}
"""

import collections.abc as c
import ipaddress
import re
import typing as t
import uuid

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.waiters import get_waiter
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State

# The module's name of a target, and EC2's (API reference 2016-11-15, Route). A route to an instance has its interface's id as well.
TARGETS = {
    "gateway_id": "GatewayId",
    "network_interface_id": "NetworkInterfaceId",
    "nat_gateway_id": "NatGatewayId",
    "transit_gateway_id": "TransitGatewayId",
    "vpc_peering_connection_id": "VpcPeeringConnectionId",
    "egress_only_internet_gateway_id": "EgressOnlyInternetGatewayId",
    "local_gateway_id": "LocalGatewayId",
    "carrier_gateway_id": "CarrierGatewayId",
    "core_network_arn": "CoreNetworkArn",
}
DECLARABLE = ("gateway_id", "network_interface_id", "nat_gateway_id")
PREFIXES = {
    "vpc_id": ("vpc",),
    "route_table_id": ("rtb",),
    "subnet_ids": ("subnet",),
    "gateway_id": ("igw", "vgw"),
    "network_interface_id": ("eni",),
    "nat_gateway_id": ("nat",),
}

ARGUMENTS: State = {
    "name": {"type": "str"},
    "vpc_id": {"type": "str"},
    "route_table_id": {"type": "str"},
    "subnet_ids": {"type": "list", "elements": "str"},
    "routes": {
        "type": "list",
        "elements": "dict",
        "options": {"destination": {"type": "str", "required": True}, **{target: {"type": "str"} for target in DECLARABLE}},
        "mutually_exclusive": [DECLARABLE],
        "required_one_of": [DECLARABLE],
    },
    "purge_routes": {"type": "bool", "default": False},
    "tags": {"type": "dict"},
}


class RouteTable(Resource):
    def __init__(self, module: t.Any) -> None:
        self.module = module
        self.params: State = module.params
        self.ec2 = client(module, "ec2")
        self.id: str | None = self.params["route_table_id"]
        self.tags = ({"Name": self.params["name"]} if self.params["name"] else {}) | (self.params["tags"] or {})
        self.table: State = {}

    @property
    def label(self) -> str:
        return f"Route table {self.params['name'] or self.id}"

    def declared(self) -> State:
        fields: State = {"vpc_id": self.params["vpc_id"]} if self.params["vpc_id"] else {}
        if self.tags:
            fields["tags"] = self.tags
        if self.params["subnet_ids"] is not None:
            fields["subnet_ids"] = sorted(set(self.params["subnet_ids"]))
        if self.params["routes"] is not None:
            fields["routes"] = planned(self.params["routes"], routes(self.table), purge=self.params["purge_routes"])
            for destination in blackholes(self.table, fields["routes"]):
                self.module.warn(f"{self.label} drops what is for {destination}: the route's target is gone or not attached.")
        return fields

    def read(self) -> State | None:
        found = self._find()
        if len(found) > 1:
            both = " and ".join(sorted(table["RouteTableId"] for table in found))
            self.module.fail_json(msg=f"{self.label} is there twice, as {both}: delete one, or give its Name tag another value.")
        if not found:
            return None
        self.table = found[0]
        self.id = self.table["RouteTableId"]
        if self.params["state"] == "absent" and any(association["Main"] for association in self.table["Associations"]):
            self.module.fail_json(msg=f"{self.label} is the main one of {self.table['VpcId']}: make another table that first.")
        return {
            "id": self.id,
            "vpc_id": self.table["VpcId"],
            "routes": routes(self.table),
            "subnet_ids": sorted(associations(self.table)),
            "tags": tags_from(self.table.get("Tags", [])),
        }

    def unknown(self) -> State:
        return {"id": self.id or "rtb-00000000000000000"}

    def create(self) -> None:
        if self.id:
            self.module.fail_json(msg=f"{self.label} does not exist: set another route_table_id, or name and vpc_id to create one.")
        self.id = self.ec2.create_route_table(
            VpcId=self.params["vpc_id"],
            # The same in every try of this call. One derived from the name would give back a table that was deleted since.
            ClientToken=str(uuid.uuid4()),
            TagSpecifications=[{"ResourceType": "route-table", "Tags": tags_to(self.tags)}],
            aws_retry=True,
        )["RouteTable"]["RouteTableId"]
        get_waiter(self.ec2, "route_table_exists").wait(RouteTableIds=[self.id])

    def update(self, changes: State) -> None:
        if "tags" in changes:
            self.ec2.create_tags(Resources=[self.id], Tags=tags_to(changes["tags"]), aws_retry=True)
        if "subnet_ids" in changes:
            self._associate(set(changes["subnet_ids"]))
        if "routes" in changes:
            self._route(by_destination(changes["routes"]))

    def delete(self) -> None:
        for association in self.table["Associations"]:
            self._disassociate(association["RouteTableAssociationId"])
        try:
            self.ec2.delete_route_table(RouteTableId=self.id, aws_retry=True)
        except is_boto3_error_code("InvalidRouteTableID.NotFound"):
            pass

    def _find(self) -> list[State]:
        try:
            if self.id:
                return self._describe(RouteTableIds=[self.id])
        except is_boto3_error_code("InvalidRouteTableID.NotFound"):
            return []
        found = self._describe(Filters=[filter_by("vpc-id", self.params["vpc_id"]), filter_by("tag:Name", self.params["name"])])
        # The filter takes * and ? for wildcards.
        return [table for table in found if tags_from(table["Tags"])["Name"] == self.params["name"]]

    def _describe(self, **query: t.Any) -> list[State]:
        return list(self.ec2.describe_route_tables(**query, aws_retry=True)["RouteTables"])

    def _associate(self, wanted: set[str]) -> None:
        had = associations(self.table)
        for subnet in sorted(had.keys() - wanted):
            self._disassociate(had[subnet])
        if not (missing := sorted(wanted - had.keys())):
            return
        elsewhere: dict[str, str] = {}
        for table in self._describe(Filters=[filter_by("association.subnet-id", *missing)]):
            elsewhere |= associations(table)
        for subnet in missing:
            if subnet in elsewhere:
                self.ec2.replace_route_table_association(AssociationId=elsewhere[subnet], RouteTableId=self.id, aws_retry=True)
                continue
            try:
                self.ec2.associate_route_table(SubnetId=subnet, RouteTableId=self.id, aws_retry=True)
            except is_boto3_error_code("Resource.AlreadyAssociated"):
                pass  # an earlier try's answer was lost

    def _disassociate(self, association: str) -> None:
        try:
            self.ec2.disassociate_route_table(AssociationId=association, aws_retry=True)
        except is_boto3_error_code("InvalidAssociationID.NotFound"):
            pass

    def _route(self, wanted: dict[str, State]) -> None:
        had = by_destination(routes(self.table))
        for destination in sorted(had.keys() - wanted.keys()):
            try:
                self.ec2.delete_route(RouteTableId=self.id, **to_api(destination), aws_retry=True)
            except is_boto3_error_code("InvalidRoute.NotFound"):
                pass
        for destination, route in wanted.items():
            if destination not in had:
                try:
                    self.ec2.create_route(RouteTableId=self.id, **to_api(**route), aws_retry=True)
                    continue
                except is_boto3_error_code("RouteAlreadyExists"):
                    pass  # an earlier try's answer was lost, or somebody was faster
            elif route == had[destination]:
                continue
            self.ec2.replace_route(RouteTableId=self.id, **to_api(**route), aws_retry=True)


def routes(table: State) -> list[State]:
    """A table's routes in the module's terms, without those that are AWS's."""
    return sorted((pair[0] for pair in _routes(table)), key=lambda route: route["destination"])


def blackholes(table: State, kept: list[State]) -> list[str]:
    """Destinations of the routes that lead nowhere, of those that are `kept` as they are."""
    return [route["destination"] for route, state in _routes(table) if state == "blackhole" and route in kept]


def _routes(table: State) -> c.Iterator[tuple[State, str]]:
    for route in table.get("Routes", []):
        destination = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        gateway = route.get("GatewayId", "")
        if destination and gateway != "local" and not gateway.startswith("vpce-") and route["Origin"] == "CreateRoute":
            yield {"destination": destination} | {name: route[key] for name, key in TARGETS.items() if route.get(key)}, route["State"]


def planned(declared: list[State], current: list[State], *, purge: bool) -> list[State]:
    """The routes as they shall be: those that are `declared`, and the other `current` ones unless they go."""
    wanted = [
        {"destination": block(route["destination"])} | {target: route[target] for target in DECLARABLE if route[target]}
        for route in declared
    ]
    kept = {} if purge else by_destination(current)
    return [pair[1] for pair in sorted((kept | by_destination(wanted)).items())]


def block(cidr: str) -> str:
    """A CIDR block as EC2 writes it."""
    return str(ipaddress.ip_network(cidr))


def by_destination(found: list[State]) -> dict[str, State]:
    return {route["destination"]: route for route in found}


def associations(table: State) -> dict[str, str]:
    """The subnets that use a table, each with its association's id."""
    return {
        association["SubnetId"]: association["RouteTableAssociationId"]
        for association in table.get("Associations", [])
        if "SubnetId" in association and association["AssociationState"]["State"] in ("associating", "associated")
    }


def to_api(destination: str, **targets: str) -> State:
    """A route as EC2 wants it."""
    kind = "DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock"
    return {kind: destination} | {TARGETS[name]: target for name, target in targets.items()}


def filter_by(name: str, *values: str) -> State:
    return {"Name": name, "Values": list(values)}


def problem(params: State) -> str | None:
    """What EC2 would refuse of the options, and the mend."""
    for option, value in _ids(params):
        if not re.fullmatch(rf"({'|'.join(PREFIXES[option])})-([0-9a-f]{{8}}|[0-9a-f]{{17}})", value):
            return f"{option} is {value!r}: use an id such as {PREFIXES[option][0]}-0123456789abcdef0."
    if params["name"] and (params["tags"] or {}).get("Name", params["name"]) != params["name"]:
        return f"name is {params['name']!r} and tags.Name is {params['tags']['Name']!r}: leave tags.Name out."
    destinations = set()
    for route in params["routes"] or []:
        try:
            destination = block(route["destination"])
        except ValueError as error:
            return f"routes.destination is {route['destination']!r}: use a CIDR block such as 10.0.0.0/16, without host bits ({error})."
        if destination in destinations:
            return f"routes has two for {destination}: keep one of them."
        destinations.add(destination)
    return None


def _ids(params: State) -> c.Iterator[tuple[str, str]]:
    for option in ("vpc_id", "route_table_id"):
        if params[option] is not None:
            yield option, params[option]
    yield from (("subnet_ids", subnet) for subnet in params["subnet_ids"] or [])
    for route in params["routes"] or []:
        yield from ((target, route[target]) for target in DECLARABLE if route[target] is not None)


def build(module: t.Any) -> RouteTable:
    if refused := problem(module.params):
        module.fail_json(msg=refused)
    return RouteTable(module)


def main() -> None:
    run(
        build,
        ARGUMENTS,
        required_one_of=[("name", "route_table_id")],
        mutually_exclusive=[("name", "route_table_id"), ("vpc_id", "route_table_id")],
        required_by={"name": "vpc_id"},
    )


if __name__ == "__main__":
    main()
