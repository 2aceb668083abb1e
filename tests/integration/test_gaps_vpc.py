# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What sandbox.gaps refuses to take out of a network that is in use."""

from __future__ import annotations

import collections.abc as c
import typing as t

import pytest
from botocore.exceptions import ClientError

Client = t.Any
Aws = c.Callable[[str], Client]
AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


class Network(t.NamedTuple):
    vpc: str
    subnets: list[str]
    group: str


@pytest.fixture
def ec2(aws: Aws) -> Client:
    return aws("ec2")


@pytest.fixture
def network(ec2: Client) -> Network:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-west-3{zone}")["Subnet"]["SubnetId"]
        for number, zone in enumerate("ab")
    ]
    return Network(vpc, subnets, ec2.create_security_group(GroupName="app", Description="app", VpcId=vpc)["GroupId"])


def refused(code: str = "DependencyViolation") -> pytest.RaisesExc[ClientError]:
    return pytest.raises(ClientError, match=code)


def assert_held(ec2: Client, network: Network) -> None:
    with refused():
        ec2.delete_security_group(GroupId=network.group)
    for subnet in network.subnets:
        with refused():
            ec2.delete_subnet(SubnetId=subnet)


def assert_free(ec2: Client, network: Network) -> None:
    with refused():
        ec2.delete_vpc(VpcId=network.vpc)
    ec2.delete_security_group(GroupId=network.group)
    for subnet in network.subnets:
        ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=network.vpc)
    assert network.vpc not in {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]}


def test_instances_hold(ec2: Client, aws: Aws, network: Network) -> None:
    image = aws("ssm").get_parameter(Name=AL2023)["Parameter"]["Value"]
    request = {"MinCount": 1, "MaxCount": 1, "ImageId": image, "InstanceType": "t3.nano", "SecurityGroupIds": [network.group]}
    instances = [ec2.run_instances(**request, SubnetId=subnet)["Instances"][0]["InstanceId"] for subnet in network.subnets]
    assert_held(ec2, network)
    ec2.terminate_instances(InstanceIds=instances)
    assert_free(ec2, network)


def test_load_balancer_holds(ec2: Client, aws: Aws, network: Network) -> None:
    answer = aws("elbv2").create_load_balancer(Name="app", Subnets=network.subnets, SecurityGroups=[network.group])
    assert_held(ec2, network)
    aws("elbv2").delete_load_balancer(LoadBalancerArn=answer["LoadBalancers"][0]["LoadBalancerArn"])
    assert_free(ec2, network)


def test_database_holds(ec2: Client, aws: Aws, network: Network) -> None:
    rds = aws("rds")
    rds.create_db_subnet_group(DBSubnetGroupName="data", DBSubnetGroupDescription="data", SubnetIds=network.subnets)
    rds.create_db_instance(
        DBInstanceIdentifier="data",
        DBInstanceClass="db.t3.medium",
        Engine="postgres",
        MasterUsername="medusa",
        MasterUserPassword="long-enough",
        AllocatedStorage=20,
        DBSubnetGroupName="data",
        VpcSecurityGroupIds=[network.group],
    )
    assert_held(ec2, network)
    with refused("InvalidDBSubnetGroupState"):
        rds.delete_db_subnet_group(DBSubnetGroupName="data")
    rds.delete_db_instance(DBInstanceIdentifier="data", SkipFinalSnapshot=True)
    rds.delete_db_subnet_group(DBSubnetGroupName="data")
    assert_free(ec2, network)


def test_cache_holds(ec2: Client, aws: Aws, network: Network) -> None:
    cache = aws("elasticache")
    cache.create_cache_subnet_group(CacheSubnetGroupName="data", CacheSubnetGroupDescription="data", SubnetIds=network.subnets)
    cache.create_replication_group(
        ReplicationGroupId="data",
        ReplicationGroupDescription="data",
        Engine="redis",
        CacheNodeType="cache.t3.micro",
        NumCacheClusters=1,
        CacheSubnetGroupName="data",
        SecurityGroupIds=[network.group],
    )
    assert_held(ec2, network)


def test_rules_hold_the_groups_that_they_name(ec2: Client, network: Network) -> None:
    data = ec2.create_security_group(GroupName="data", Description="data", VpcId=network.vpc)["GroupId"]
    rule = [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": network.group}]}]
    own = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": network.group}]}]
    ec2.authorize_security_group_ingress(GroupId=data, IpPermissions=rule)
    ec2.authorize_security_group_ingress(GroupId=network.group, IpPermissions=own)
    with refused():
        ec2.delete_security_group(GroupId=network.group)
    ec2.revoke_security_group_ingress(GroupId=data, IpPermissions=rule)
    ec2.delete_security_group(GroupId=network.group)


def test_default_group_stays(ec2: Client, network: Network) -> None:
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [network.vpc]}])["SecurityGroups"]
    default = next(group["GroupId"] for group in groups if group["GroupName"] == "default")
    with refused("CannotDelete"):
        ec2.delete_security_group(GroupId=default)


def test_subnet_takes_its_route_table_association_along(ec2: Client, network: Network) -> None:
    table = ec2.create_route_table(VpcId=network.vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=network.subnets[0])
    with refused():
        ec2.delete_route_table(RouteTableId=table)
    ec2.delete_subnet(SubnetId=network.subnets[0])
    assert not ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Associations"]
    ec2.delete_route_table(RouteTableId=table)


@pytest.mark.parametrize("thing", ["gateway", "endpoint"])
def test_vpc_is_held(ec2: Client, thing: str) -> None:
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    if thing == "gateway":
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    else:
        endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-west-3.s3")["VpcEndpoint"]["VpcEndpointId"]
    with refused():
        ec2.delete_vpc(VpcId=vpc)
    if thing == "gateway":
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    else:
        ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
    ec2.delete_vpc(VpcId=vpc)


def test_nat_gateway_holds_until_it_is_deleted(ec2: Client, network: Network) -> None:
    internet = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=network.vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=network.subnets[0], AllocationId=address)["NatGateway"]["NatGatewayId"]
    with refused():
        ec2.delete_subnet(SubnetId=network.subnets[0])
    with refused("mapped public address"):
        ec2.detach_internet_gateway(InternetGatewayId=internet, VpcId=network.vpc)
    ec2.delete_nat_gateway(NatGatewayId=nat)
    assert "AssociationId" not in ec2.describe_addresses()["Addresses"][0]
    ec2.release_address(AllocationId=address)
    ec2.detach_internet_gateway(InternetGatewayId=internet, VpcId=network.vpc)
    assert_free(ec2, network)


class TestNetworkInterfaces:
    def test_unknown_group_is_refused(self, ec2: Client, network: Network) -> None:
        with refused("InvalidGroup.NotFound"):
            ec2.create_network_interface(SubnetId=network.subnets[0], Groups=["sg-0123456789abcdef0"])
        assert not ec2.describe_network_interfaces()["NetworkInterfaces"]

    def test_client_token_creates_once(self, ec2: Client, network: Network) -> None:
        first, second = (
            ec2.create_network_interface(SubnetId=network.subnets[0], Groups=[network.group], ClientToken="once") for _ in range(2)
        )
        assert first["NetworkInterface"]["NetworkInterfaceId"] == second["NetworkInterface"]["NetworkInterfaceId"]
        assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 1

    def test_attached_one_is_not_deleted(self, ec2: Client, aws: Aws, network: Network) -> None:
        image = aws("ssm").get_parameter(Name=AL2023)["Parameter"]["Value"]
        subnet = network.subnets[0]
        interface = ec2.create_network_interface(SubnetId=subnet, Groups=[network.group])["NetworkInterface"]["NetworkInterfaceId"]
        instance = ec2.run_instances(MinCount=1, MaxCount=1, ImageId=image, InstanceType="t3.nano", SubnetId=subnet)["Instances"][0]
        attachment = ec2.attach_network_interface(NetworkInterfaceId=interface, InstanceId=instance["InstanceId"], DeviceIndex=1)
        with refused("InvalidParameterValue"):
            ec2.delete_network_interface(NetworkInterfaceId=interface)
        ec2.detach_network_interface(AttachmentId=attachment["AttachmentId"])
        ec2.delete_network_interface(NetworkInterfaceId=interface)
