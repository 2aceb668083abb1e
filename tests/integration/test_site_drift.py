# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What somebody changed by hand is told by --check on exactly that component, and mended by the next run."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import typing as t

import pytest

from tests.integration.playbooks import Client

pytestmark = pytest.mark.site

BUCKET = "greenleaf-state-123456789012-eu-west-3"
NODE_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


@dataclasses.dataclass(frozen=True)
class Drift:
    """`make` changes what `look` reads."""

    component: str
    make: c.Callable[[Client], t.Any]
    look: c.Callable[[Client], t.Any]


def named(aws: Client, operation: str, name: str) -> t.Any:
    """The one EC2 resource of that name."""
    answer = getattr(aws("ec2"), operation)(Filters=[{"Name": "tag:Name", "Values": [name]}])
    (found,) = next(value for value in answer.values() if isinstance(value, list))
    return found


def data_group(aws: Client) -> t.Any:
    return named(aws, "describe_security_groups", "greenleaf-prod-data")


def private_table(aws: Client) -> t.Any:
    return named(aws, "describe_route_tables", "greenleaf-prod-private-eu-west-3a")


def public_table(aws: Client) -> t.Any:
    return named(aws, "describe_route_tables", "greenleaf-prod-public")


def open_database(aws: Client) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    aws("ec2").authorize_security_group_ingress(GroupId=data_group(aws)["GroupId"], IpPermissions=[rule])


def repository(aws: Client) -> t.Any:
    return aws("ecr").describe_repositories(repositoryNames=["greenleaf/backend"])["repositories"][0]


def redis_url(aws: Client) -> list[str]:
    found = aws("ssm").get_parameters(Names=["/greenleaf/prod/app/REDIS_URL"], WithDecryption=True)["Parameters"]
    return [parameter["Value"] for parameter in found]


def group_sizes(aws: Client) -> tuple[int, ...]:
    (group,) = aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["greenleaf-prod-app"])["AutoScalingGroups"]
    return group["MinSize"], group["DesiredCapacity"], group["MaxSize"]


def node_policies(aws: Client) -> list[str]:
    attached = aws("iam").list_attached_role_policies(RoleName="greenleaf-prod-node")["AttachedPolicies"]
    return [policy["PolicyArn"] for policy in attached]


def alarm(aws: Client) -> t.Any:
    (alarm,) = aws("cloudwatch").describe_alarms(AlarmNames=["greenleaf-prod-asg-cpu"])["MetricAlarms"]
    return alarm


def relax_alarm(aws: Client) -> None:
    kept = ("AlarmName", "AlarmDescription", "Namespace", "MetricName", "Dimensions", "Statistic", "Period")
    compared = ("EvaluationPeriods", "ComparisonOperator", "AlarmActions")
    there = alarm(aws)
    aws("cloudwatch").put_metric_alarm(**{name: there[name] for name in kept + compared}, Threshold=99)


def database(aws: Client) -> t.Any:
    return aws("rds").describe_db_instances(DBInstanceIdentifier="greenleaf-prod")["DBInstances"][0]


def cache(aws: Client) -> t.Any:
    return aws("elasticache").describe_replication_groups(ReplicationGroupId="greenleaf-prod")["ReplicationGroups"][0]


def default_routes(table: t.Any) -> list[t.Any]:
    return [route for route in table["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0"]


def subnet_ids(table: t.Any) -> set[str]:
    return {association["SubnetId"] for association in table["Associations"]}


def rules(group: t.Any) -> list[t.Any]:
    return sorted(group["IpPermissions"], key=lambda rule: rule["FromPort"])


ROUNDS = [
    [
        Drift("security_groups", open_database, lambda aws: rules(data_group(aws))),
        Drift(
            "nat_instance",
            lambda aws: aws("ec2").delete_route(RouteTableId=private_table(aws)["RouteTableId"], DestinationCidrBlock="0.0.0.0/0"),
            lambda aws: default_routes(private_table(aws)),
        ),
        Drift(
            "bootstrap",
            lambda aws: aws("s3").put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration={"BlockPublicAcls": True}),
            lambda aws: aws("s3").get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"],
        ),
        Drift(
            "container_registry",
            lambda aws: aws("ecr").put_image_scanning_configuration(
                repositoryName="greenleaf/backend", imageScanningConfiguration={"scanOnPush": False}
            ),
            lambda aws: repository(aws)["imageScanningConfiguration"],
        ),
        Drift(
            "app_secrets",
            lambda aws: aws("ssm").delete_parameter(Name="/greenleaf/prod/app/REDIS_URL"),
            redis_url,
        ),
    ],
    [
        Drift(
            "alb_asg",
            lambda aws: aws("autoscaling").update_auto_scaling_group(AutoScalingGroupName="greenleaf-prod-app", MaxSize=9),
            group_sizes,
        ),
        Drift(
            "node_template",
            lambda aws: aws("iam").detach_role_policy(RoleName="greenleaf-prod-node", PolicyArn=NODE_POLICY),
            node_policies,
        ),
        Drift("monitoring", relax_alarm, lambda aws: alarm(aws)["Threshold"]),
        Drift(
            "rds",
            lambda aws: aws("rds").modify_db_instance(
                DBInstanceIdentifier="greenleaf-prod", BackupRetentionPeriod=1, ApplyImmediately=True
            ),
            lambda aws: database(aws)["BackupRetentionPeriod"],
        ),
        Drift(
            "elasticache",
            lambda aws: aws("elasticache").modify_replication_group(
                ReplicationGroupId="greenleaf-prod", SnapshotRetentionLimit=3, ApplyImmediately=True
            ),
            lambda aws: cache(aws)["SnapshotRetentionLimit"],
        ),
        Drift(
            "vpc",
            lambda aws: aws("ec2").disassociate_route_table(AssociationId=public_table(aws)["Associations"][0]["RouteTableAssociationId"]),
            lambda aws: subnet_ids(public_table(aws)),
        ),
    ],
]


@pytest.mark.parametrize("drifts", ROUNDS, ids=lambda drifts: "+".join(drift.component for drift in drifts))
def test_told_exactly_and_mended(site, prod, drifts):
    declared = [drift.look(site.aws) for drift in drifts]
    for drift in drifts:
        drift.make(site.aws)
    drifted = [drift.look(site.aws) for drift in drifts]
    for drift, before, after in zip(drifts, declared, drifted, strict=True):
        assert before != after, drift.component

    plan = site.plan("prod")
    assert plan.changed == {drift.component for drift in drifts}
    assert plan.writes == []
    assert [drift.look(site.aws) for drift in drifts] == drifted

    mended = site.converge("prod")
    assert {told.name for told in mended.changes} == {told.name for told in plan.changes}
    assert [drift.look(site.aws) for drift in drifts] == declared


def test_nothing_is_left_to_mend(site, prod):
    assert site.converge("prod").changes == []
