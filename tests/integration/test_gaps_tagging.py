# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Resource Groups Tagging finds all kinds of things that the stack is made of, as far as AWS's does."""

from __future__ import annotations

import collections.abc as c
import typing as t

import pytest

Aws = c.Callable[[str], t.Any]
TAGS = [{"Key": "Environment", "Value": "test"}]


def spec(kind: str) -> dict[str, t.Any]:
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": TAGS}]}


@pytest.fixture
def made(aws: Aws) -> dict[str, str]:
    """A tagged thing of each kind: its kind and a part of its ARN."""
    ec2, elbv2, rds, cache = aws("ec2"), aws("elbv2"), aws("rds"), aws("elasticache")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", **spec("vpc"))["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-west-3{zone}", **spec("subnet"))["Subnet"]
        for number, zone in enumerate("ab")
    ]
    subnet_ids = [subnet["SubnetId"] for subnet in subnets]
    group = ec2.create_security_group(GroupName="app", Description="app", VpcId=vpc, **spec("security-group"))["GroupId"]
    interface = ec2.create_network_interface(SubnetId=subnet_ids[0], Groups=[group], **spec("network-interface"))["NetworkInterface"]
    template = ec2.create_launch_template(
        LaunchTemplateName="app", LaunchTemplateData={"InstanceType": "t3.nano"}, **spec("launch-template")
    )
    endpoint = ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-west-3.s3", **spec("vpc-endpoint"))["VpcEndpoint"]
    address = ec2.allocate_address(Domain="vpc", **spec("elastic-ip"))["AllocationId"]

    balancer = elbv2.create_load_balancer(Name="app", Subnets=subnet_ids, Tags=TAGS)["LoadBalancers"][0]["LoadBalancerArn"]
    target = elbv2.create_target_group(Name="app", Protocol="HTTP", Port=80, VpcId=vpc, Tags=TAGS)["TargetGroups"][0]["TargetGroupArn"]
    forward = {"DefaultActions": [{"Type": "forward", "TargetGroupArn": target}]}
    listener = elbv2.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, Tags=TAGS, **forward)["Listeners"][0][
        "ListenerArn"
    ]
    rule = elbv2.create_rule(
        ListenerArn=listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/app"]}],
        Actions=forward["DefaultActions"],
        Tags=TAGS,
    )["Rules"][0]["RuleArn"]

    data = {"SubnetIds": subnet_ids, "Tags": TAGS}
    database_group = rds.create_db_subnet_group(DBSubnetGroupName="data", DBSubnetGroupDescription="data", **data)["DBSubnetGroup"]
    parameters = rds.create_db_parameter_group(
        DBParameterGroupName="data", DBParameterGroupFamily="postgres15", Description="data", Tags=TAGS
    )
    database = rds.create_db_instance(
        DBInstanceIdentifier="data",
        DBInstanceClass="db.t3.medium",
        Engine="postgres",
        MasterUsername="medusa",
        MasterUserPassword="long-enough",
        AllocatedStorage=20,
        Tags=TAGS,
    )
    cache_group = cache.create_cache_subnet_group(CacheSubnetGroupName="data", CacheSubnetGroupDescription="data", **data)[
        "CacheSubnetGroup"
    ]
    replication = cache.create_replication_group(
        ReplicationGroupId="data", ReplicationGroupDescription="data", Engine="redis", CacheNodeType="cache.t3.micro", Tags=TAGS
    )["ReplicationGroup"]

    repository = aws("ecr").create_repository(repositoryName="medusa", tags=TAGS)["repository"]["repositoryArn"]
    topic = aws("sns").create_topic(Name="alerts", Tags=TAGS)["TopicArn"]
    aws("ssm").put_parameter(Name="/app/secret", Value="hush", Type="SecureString", Tags=TAGS)
    aws("logs").create_log_group(logGroupName="/app", tags={"Environment": "test"})
    alarm = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1.0, "Period": 60, "Statistic": "Average"}
    aws("cloudwatch").put_metric_alarm(AlarmName="cpu", Namespace="AWS/EC2", MetricName="CPUUtilization", Tags=TAGS, **alarm)
    attribute = {"AttributeName": "LockID"}
    table = aws("dynamodb").create_table(
        TableName="lock",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[attribute | {"KeyType": "HASH"}],
        AttributeDefinitions=[attribute | {"AttributeType": "S"}],
        Tags=TAGS,
    )["TableDescription"]["TableArn"]
    aws("s3").create_bucket(Bucket="state", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})
    aws("s3").put_bucket_tagging(Bucket="state", Tagging={"TagSet": TAGS})
    return {
        "cloudwatch:alarm": ":alarm:cpu",
        "dynamodb:table": table,
        "ec2:elastic-ip": address,
        "ec2:launch-template": template["LaunchTemplate"]["LaunchTemplateId"],
        "ec2:network-interface": interface["NetworkInterfaceId"],
        "ec2:security-group": group,
        "ec2:subnet": subnet_ids[0],
        "ec2:vpc": vpc,
        "ec2:vpc-endpoint": endpoint["VpcEndpointId"],
        "ecr:repository": repository,
        "elasticache:replicationgroup": replication["ARN"],
        "elasticache:subnetgroup": cache_group["ARN"],
        "elasticloadbalancing:listener": listener,
        "elasticloadbalancing:listener-rule": rule,
        "elasticloadbalancing:loadbalancer": balancer,
        "elasticloadbalancing:targetgroup": target,
        "logs:log-group": ":log-group:/app",
        "rds:db": database["DBInstance"]["DBInstanceArn"],
        "rds:pg": parameters["DBParameterGroup"]["DBParameterGroupArn"],
        "rds:subgrp": database_group["DBSubnetGroupArn"],
        "s3:bucket": "arn:aws:s3:::state",
        "sns:topic": topic,
        "ssm:parameter": "parameter/app/secret",
    }


def test_all_kinds_are_found(aws: Aws, made: dict[str, str]) -> None:
    def found(*kinds: str) -> dict[str, dict[str, str]]:
        pages = aws("resourcegroupstaggingapi").get_paginator("get_resources")
        filters = [{"Key": "Environment", "Values": ["test"]}]
        return {
            resource["ResourceARN"]: {tag["Key"]: tag["Value"] for tag in resource["Tags"]}
            for page in pages.paginate(TagFilters=filters, ResourceTypeFilters=kinds)
            for resource in page["ResourceTagMappingList"]
        }

    everything = found()
    for kind, part in made.items():
        of_kind = found(kind)
        assert any(part in arn for arn in of_kind), kind
        assert all(everything[arn] == tags == {"Environment": "test"} for arn, tags in of_kind.items())
    others = {arn for arn in everything if not any(part in arn for part in made.values())}
    assert others == found("ec2:subnet", "elasticache:cluster").keys() - {arn for arn in everything if made["ec2:subnet"] in arn}
