#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: vpc_gateway_endpoint
short_description: Keep a VPC's gateway endpoint on its route tables
version_added: 0.1.0
description:
  - Creates, updates or deletes the gateway endpoint of a service (S3 or DynamoDB) in a VPC. It is found by the VPC and the service.
  - Unlike M(amazon.aws.ec2_vpc_endpoint) it repairs the list of route tables instead of making a second endpoint when one was taken
    off, and tells in check mode, with a diff, what it would do.
  - A deletion is waited for, two minutes at the most, since the VPC cannot be deleted before.
  - Needs C(ec2:DescribeVpcEndpoints), C(ec2:CreateVpcEndpoint), C(ec2:ModifyVpcEndpoint), C(ec2:DeleteVpcEndpoints) and C(ec2:CreateTags).
options:
  vpc_id:
    description: The VPC.
    type: str
    required: true
  service:
    description: The service's full name, such as V(com.amazonaws.eu-west-3.s3).
    type: str
    required: true
  route_table_ids:
    description: All the route tables that reach the service through the endpoint; others are taken off it.
    type: list
    elements: str
  tags:
    description: Tags that the endpoint carries; others are left alone.
    type: dict
  state:
    description: Whether the endpoint is there.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
    description: Tells what a run would change; writes nothing.
  diff_mode:
    support: full
    description: Shows the declared fields before and after.
author: GreenLeaf (@greenleaf)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Reach S3 without NAT
  greenleaf.cloud.vpc_gateway_endpoint:
    vpc_id: vpc-0123456789abcdef0
    service: com.amazonaws.eu-west-3.s3
    route_table_ids: [rtb-0123456789abcdef0, rtb-0123456789abcdef1]
"""

RETURN = r"""
resource:
  description: The endpoint after the run; empty once it is deleted.
  returned: success
  type: dict
  contains:
    id:
      description: Its id; a stand-in in check mode while it does not exist.
      type: str
      sample: vpce-0123456789abcdef0
"""

import time
import typing as t
import uuid

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.limits import refuse_unlike
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State

try:
    import botocore.exceptions
except ImportError:
    pass  # AnsibleAWSModule says what is missing

DELETION = (1, 2, 3, 4, 10, 20, 40, 40)  # seconds between two looks at an endpoint that is being deleted


class VpcGatewayEndpoint(Resource):
    def __init__(self, ec2: t.Any, params: State) -> None:
        self.ec2 = ec2
        self.params = params
        self.id = ""
        self.route_tables: set[str] = set()

    @property
    def label(self) -> str:
        return f"Gateway endpoint {self.params['service']}"

    def declared(self) -> State:
        fields = set_fields(self.params, ["route_table_ids", "tags"])
        return fields | ({"route_table_ids": sorted(set(fields["route_table_ids"]))} if "route_table_ids" in fields else {})

    def read(self) -> State | None:
        live = [endpoint for endpoint in self._listed() if endpoint["State"].lower() not in ("deleting", "deleted")]
        if not live:
            return None
        self.id = live[0]["VpcEndpointId"]
        self.route_tables = set(live[0].get("RouteTableIds", []))
        return {"id": self.id, "route_table_ids": sorted(self.route_tables), "tags": tags_from(live[0].get("Tags", []))}

    def unknown(self) -> State:
        return {"id": "vpce-00000000000000000"}

    def create(self) -> None:
        tags = self.params["tags"]
        self.ec2.create_vpc_endpoint(
            VpcEndpointType="Gateway",
            VpcId=self.params["vpc_id"],
            ServiceName=self.params["service"],
            RouteTableIds=self.declared().get("route_table_ids", []),
            ClientToken=str(uuid.uuid4()),  # a retried call makes one
            **({"TagSpecifications": [{"ResourceType": "vpc-endpoint", "Tags": tags_to(tags)}]} if tags else {}),
            aws_retry=True,
        )

    def update(self, changes: State) -> None:
        if "route_table_ids" in changes:
            declared = set(changes["route_table_ids"])
            lists = {"AddRouteTableIds": declared - self.route_tables, "RemoveRouteTableIds": self.route_tables - declared}
            self.ec2.modify_vpc_endpoint(
                VpcEndpointId=self.id, **{name: sorted(tables) for name, tables in lists.items() if tables}, aws_retry=True
            )
        if "tags" in changes:
            self.ec2.create_tags(Resources=[self.id], Tags=tags_to(changes["tags"]), aws_retry=True)

    def delete(self) -> None:
        for refused in self.ec2.delete_vpc_endpoints(VpcEndpointIds=[self.id], aws_retry=True).get("Unsuccessful", []):
            raise botocore.exceptions.ClientError({"Error": refused["Error"]}, "DeleteVpcEndpoints")
        for pause in DELETION:
            if all(endpoint["State"].lower() == "deleted" for endpoint in self._listed()):
                break
            time.sleep(pause)

    def _listed(self) -> list[State]:
        filters = {"vpc-id": self.params["vpc_id"], "service-name": self.params["service"], "vpc-endpoint-type": "Gateway"}
        wanted = [{"Name": name, "Values": [value]} for name, value in filters.items()]
        return self.ec2.describe_vpc_endpoints(Filters=wanted, aws_retry=True)["VpcEndpoints"]  # type: ignore[no-any-return]


def build(module: AnsibleAWSModule) -> Resource:
    service = r"[a-z.]+\.[a-z]+(-[a-z0-9]+)+\.(s3|s3express|dynamodb)"
    refuse_unlike(module, "service", service, "the full name of a service with gateway endpoints, such as com.amazonaws.eu-west-3.s3")
    return VpcGatewayEndpoint(client(module, "ec2"), module.params)


def main() -> None:
    run(
        build,
        {
            "vpc_id": {"type": "str", "required": True},
            "service": {"type": "str", "required": True},
            "route_table_ids": {"type": "list", "elements": "str"},
            "tags": {"type": "dict"},
        },
    )


if __name__ == "__main__":
    main()
