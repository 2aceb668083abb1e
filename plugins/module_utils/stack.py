# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an environment looks like from outside: the calls that read it and the dictionary they add up to."""

from __future__ import annotations

import collections
import collections.abc as c
import concurrent.futures
import dataclasses
import re
import typing as t

from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import retried, tags_from

Answer = dict[str, t.Any]
Answers = dict[str, list[t.Any]]

IMAGES = {  # AMIs that AWS keeps current under public parameters
    "x86_64": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    "arm64": "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
}
LIVE = ["pending", "running", "stopping", "stopped"]
THREADS = 8
# The security groups that components ask for, by the names that group_vars/components.yml knows them by.
GROUPS = {"alb": {"alb_asg"}, "app": {"node_template"}, "data": {"rds", "elasticache"}, "nat": {"nat_instance"}}
# Kinds whose ARN does not tell them.
KINDS = {"s3": ["bucket"], "sns": ["topic"], "sqs": ["queue"]}
ZONE_FIELDS = ("public_subnet_id", "private_subnet_id", "private_route_table_id", "nat_network_interface_id", "nat_gateway_id")


@dataclasses.dataclass(frozen=True)
class Read:
    """One API operation, the list to take from its answer, and the errors that mean that nothing is there."""

    key: str
    service: str
    operation: str
    arguments: Answer
    items: str
    missing: tuple[str, ...] = ()
    follow: c.Callable[[list[t.Any]], list[Read]] = lambda items: []


@dataclasses.dataclass(frozen=True)
class Scope:
    """Which environment of which account is looked at."""

    project: str
    environment: str
    region: str
    account_id: str
    partition: str = "aws"

    @property
    def name(self) -> str:
        return f"{self.project}-{self.environment}"

    def what(self, name: str) -> str:
        """`greenleaf-prod-alb` is this environment's `alb`."""
        return name.removeprefix(f"{self.name}-")

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"


def reads(scope: Scope) -> list[Read]:
    """Every call that is needed to know an environment; the two that need another's answer follow it."""
    tagged = [{"Name": "tag:Project", "Values": [scope.project]}, {"Name": "tag:Environment", "Values": [scope.environment]}]

    def ec2(key: str, operation: str, items: str, *more: Answer, filters: str = "Filters") -> Read:
        return Read(key, "ec2", operation, {filters: [*tagged, *more]}, items)

    def listeners(balancers: list[t.Any]) -> list[Read]:
        return [
            Read("listeners", "elbv2", "describe_listeners", {"LoadBalancerArn": balancer["LoadBalancerArn"]}, "Listeners")
            for balancer in balancers
        ]

    return [
        ec2("vpcs", "describe_vpcs", "Vpcs"),
        ec2("subnets", "describe_subnets", "Subnets"),
        ec2("internet_gateways", "describe_internet_gateways", "InternetGateways"),
        ec2("route_tables", "describe_route_tables", "RouteTables"),
        ec2("security_groups", "describe_security_groups", "SecurityGroups"),
        ec2("network_interfaces", "describe_network_interfaces", "NetworkInterfaces"),
        ec2("launch_templates", "describe_launch_templates", "LaunchTemplates"),
        ec2("instances", "describe_instances", "Reservations", {"Name": "instance-state-name", "Values": LIVE}),
        ec2("spot_requests", "describe_spot_instance_requests", "SpotInstanceRequests"),
        ec2(
            "nat_gateways",
            "describe_nat_gateways",
            "NatGateways",
            {"Name": "state", "Values": ["pending", "available"]},
            filters="Filter",
        ),
        Read("autoscaling_groups", "autoscaling", "describe_auto_scaling_groups", {"Filters": tagged}, "AutoScalingGroups"),
        Read(
            "db_instances",
            "rds",
            "describe_db_instances",
            {"DBInstanceIdentifier": scope.name},
            "DBInstances",
            missing=("DBInstanceNotFound", "DBInstanceNotFoundFault"),
        ),
        Read(
            "replication_groups",
            "elasticache",
            "describe_replication_groups",
            {"ReplicationGroupId": scope.name},
            "ReplicationGroups",
            missing=("ReplicationGroupNotFoundFault",),
        ),
        Read(
            "load_balancers",
            "elbv2",
            "describe_load_balancers",
            {"Names": [scope.name]},
            "LoadBalancers",
            missing=("LoadBalancerNotFound",),
            follow=listeners,
        ),
        Read(
            "target_groups",
            "elbv2",
            "describe_target_groups",
            {"Names": [scope.name]},
            "TargetGroups",
            missing=("TargetGroupNotFound",),
        ),
        Read("repositories", "ecr", "describe_repositories", {}, "repositories"),
        Read("images", "ssm", "get_parameters", {"Names": list(IMAGES.values())}, "Parameters"),
        Read(
            "parameters",
            "ssm",
            "describe_parameters",
            {"ParameterFilters": [{"Key": "Path", "Option": "Recursive", "Values": [f"/{scope.project}/{scope.environment}"]}]},
            "Parameters",
        ),
        *(
            Read(
                f"resources_{environment}",
                "resourcegroupstaggingapi",
                "get_resources",
                {"TagFilters": [{"Key": "Project", "Values": [scope.project]}, {"Key": "Environment", "Values": [environment]}]},
                "ResourceTagMappingList",
            )
            for environment in (scope.environment, "shared")
        ),
    ]


def observe(client: c.Callable[[str], t.Any], todo: list[Read], failed: c.Callable[[Exception], str]) -> tuple[Answers, int]:
    """Make all the calls in parallel; the answers by key, and how many requests that took.

    `failed` gives an exception's AWS error code; codes that a read calls missing are empty answers.
    """
    clients = {service: client(service) for service in sorted({read.service for read in todo})}
    answers: Answers = {read.key: [] for read in todo} | {"listeners": []}
    calls = 0

    @retried
    def pages(read: Read) -> list[Answer]:
        api = clients[read.service]
        if api.can_paginate(read.operation):
            return list(api.get_paginator(read.operation).paginate(**read.arguments))
        return [getattr(api, read.operation)(**read.arguments)]

    def one(read: Read) -> tuple[Read, list[t.Any], int]:
        try:
            found = pages(read)
        except Exception as error:
            if failed(error) in read.missing:
                return read, [], 1
            raise
        return read, [item for page in found for item in page.get(read.items, [])], len(found)

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        pending = {pool.submit(one, read) for read in todo}
        while pending:
            done, pending = concurrent.futures.wait(pending, return_when=concurrent.futures.FIRST_COMPLETED)
            for future in done:
                read, items, made = future.result()
                answers[read.key] += items
                calls += made
                pending |= {pool.submit(one, following) for following in read.follow(items)}
    return answers, calls


def assemble(answers: Answers, scope: Scope) -> Answer:
    """The `stack` dictionary of what is there; what is missing is an empty string, list or dictionary."""

    def named(items: list[t.Any], identifier: str) -> dict[str, str]:
        names = {item[identifier]: _tags(item).get("Name", "") for item in items}
        return {scope.what(name): item_id for item_id, name in sorted(names.items()) if name}

    subnets = sorted(answers["subnets"], key=lambda subnet: (subnet["AvailabilityZone"], subnet["SubnetId"]))
    tiers = {tier: [subnet for subnet in subnets if _tags(subnet).get("Tier") == tier] for tier in ("public", "private")}
    tables = named(answers["route_tables"], "RouteTableId")
    interfaces = named(answers["network_interfaces"], "NetworkInterfaceId")
    gateways = named(answers["nat_gateways"], "NatGatewayId")

    def zone(name: str) -> Answer:
        def subnet(tier: str) -> str:
            return next((subnet["SubnetId"] for subnet in tiers[tier] if subnet["AvailabilityZone"] == name), "")

        return {
            "name": name,
            "public_subnet_id": subnet("public"),
            "private_subnet_id": subnet("private"),
            "private_route_table_id": tables.get(f"private-{name}", ""),
            "nat_network_interface_id": interfaces.get(f"nat-{name}", ""),
            "nat_gateway_id": gateways.get(f"nat-{name}", ""),
        }

    instances = [item for reservation in answers["instances"] for item in reservation["Instances"]]
    # The tagging API goes on listing for hours what was deleted, and leaves out Auto Scaling groups.
    alive = {
        "ec2:instance": {item["InstanceId"] for item in instances},
        "ec2:natgateway": {item["NatGatewayId"] for item in answers["nat_gateways"]},
        "ec2:spot-instances-request": {
            item["SpotInstanceRequestId"] for item in answers["spot_requests"] if item["State"] in ("open", "active", "disabled")
        },
    }
    groups = [{"ResourceARN": found["AutoScalingGroupARN"], "Tags": found["Tags"]} for found in answers["autoscaling_groups"]]
    resources = _resources(answers[f"resources_{scope.environment}"] + groups, alive)
    shared = _resources(answers["resources_shared"], {})
    vpc = _first(answers["vpcs"])
    database = _first(answers["db_instances"])
    cache = _first(answers["replication_groups"])
    primary = _first(cache.get("NodeGroups", [])).get("PrimaryEndpoint", {})
    balancer = _first(answers["load_balancers"])
    group = _first(answers["target_groups"])
    return {
        "account_id": scope.account_id,
        "partition": scope.partition,
        "region": scope.region,
        "vpc": {"id": vpc.get("VpcId", ""), "cidr_block": vpc.get("CidrBlock", "")},
        "zones": [zone(name) for name in sorted({subnet["AvailabilityZone"] for subnet in subnets})],
        "subnets": {tier: [subnet["SubnetId"] for subnet in found] for tier, found in tiers.items()},
        "internet_gateway_id": _first(answers["internet_gateways"]).get("InternetGatewayId", ""),
        "route_tables": tables,
        "security_groups": named(answers["security_groups"], "GroupId"),
        "network_interfaces": interfaces,
        "nat_gateways": gateways,
        "launch_templates": {
            scope.what(template["LaunchTemplateName"]): {"id": template["LaunchTemplateId"], "version": template["LatestVersionNumber"]}
            for template in answers["launch_templates"]
        },
        "instances": sorted(map(_instance, instances), key=lambda instance: (instance["name"], instance["id"])),
        "autoscaling_groups": {
            scope.what(found["AutoScalingGroupName"]): {
                "name": found["AutoScalingGroupName"],
                "min_size": found["MinSize"],
                "desired_capacity": found["DesiredCapacity"],
                "max_size": found["MaxSize"],
                "in_service": sum(instance["LifecycleState"] == "InService" for instance in found["Instances"]),
            }
            for found in answers["autoscaling_groups"]
        },
        "rds": {
            "id": database.get("DBInstanceIdentifier", ""),
            "status": database.get("DBInstanceStatus", ""),
            "address": database.get("Endpoint", {}).get("Address", ""),
            "port": database.get("Endpoint", {}).get("Port", 0),
        },
        "elasticache": {
            "id": cache.get("ReplicationGroupId", ""),
            "status": cache.get("Status", ""),
            "address": primary.get("Address", ""),
            "port": primary.get("Port", 0),
        },
        "load_balancer": {
            "arn": balancer.get("LoadBalancerArn", ""),
            "arn_suffix": balancer.get("LoadBalancerArn", "").partition(":loadbalancer/")[2],
            "dns_name": balancer.get("DNSName", ""),
            "zone_id": balancer.get("CanonicalHostedZoneId", ""),
            "status": balancer.get("State", {}).get("Code", ""),
            "listeners": {str(listener["Port"]): listener["ListenerArn"] for listener in answers["listeners"]},
        },
        "target_group": {
            "arn": group.get("TargetGroupArn", ""),
            "arn_suffix": group.get("TargetGroupArn", "").rpartition(":")[2],
        },
        "repositories": {
            repository["repositoryName"].removeprefix(f"{scope.project}/"): repository["repositoryUri"]
            for repository in answers["repositories"]
            if repository["repositoryName"].startswith(f"{scope.project}/")
        },
        "image_ids": {
            architecture: next((found["Value"] for found in answers["images"] if found["Name"] == name), "")
            for architecture, name in IMAGES.items()
        },
        "parameters": sorted(parameter["Name"] for parameter in answers["parameters"]),
        "resources": resources,
        "shared_resources": shared,
        "resource_counts": dict(sorted(collections.Counter(resource["type"] for resource in resources + shared).items())),
    }


def duplicates(answers: Answers) -> list[str]:
    """Ids of this environment's VPCs where there is more than one: AWS takes no client token for CreateVpc."""
    return sorted(vpc["VpcId"] for vpc in answers["vpcs"]) if len(answers["vpcs"]) > 1 else []


def foresee(stack: Answer, scope: Scope, components: c.Collection[str], vpc_cidr_block: str, zones: list[Answer]) -> list[str]:
    """Give every missing thing that a declared component will make, and another one asks for, a well-formed stand-in, in place.

    Returns the stand-ins, so that what is printed can say "known after apply" instead.
    """
    made: set[str] = set()

    def stand_in(prefix: str, number: int = 0) -> str:
        return f"{prefix}-{number:017x}"

    def fill(target: Answer, values: dict[str, str]) -> None:
        for key, value in values.items():
            if not target.get(key):
                target[key] = value
                made.add(value)

    if "vpc" in components:
        fill(stack["vpc"], {"id": stand_in("vpc")})
        stack["vpc"]["cidr_block"] = stack["vpc"]["cidr_block"] or vpc_cidr_block
        fill(stack["route_tables"], {"public": stand_in("rtb")})
        known = {zone["name"]: zone for zone in stack["zones"]}
        for number, declared in enumerate(zones):
            name = declared["name"]
            zone = known.setdefault(name, {"name": name, **dict.fromkeys(ZONE_FIELDS, "")})
            fill(zone, {"public_subnet_id": stand_in("subnet", 2 * number)})
            if declared.get("private_cidr"):
                fill(zone, {"private_subnet_id": stand_in("subnet", 2 * number + 1), "private_route_table_id": stand_in("rtb", number + 1)})
                stack["route_tables"][f"private-{name}"] = zone["private_route_table_id"]
        stack["zones"] = [known[name] for name in sorted(known)]
        for tier in ("public", "private"):
            stack["subnets"][tier] = [zone[f"{tier}_subnet_id"] for zone in stack["zones"] if zone[f"{tier}_subnet_id"]]
    if "security_groups" in components:
        asked = [name for name, askers in GROUPS.items() if askers & set(components)]
        fill(stack["security_groups"], {name: stand_in("sg", number) for number, name in enumerate(asked)})
    if "rds" in components:
        fill(stack["rds"], {"address": f"{scope.name}.known-after-apply.{scope.region}.rds.amazonaws.com"})
        stack["rds"] |= {"id": scope.name, "port": stack["rds"]["port"] or 5432}
    if "elasticache" in components:
        fill(stack["elasticache"], {"address": f"master.{scope.name}.known-after-apply.{scope.region}.cache.amazonaws.com"})
        stack["elasticache"] |= {"id": scope.name, "port": stack["elasticache"]["port"] or 6379}
    if "node_template" in components:
        template = stack["launch_templates"].setdefault("node", {"id": "", "version": 1})
        fill(template, {"id": stand_in("lt")})
    if "alb_asg" in components:
        suffix = f"{scope.name}/0000000000000000"
        balancer = {
            "arn": scope.arn("elasticloadbalancing", f"loadbalancer/app/{suffix}"),
            "arn_suffix": f"app/{suffix}",
            "dns_name": f"{scope.name}.known-after-apply.elb.amazonaws.com",
        }
        fill(stack["load_balancer"], balancer)
        group = {"arn": scope.arn("elasticloadbalancing", f"targetgroup/{suffix}"), "arn_suffix": f"targetgroup/{suffix}"}
        fill(stack["target_group"], group)
    if "container_registry" in components:
        registry = f"{scope.account_id}.dkr.ecr.{scope.region}.amazonaws.com/{scope.project}"
        stack["repositories"] = {name: f"{registry}/{name}" for name in ("backend", "storefront")} | stack["repositories"]
    return sorted(made)


def _first(items: list[t.Any]) -> Answer:
    return items[0] if items else {}


def _tags(item: Answer) -> dict[str, str]:
    return tags_from(item.get("Tags") or item.get("TagSet") or [])


def _instance(item: Answer) -> Answer:
    tags = _tags(item)
    return {
        "id": item["InstanceId"],
        "name": tags.get("Name", ""),
        "component": tags.get("Component", ""),
        "state": item["State"]["Name"],
        "zone": item["Placement"]["AvailabilityZone"],
        "private_ip_address": item.get("PrivateIpAddress", ""),
        "public_ip_address": item.get("PublicIpAddress", ""),
    }


def _resources(mappings: list[t.Any], alive: dict[str, set[str]]) -> list[Answer]:
    """Everything tagged as ours, by ARN, without what is not `alive`; `type` is the ARN's `service:kind`."""
    found = {}
    for mapping in mappings:
        arn = mapping["ResourceARN"]
        service, resource = arn.split(":", 5)[2::3]
        *kind, name = re.split("[:/]", resource, maxsplit=1)
        full_kind = ":".join([service, *(kind or KINDS.get(service, []))])
        if name in alive.get(full_kind, {name}):
            found[arn] = {"arn": arn, "type": full_kind, "component": _tags(mapping).get("Component", "")}
    return [found[arn] for arn in sorted(found)]
