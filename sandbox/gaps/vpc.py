# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What EC2 refuses to take out of a network that is in use (API reference 2016-11-15)."""

from __future__ import annotations

import itertools
import typing as t

from moto.core.responses import ActionResult
from moto.ec2.exceptions import DependencyViolationError, EC2ClientError, InvalidParameterValue, InvalidSecurityGroupNotFoundError
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.models.vpcs import VPCBackend, VPCEndPoint
from moto.ec2.responses.elastic_network_interfaces import ElasticNetworkInterfaces
from moto.ec2.responses.internet_gateways import InternetGateways
from moto.ec2.responses.security_groups import SecurityGroups
from moto.ec2.responses.subnets import Subnets
from moto.ec2.responses.vpcs import VPCs
from moto.elasticache.models import elasticache_backends
from moto.elbv2.models import elbv2_backends
from moto.rds.models import rds_backends

from sandbox.patch import wraps


@wraps(SecurityGroups)
def delete_security_group(moto: t.Any, self: SecurityGroups) -> ActionResult:
    """DeleteSecurityGroup: not the default one, none that something is in, none that another group's rule names."""
    ec2 = self.ec2_backend
    group = ec2.get_security_group_by_name_or_id(self._get_param("GroupId") or self._get_param("GroupName"))
    if group is None:
        return t.cast(ActionResult, moto(self))
    if group.is_default:
        raise EC2ClientError("CannotDelete", f'the specified group: "{group.id}" name: "default" cannot be deleted by a user')
    others = [other for other in ec2.describe_security_groups() if other.id != group.id]
    rules = itertools.chain.from_iterable((*other.ingress_rules, *other.egress_rules) for other in others)
    if group.id in _in_use(ec2)[0] or any(rule.source_group.get("GroupId") == group.id for rule in rules):
        raise DependencyViolationError(f"resource {group.id} has a dependent object")
    return t.cast(ActionResult, moto(self))


@wraps(Subnets)
def delete_subnet(moto: t.Any, self: Subnets) -> ActionResult:
    """DeleteSubnet: none with a network interface in it; its route table's association goes with it."""
    ec2, subnet = self.ec2_backend, self._get_param("SubnetId")
    if subnet in _in_use(ec2)[1]:
        raise DependencyViolationError(f"The subnet '{subnet}' has dependencies and cannot be deleted.")
    answer = moto(self)
    for table in ec2.route_tables.values():
        for association in [association for association, target in table._associations.items() if target == subnet]:
            table._associations.pop(association)
    return t.cast(ActionResult, answer)


def _in_use(ec2: t.Any) -> tuple[set[str], set[str]]:
    """The ids of the security groups and of the subnets that something holds."""
    holders = [([group.id for group in interface.group_set], [interface.subnet.id]) for interface in ec2.enis.values()]
    for balancer in _backend(ec2, elbv2_backends).load_balancers.values():
        holders.append((balancer.security_groups or [], [subnet.id for subnet in balancer.subnets]))
    for database in _backend(ec2, rds_backends).databases.values():
        group = getattr(database, "db_subnet_group", None)
        holders.append((database.vpc_security_group_ids, [subnet.id for subnet in group._subnets] if group else []))
    cache = _backend(ec2, elasticache_backends)
    for cluster in (*cache.cache_clusters.values(), *cache.replication_groups.values()):
        subnet_group = cache.cache_subnet_groups.get(cluster.cache_subnet_group_name)
        holders.append((cluster.security_group_ids or [], subnet_group.subnet_ids if subnet_group else []))
    return set().union(*(groups for groups, _ in holders)), set().union(*(subnets for _, subnets in holders))


def _backend(ec2: t.Any, backends: t.Any) -> t.Any:
    return backends[ec2.account_id][ec2.region_name]


@wraps(VPCs)
def delete_vpc(moto: t.Any, self: VPCs) -> ActionResult:
    """DeleteVpc: only its default group, network ACL and main route table go with it."""
    ec2, vpc = self.ec2_backend, self._get_param("VpcId")
    inside = (
        *(gateway for gateway in ec2.internet_gateways.values() if gateway.vpc and gateway.vpc.id == vpc),
        *(group for group in ec2.groups[vpc].values() if not group.is_default),
        *(interface for interface in ec2.enis.values() if interface.vpc_id == vpc),
        *(endpoint for endpoint in ec2.vpc_end_points.values() if endpoint.vpc_id == vpc and endpoint.state != "deleted"),
    )
    if inside:
        raise DependencyViolationError(f"The vpc '{vpc}' has dependencies and cannot be deleted.")
    return t.cast(ActionResult, moto(self))


@wraps(VPCBackend)
def create_vpc_endpoint(moto: t.Any, self: t.Any, **request: t.Any) -> VPCEndPoint:
    """CreateVpcEndpoint: a gateway endpoint unless another type is asked for."""
    return t.cast(VPCEndPoint, moto(self, **request | {"endpoint_type": request.get("endpoint_type") or "Gateway"}))


@wraps(InternetGateways)
def detach_internet_gateway(moto: t.Any, self: InternetGateways) -> ActionResult:
    """DetachInternetGateway: not while an interface of the VPC has a public address."""
    vpc = self._get_param("VpcId")
    if any(interface.public_ip for interface in self.ec2_backend.enis.values() if interface.vpc_id == vpc):
        message = f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway."
        raise DependencyViolationError(message)
    return t.cast(ActionResult, moto(self))


@wraps(NatGatewayBackend)
def delete_nat_gateway(moto: t.Any, self: t.Any, nat_gateway_id: str) -> NatGateway:
    """DeleteNatGateway: its network interface goes, its address is free again."""
    gateway = t.cast(NatGateway, moto(self, nat_gateway_id))
    for address in self.addresses:
        if address.eni is gateway._eni:
            address.eni = address.association_id = None
    self.enis.pop(gateway._eni.id, None)
    return gateway


@wraps(NetworkInterfaceBackend)
def create_network_interface(
    moto: t.Any,
    self: t.Any,
    subnet: t.Any,
    private_ip_address: t.Any,
    private_ip_addresses: t.Any = None,
    group_ids: list[str] | None = None,
    *rest: t.Any,
    **kwargs: t.Any,
) -> NetworkInterface:
    """CreateNetworkInterface: an unknown group is an error."""
    for group in group_ids or []:
        if self.get_security_group_from_id(group) is None:
            raise InvalidSecurityGroupNotFoundError(group)
    return t.cast(NetworkInterface, moto(self, subnet, private_ip_address, private_ip_addresses, group_ids, *rest, **kwargs))


@wraps(ElasticNetworkInterfaces, "create_network_interface")
def _create_network_interface(moto: t.Any, self: ElasticNetworkInterfaces) -> ActionResult:
    """CreateNetworkInterface: a client token creates once."""
    token = self._get_param("ClientToken")
    for interface in self.ec2_backend.enis.values():
        if token and getattr(interface, "client_token", None) == token:
            return ActionResult({"NetworkInterface": interface, "ClientToken": token})
    answer = moto(self)
    answer.result["NetworkInterface"].client_token = token
    return t.cast(ActionResult, answer)


@wraps(ElasticNetworkInterfaces)
def delete_network_interface(moto: t.Any, self: ElasticNetworkInterfaces) -> ActionResult:
    """DeleteNetworkInterface: none that is attached."""
    interface = self.ec2_backend.enis.get(self._get_param("NetworkInterfaceId"))
    if interface and interface.attachment_id:
        raise InvalidParameterValue(f"Network interface '{interface.id}' is currently in use.")
    return t.cast(ActionResult, moto(self))
