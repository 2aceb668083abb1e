# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest

PLACE = {"project": "greenleaf", "environment": "test"}
OTHER = {"project": "greenleaf", "environment": "other"}
TOPIC = "greenleaf-test-alerts"


def tags(name="", environment="test", **more):
    pairs = {"Project": "greenleaf", "Environment": environment, **more} | ({"Name": f"greenleaf-{environment}-{name}"} if name else {})
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def specify(kind, name="", **more):
    return [{"ResourceType": kind, "Tags": tags(name, **more)}]


@pytest.fixture
def ec2(aws):
    return aws("ec2")


@pytest.fixture
def vpc(ec2):
    return ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specify("vpc"))["Vpc"]["VpcId"]


def add_subnet(ec2, vpc, number, zone, tier):
    named = specify("subnet", f"{tier}-{zone}", Tier=tier)
    request = {"VpcId": vpc, "CidrBlock": f"10.0.{number}.0/24", "AvailabilityZone": zone, "TagSpecifications": named}
    return ec2.create_subnet(**request)["Subnet"]["SubnetId"]


def add_security_group(ec2, vpc, name):
    request = {"GroupName": f"greenleaf-test-{name}", "Description": name, "VpcId": vpc}
    return ec2.create_security_group(**request, TagSpecifications=specify("security-group", name))["GroupId"]


def run_instances(aws, subnet, count=1, **more):
    image = aws("ssm").get_parameter(Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")["Parameter"]["Value"]
    request = {"ImageId": image, "InstanceType": "t3.nano", "MinCount": count, "MaxCount": count, "SubnetId": subnet}
    answer = aws("ec2").run_instances(**request, TagSpecifications=specify("instance", "app", Component="alb_asg"), **more)
    return [instance["InstanceId"] for instance in answer["Instances"]]


def observe(run_module, **options):
    return run_module("stack_info", **PLACE, **options)


def actions(account, mark):
    return sorted(request["action"] for request in account.requests(mark))


def test_an_empty_account(run_module, account):
    mark = account.mark()
    result = observe(run_module)

    stack = result["stack"]
    assert (stack["account_id"], stack["region"], stack["partition"]) == ("123456789012", "eu-west-3", "aws")
    assert stack["image_ids"]["x86_64"].startswith("ami-")
    assert (stack["vpc"]["id"], stack["zones"], stack["resources"], stack["resource_counts"]) == ("", [], [], {})
    assert result["unknown"] == []
    assert result["changed"] is False
    assert result["calls"] == len(account.requests(mark)) <= 40
    assert account.writes(mark) == []


def test_the_network(run_module, ec2, vpc):
    zones = ("eu-west-3b", "eu-west-3a")
    subnets = {
        (tier, zone): add_subnet(ec2, vpc, number, zone, tier)
        for number, (tier, zone) in enumerate((tier, zone) for tier in ("public", "private") for zone in zones)
    }
    gateway = ec2.create_internet_gateway(TagSpecifications=specify("internet-gateway"))["InternetGateway"]["InternetGatewayId"]
    table = ec2.create_route_table(VpcId=vpc, TagSpecifications=specify("route-table", "private-eu-west-3a"))["RouteTable"]["RouteTableId"]
    group = add_security_group(ec2, vpc, "app")
    interface = ec2.create_network_interface(
        SubnetId=subnets["public", "eu-west-3a"], TagSpecifications=specify("network-interface", "nat-eu-west-3a")
    )["NetworkInterface"]["NetworkInterfaceId"]
    nat = ec2.create_nat_gateway(
        SubnetId=subnets["public", "eu-west-3b"], ConnectivityType="private", TagSpecifications=specify("natgateway", "nat-eu-west-3b")
    )["NatGateway"]["NatGatewayId"]

    stack = observe(run_module)["stack"]
    assert stack["vpc"] == {"id": vpc, "cidr_block": "10.0.0.0/16"}
    assert stack["subnets"] == {tier: [subnets[tier, zone] for zone in sorted(zones)] for tier in ("public", "private")}
    assert stack["internet_gateway_id"] == gateway
    assert stack["route_tables"] == {"private-eu-west-3a": table}
    assert stack["security_groups"] == {"app": group}
    assert stack["network_interfaces"] == {"nat-eu-west-3a": interface}
    assert stack["nat_gateways"] == {"nat-eu-west-3b": nat}
    assert stack["zones"][0] == {
        "name": "eu-west-3a",
        "public_subnet_id": subnets["public", "eu-west-3a"],
        "private_subnet_id": subnets["private", "eu-west-3a"],
        "private_route_table_id": table,
        "nat_network_interface_id": interface,
        "nat_gateway_id": "",
    }
    assert stack["zones"][1]["nat_gateway_id"] == nat
    assert stack["resource_counts"]["ec2:subnet"] == 4
    assert {resource["type"] for resource in stack["resources"]} >= {"ec2:vpc", "ec2:natgateway", "ec2:network-interface"}


def test_the_data_layer_and_the_load_balancer(run_module, aws, ec2, vpc):
    subnets = [add_subnet(ec2, vpc, number, f"eu-west-3{zone}", "private") for number, zone in enumerate("ab")]
    group = add_security_group(ec2, vpc, "data")
    rds, cache, elb = aws("rds"), aws("elasticache"), aws("elbv2")
    rds.create_db_subnet_group(DBSubnetGroupName="greenleaf-test", DBSubnetGroupDescription="x", SubnetIds=subnets)
    rds.create_db_instance(
        DBInstanceIdentifier="greenleaf-test",
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="medusa",
        MasterUserPassword=TOPIC,
        DBSubnetGroupName="greenleaf-test",
        Tags=tags(),
    )
    cache.create_cache_subnet_group(CacheSubnetGroupName="greenleaf-test", CacheSubnetGroupDescription="x", SubnetIds=subnets)
    cache.create_replication_group(
        ReplicationGroupId="greenleaf-test",
        ReplicationGroupDescription="x",
        Engine="redis",
        CacheNodeType="cache.t3.micro",
        NumCacheClusters=1,
        CacheSubnetGroupName="greenleaf-test",
        SecurityGroupIds=[group],
        Tags=tags(),
    )
    cache.describe_replication_groups()  # from then on it is there
    balancer = elb.create_load_balancer(Name="greenleaf-test", Subnets=subnets, SecurityGroups=[group], Tags=tags())["LoadBalancers"][0]
    targets = elb.create_target_group(Name="greenleaf-test", Protocol="HTTP", Port=80, VpcId=vpc, Tags=tags())["TargetGroups"][0]
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": targets["TargetGroupArn"]}],
    )["Listeners"][0]["ListenerArn"]

    stack = observe(run_module)["stack"]
    database = rds.describe_db_instances()["DBInstances"][0]
    assert stack["rds"] == {
        "id": "greenleaf-test",
        "status": database["DBInstanceStatus"],
        "address": database["Endpoint"]["Address"],
        "port": 5432,
    }
    primary = cache.describe_replication_groups()["ReplicationGroups"][0]["NodeGroups"][0]["PrimaryEndpoint"]
    assert stack["elasticache"] == {"id": "greenleaf-test", "status": "available", "address": primary["Address"], "port": primary["Port"]}
    assert stack["load_balancer"] == {
        "arn": balancer["LoadBalancerArn"],
        "arn_suffix": balancer["LoadBalancerArn"].split(":loadbalancer/")[1],
        "dns_name": balancer["DNSName"],
        "zone_id": balancer["CanonicalHostedZoneId"],
        "status": "active",
        "listeners": {"80": listener},
    }
    assert stack["target_group"] == {
        "arn": targets["TargetGroupArn"],
        "arn_suffix": targets["TargetGroupArn"].split(":", 5)[5],
    }
    kinds = {"rds:db", "elasticache:replicationgroup", "elasticloadbalancing:loadbalancer", "elasticloadbalancing:targetgroup"}
    assert stack["resource_counts"].keys() >= kinds


def test_the_machines(run_module, aws, ec2, vpc):
    subnet = add_subnet(ec2, vpc, 1, "eu-west-3a", "private")
    app, gone = run_instances(aws, subnet, 2)
    ec2.terminate_instances(InstanceIds=[gone])
    image = ec2.describe_instances(InstanceIds=[app])["Reservations"][0]["Instances"][0]["ImageId"]
    template = ec2.create_launch_template(
        LaunchTemplateName="greenleaf-test-node",
        LaunchTemplateData={"ImageId": image, "InstanceType": "t3.small"},
        TagSpecifications=specify("launch-template", "node"),
    )["LaunchTemplate"]["LaunchTemplateId"]
    aws("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="greenleaf-test-app",
        LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
        MinSize=1,
        MaxSize=3,
        DesiredCapacity=2,
        VPCZoneIdentifier=subnet,
        Tags=[{**tag, "PropagateAtLaunch": False} for tag in tags(Component="alb_asg")],
    )

    stack = observe(run_module)["stack"]
    (machine,) = [machine for machine in stack["instances"] if machine["id"] == app]
    assert machine["private_ip_address"].startswith("10.0.1.")
    assert {name: machine[name] for name in ("name", "component", "state", "zone")} == {
        "name": "greenleaf-test-app",
        "component": "alb_asg",
        "state": "running",
        "zone": "eu-west-3a",
    }
    assert gone not in [machine["id"] for machine in stack["instances"]]
    assert gone not in json.dumps(stack["resources"])
    assert stack["launch_templates"] == {"node": {"id": template, "version": 1}}
    assert stack["autoscaling_groups"] == {
        "app": {"name": "greenleaf-test-app", "min_size": 1, "desired_capacity": 2, "max_size": 3, "in_service": 2}
    }
    assert stack["resource_counts"]["autoscaling:autoScalingGroup"] == 1


def test_everything_else(run_module, aws):
    ssm = aws("ssm")
    for path in ("/greenleaf/test/app/JWT_SECRET", "/greenleaf/test/rds/MASTER_PASSWORD", "/greenleaf/testing/X", "/greenleaf/other/X"):
        ssm.put_parameter(Name=path, Value="hunter2-hunter2", Type="SecureString", Tags=tags())
    aws("sns").create_topic(Name=TOPIC, Tags=tags(Component="monitoring"))
    aws("logs").create_log_group(logGroupName="/greenleaf/test/node", tags={"Project": "greenleaf", "Environment": "test"})
    aws("ecr").create_repository(repositoryName="greenleaf/backend", tags=tags(environment="shared"))
    aws("ecr").create_repository(repositoryName="other/backend")
    aws("s3").create_bucket(Bucket="greenleaf-state", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    aws("s3").put_bucket_tagging(Bucket="greenleaf-state", Tagging={"TagSet": tags(environment="shared", Component="bootstrap")})

    result = observe(run_module)
    stack = result["stack"]
    assert stack["parameters"] == ["/greenleaf/test/app/JWT_SECRET", "/greenleaf/test/rds/MASTER_PASSWORD"]
    assert "hunter2" not in json.dumps(result)
    assert list(stack["repositories"]) == ["backend"]
    topic = {"arn": f"arn:aws:sns:eu-west-3:123456789012:{TOPIC}", "type": "sns:topic", "component": "monitoring"}
    assert topic in stack["resources"]
    assert {"arn": "arn:aws:s3:::greenleaf-state", "type": "s3:bucket", "component": "bootstrap"} in stack["shared_resources"]
    assert stack["resource_counts"] == {
        "ecr:repository": 1,
        "logs:log-group": 1,
        "s3:bucket": 1,
        "sns:topic": 1,
        "ssm:parameter": 4,
    }


def test_another_environment_is_not_seen(run_module, aws, ec2, vpc):
    add_subnet(ec2, vpc, 1, "eu-west-3a", "public")
    aws("sns").create_topic(Name=TOPIC, Tags=tags())

    stack = run_module("stack_info", **OTHER)["stack"]
    assert (stack["vpc"]["id"], stack["zones"], stack["resources"]) == ("", [], [])


def test_the_number_of_calls_does_not_grow(run_module, account, aws, ec2, vpc):
    subnet = add_subnet(ec2, vpc, 0, "eu-west-3a", "private")
    run_instances(aws, subnet)
    group = add_security_group(ec2, vpc, "g0")
    mark = account.mark()
    before = observe(run_module)
    asked = actions(account, mark)

    for number in range(1, 6):
        add_subnet(ec2, vpc, number, "eu-west-3b", "private")
        add_security_group(ec2, vpc, f"g{number}")
    run_instances(aws, subnet, 6)
    rules = [{"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]} for port in range(1, 40)]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
    mark = account.mark()
    after = observe(run_module)

    assert len(after["stack"]["instances"]) == len(before["stack"]["instances"]) + 6
    assert actions(account, mark) == asked
    assert before["calls"] == after["calls"] == len(asked) <= 40


def test_long_lists_are_read_to_their_end(run_module, account, aws):
    sns = aws("sns")
    for number in range(120):
        sns.create_topic(Name=f"greenleaf-test-{number}", Tags=tags())
    mark = account.mark()
    result = observe(run_module)
    assert result["stack"]["resource_counts"] == {"sns:topic": 120}
    assert actions(account, mark).count("GetResources") > 2
    assert result["calls"] == len(account.requests(mark))


@pytest.mark.parametrize("how", [{"check_mode": True}, {"foresee": True}])
def test_what_is_missing_is_foreseen(run_module, account, ec2, vpc, how):
    there = add_subnet(ec2, vpc, 1, "eu-west-3a", "public")
    mark = account.mark()
    result = observe(
        run_module,
        components=["vpc", "rds"],
        vpc_cidr_block="10.0.0.0/16",
        zones=[{"name": "eu-west-3a", "public_cidr": "10.0.1.0/24", "private_cidr": "10.0.10.0/24"}],
        **how,
    )

    stack = result["stack"]
    assert stack["vpc"]["id"] == vpc
    assert stack["subnets"] == {"public": [there], "private": ["subnet-00000000000000001"]}
    assert stack["rds"]["address"] in result["unknown"]
    assert "subnet-00000000000000001" in result["unknown"]
    assert there not in result["unknown"]
    assert stack["load_balancer"]["arn"] == ""
    assert account.writes(mark) == []


def test_outside_check_mode_nothing_is_foreseen_unless_asked(run_module):
    result = observe(run_module, components=["vpc", "rds"], vpc_cidr_block="10.0.0.0/16")
    assert (result["unknown"], result["stack"]["vpc"]["id"]) == ([], "")


def test_two_vpcs_of_one_environment_are_refused(run_module, ec2, vpc):
    second = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=specify("vpc"))["Vpc"]["VpcId"]
    message = run_module("stack_info", fails=True, **PLACE)["msg"]
    assert message.startswith(f"2 VPCs carry the tags of greenleaf-test: {', '.join(sorted([vpc, second]))}. Delete the one that is empty")


def test_an_error_names_the_environment(run_module, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert run_module("stack_info", fails=True, **PLACE)["msg"].startswith("Failed to observe greenleaf-test: Could not connect")
