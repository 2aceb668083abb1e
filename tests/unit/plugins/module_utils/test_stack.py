# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""stack: what is asked, what the answers add up to, and what is foreseen."""

from __future__ import annotations

import threading
from unittest.mock import Mock

import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils import stack as stacks
from ansible_collections.greenleaf.cloud.plugins.module_utils.stack import Read, Scope, assemble, duplicates, foresee, observe, reads
from ansible_collections.greenleaf.cloud.tests.unit.recording import error

SCOPE = Scope("greenleaf", "prod", "eu-west-3", "123456789012")
EMPTY = {read.key: [] for read in reads(SCOPE)} | {"listeners": []}
ARN = "arn:aws:{}:eu-west-3:123456789012:{}"
ZONES = [
    {"name": "eu-west-3a", "public_cidr": "10.0.1.0/24", "private_cidr": "10.0.10.0/24"},
    {"name": "eu-west-3b", "public_cidr": "10.0.2.0/24", "private_cidr": "10.0.20.0/24"},
]
PROD = ["vpc", "container_registry", "security_groups", "nat_instance", "rds", "elasticache", "app_secrets", "node_template", "alb_asg"]


def tags(name="", **more):
    pairs = {"Project": "greenleaf", "Environment": "prod"} | ({"Name": f"greenleaf-prod-{name}"} if name else {}) | more
    return [{"Key": key, "Value": value} for key, value in pairs.items()]


def subnet(number, zone, tier):
    return {"SubnetId": f"subnet-{number}", "AvailabilityZone": zone, "Tags": tags(f"{tier}-{zone}", Tier=tier)}


def instance(identifier, **more):
    return {"InstanceId": identifier, "State": {"Name": "running"}, "Placement": {"AvailabilityZone": "eu-west-3a"}, "Tags": tags()} | more


def mapping(arn, **more):
    return {"ResourceARN": arn, "Tags": tags(**more)}


def assembled(**answers):
    return assemble(EMPTY | answers, SCOPE)


# What is asked


def test_the_number_of_calls_for_prod_is_bounded():
    assert len(reads(SCOPE)) + 2 <= 40  # the listeners, and the account


def test_what_can_be_tagged_is_found_by_both_tags():
    tagged = [{"Name": "tag:Project", "Values": ["greenleaf"]}, {"Name": "tag:Environment", "Values": ["prod"]}]
    for read in reads(SCOPE):
        if read.service in ("ec2", "autoscaling"):
            (filters,) = read.arguments.values()
            assert filters[:2] == tagged, read.key


def test_keys_are_unique():
    keys = [read.key for read in reads(SCOPE)]
    assert len(keys) == len(set(keys))


# Observing


class Cloud:
    """Clients whose operations answer in pages; an exception is raised."""

    def __init__(self, answers):
        self.answers = answers
        self.made = []
        self.calls = []

    def client(self, service):
        self.made.append(service)
        api = Mock()
        api.can_paginate = lambda operation: isinstance(self.answers[operation], list)
        api.get_paginator = lambda operation: Mock(paginate=lambda **arguments: self.ask(operation, arguments))
        for operation in self.answers:
            setattr(api, operation, lambda operation=operation, **arguments: self.ask(operation, arguments))
        return api

    def ask(self, operation, arguments):
        self.calls.append((operation, arguments))
        answer = self.answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer


def code(exception):
    return exception.response["Error"]["Code"]


def test_pages_add_up_and_count():
    cloud = Cloud({"describe_vpcs": [{"Vpcs": [1, 2]}, {"Vpcs": [3]}, {}], "get_parameters": {"Parameters": [4]}})
    todo = [
        Read("vpcs", "ec2", "describe_vpcs", {"Filters": []}, "Vpcs"),
        Read("images", "ssm", "get_parameters", {"Names": ["a"]}, "Parameters"),
    ]
    answers, calls = observe(cloud.client, todo, code)
    assert answers == {"vpcs": [1, 2, 3], "images": [4], "listeners": []}
    assert calls == 4
    assert sorted(cloud.calls) == [("describe_vpcs", {"Filters": []}), ("get_parameters", {"Names": ["a"]})]


def test_one_client_a_service():
    cloud = Cloud({"describe_vpcs": [], "describe_subnets": []})
    observe(cloud.client, [Read(name, "ec2", f"describe_{name}", {}, name) for name in ("vpcs", "subnets")], code)
    assert cloud.made == ["ec2"]


def test_what_depends_on_an_answer_follows_it():
    cloud = Cloud({"describe_load_balancers": [{"LoadBalancers": [{"LoadBalancerArn": "a"}]}], "describe_listeners": [{"Listeners": [1]}]})
    balancers = next(read for read in reads(SCOPE) if read.key == "load_balancers")
    answers, calls = observe(cloud.client, [balancers], code)
    assert answers == {"load_balancers": [{"LoadBalancerArn": "a"}], "listeners": [1]}
    assert cloud.calls[-1] == ("describe_listeners", {"LoadBalancerArn": "a"})
    assert calls == 2


@pytest.mark.parametrize(
    ("key", "missing"),
    [
        ("db_instances", "DBInstanceNotFound"),
        ("replication_groups", "ReplicationGroupNotFoundFault"),
        ("load_balancers", "LoadBalancerNotFound"),
        ("target_groups", "TargetGroupNotFound"),
    ],
)
def test_what_is_missing_is_an_empty_answer(key, missing):
    read = next(read for read in reads(SCOPE) if read.key == key)
    answers, calls = observe(Cloud({read.operation: error(missing)}).client, [read], code)
    assert (answers[key], calls) == ([], 1)


def test_another_error_is_raised():
    read = next(read for read in reads(SCOPE) if read.key == "db_instances")
    with pytest.raises(type(error("x")), match="AccessDenied"):
        observe(Cloud({read.operation: error("AccessDenied")}).client, [read], code)


def test_throttling_is_retried(monkeypatch):
    monkeypatch.setattr("ansible_collections.amazon.aws.plugins.module_utils.cloud.time.sleep", lambda pause: None)
    cloud = Cloud({"get_parameters": None})
    cloud.ask = Mock(side_effect=[error("ThrottlingException"), {"Parameters": [1]}])
    assert observe(cloud.client, [Read("images", "ssm", "get_parameters", {}, "Parameters")], code)[0]["images"] == [1]


def test_the_calls_are_made_at_the_same_time():
    """Every call waits until all of them are under way."""
    together = threading.Barrier(4, timeout=5)
    cloud = Cloud({f"get_{number}": {"Items": [number]} for number in range(4)})
    ask = cloud.ask
    cloud.ask = lambda operation, arguments: together.wait() is not None and ask(operation, arguments)
    todo = [Read(str(number), "ssm", f"get_{number}", {}, "Items") for number in range(4)]
    answers = observe(cloud.client, todo, code)[0]
    assert [answers[str(number)] for number in range(4)] == [[0], [1], [2], [3]]


# Assembling


def test_an_empty_account_is_well_formed():
    stack = assembled()
    assert stack["vpc"] == {"id": "", "cidr_block": ""}
    assert stack["subnets"] == {"public": [], "private": []}
    assert stack["rds"] == {"id": "", "status": "", "address": "", "port": 0}
    assert stack["load_balancer"]["listeners"] == {}
    assert stack["image_ids"] == {"x86_64": "", "arm64": ""}
    assert (stack["account_id"], stack["region"], stack["partition"]) == ("123456789012", "eu-west-3", "aws")


def test_the_network():
    stack = assembled(
        vpcs=[{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
        subnets=[
            subnet(4, "eu-west-3b", "private"),
            subnet(3, "eu-west-3b", "public"),
            subnet(1, "eu-west-3a", "public"),
            subnet(2, "eu-west-3a", "private"),
        ],
        internet_gateways=[{"InternetGatewayId": "igw-1"}],
        route_tables=[
            {"RouteTableId": "rtb-0", "Tags": tags("public")},
            {"RouteTableId": "rtb-1", "Tags": tags("private-eu-west-3a")},
        ],
        network_interfaces=[{"NetworkInterfaceId": "eni-1", "TagSet": tags("nat-eu-west-3b")}],
        nat_gateways=[{"NatGatewayId": "nat-1", "Tags": tags("nat-eu-west-3a")}],
    )
    assert stack["vpc"] == {"id": "vpc-1", "cidr_block": "10.0.0.0/16"}
    assert stack["subnets"] == {"public": ["subnet-1", "subnet-3"], "private": ["subnet-2", "subnet-4"]}
    assert stack["internet_gateway_id"] == "igw-1"
    assert stack["route_tables"] == {"public": "rtb-0", "private-eu-west-3a": "rtb-1"}
    assert stack["zones"] == [
        {
            "name": "eu-west-3a",
            "public_subnet_id": "subnet-1",
            "private_subnet_id": "subnet-2",
            "private_route_table_id": "rtb-1",
            "nat_network_interface_id": "",
            "nat_gateway_id": "nat-1",
        },
        {
            "name": "eu-west-3b",
            "public_subnet_id": "subnet-3",
            "private_subnet_id": "subnet-4",
            "private_route_table_id": "",
            "nat_network_interface_id": "eni-1",
            "nat_gateway_id": "",
        },
    ]


@pytest.mark.parametrize(
    "answers",
    [
        {"security_groups": [{"GroupId": "sg-1"}]},
        {"security_groups": [{"GroupId": "sg-1", "Tags": []}]},
        {"security_groups": [{"GroupId": "sg-1", "Tags": tags()}]},
        {"network_interfaces": [{"NetworkInterfaceId": "eni-1"}]},
    ],
)
def test_what_shows_no_name_yet_is_not_named(answers):
    (key,) = answers
    assert assembled(**answers)[key] == {}


def test_a_subnet_without_tags_is_of_no_tier():
    bare = {"SubnetId": "subnet-1", "AvailabilityZone": "eu-west-3a"}
    stack = assembled(subnets=[bare])
    assert stack["subnets"] == {"public": [], "private": []}
    assert stack["zones"][0]["public_subnet_id"] == ""


NAMES = {"greenleaf-prod-app": "app", "greenleaf-production-app": "greenleaf-production-app", "other-app": "other-app"}


def test_names_lose_only_this_environment_s_prefix():
    groups = [{"GroupId": f"sg-{number}", "Tags": [{"Key": "Name", "Value": name}]} for number, name in enumerate(NAMES)]
    assert list(assembled(security_groups=groups)["security_groups"]) == list(NAMES.values())


def test_the_machines():
    stack = assembled(
        launch_templates=[{"LaunchTemplateName": "greenleaf-prod-node", "LaunchTemplateId": "lt-1", "LatestVersionNumber": 3}],
        instances=[
            {"Instances": [instance("i-2", Tags=tags("app", Component="alb_asg"), PrivateIpAddress="10.0.10.5")]},
            {"Instances": [instance("i-1", Tags=tags("app", Component="alb_asg")), instance("i-3")]},
        ],
        autoscaling_groups=[
            {
                "AutoScalingGroupName": "greenleaf-prod-app",
                "AutoScalingGroupARN": ARN.format("autoscaling", "autoScalingGroup:1:autoScalingGroupName/greenleaf-prod-app"),
                "MinSize": 2,
                "DesiredCapacity": 3,
                "MaxSize": 4,
                "Instances": [{"LifecycleState": "InService"}, {"LifecycleState": "Pending:Wait"}, {"LifecycleState": "Terminating"}],
                "Tags": [{**pair, "ResourceId": "greenleaf-prod-app", "PropagateAtLaunch": True} for pair in tags(Component="alb_asg")],
            }
        ],
    )
    assert stack["launch_templates"] == {"node": {"id": "lt-1", "version": 3}}
    assert [machine["id"] for machine in stack["instances"]] == ["i-3", "i-1", "i-2"]  # by name
    assert stack["instances"][2] == {
        "id": "i-2",
        "name": "greenleaf-prod-app",
        "component": "alb_asg",
        "state": "running",
        "zone": "eu-west-3a",
        "private_ip_address": "10.0.10.5",
        "public_ip_address": "",
    }
    assert stack["autoscaling_groups"]["app"] == {
        "name": "greenleaf-prod-app",
        "min_size": 2,
        "desired_capacity": 3,
        "max_size": 4,
        "in_service": 1,
    }
    assert stack["resource_counts"] == {"autoscaling:autoScalingGroup": 1}  # which the tagging API leaves out
    assert stack["resources"][0]["component"] == "alb_asg"


@pytest.mark.parametrize(
    ("database", "told"),
    [
        (
            {"DBInstanceStatus": "available", "Endpoint": {"Address": "db.example", "Port": 5432}},
            {"status": "available", "address": "db.example", "port": 5432},
        ),
        ({"DBInstanceStatus": "creating"}, {"status": "creating", "address": "", "port": 0}),
        ({"DBInstanceStatus": "creating", "Endpoint": {"Port": 5432}}, {"status": "creating", "address": "", "port": 5432}),
        (
            {"DBInstanceStatus": "stopped", "Endpoint": {"Address": "db.example", "Port": 5432}},
            {"status": "stopped", "address": "db.example", "port": 5432},
        ),
    ],
)
def test_the_database(database, told):
    assert assembled(db_instances=[{"DBInstanceIdentifier": "greenleaf-prod", **database}])["rds"] == {"id": "greenleaf-prod", **told}


@pytest.mark.parametrize(
    ("cache", "address"),
    [
        ({"Status": "available", "NodeGroups": [{"PrimaryEndpoint": {"Address": "cache.example", "Port": 6379}}]}, "cache.example"),
        ({"Status": "creating", "NodeGroups": [{}]}, ""),
        ({"Status": "creating", "NodeGroups": []}, ""),
        ({"Status": "creating"}, ""),
    ],
)
def test_the_cache(cache, address):
    told = assembled(replication_groups=[{"ReplicationGroupId": "greenleaf-prod", **cache}])["elasticache"]
    assert told == {"id": "greenleaf-prod", "status": cache["Status"], "address": address, "port": 6379 if address else 0}


def test_the_load_balancer():
    balancer = ARN.format("elasticloadbalancing", "loadbalancer/app/greenleaf-prod/50dc6c495c0c9188")
    stack = assembled(
        load_balancers=[
            {"LoadBalancerArn": balancer, "DNSName": "alb.example", "CanonicalHostedZoneId": "Z1", "State": {"Code": "provisioning"}}
        ],
        listeners=[{"Port": 80, "ListenerArn": "http"}, {"Port": 443, "ListenerArn": "https"}],
        target_groups=[{"TargetGroupArn": ARN.format("elasticloadbalancing", "targetgroup/greenleaf-prod/1")}],
    )
    assert stack["load_balancer"] == {
        "arn": balancer,
        "arn_suffix": "app/greenleaf-prod/50dc6c495c0c9188",
        "dns_name": "alb.example",
        "zone_id": "Z1",
        "status": "provisioning",
        "listeners": {"80": "http", "443": "https"},
    }
    assert stack["target_group"]["arn_suffix"] == "targetgroup/greenleaf-prod/1"


def test_only_the_project_s_repositories():
    uris = ["greenleaf/backend", "greenleaf-old/backend", "other"]
    repositories = [{"repositoryName": name, "repositoryUri": f"registry/{name}"} for name in uris]
    assert assembled(repositories=repositories)["repositories"] == {"backend": "registry/greenleaf/backend"}


def test_images_and_parameters():
    stack = assembled(
        images=[{"Name": stacks.IMAGES["arm64"], "Value": "ami-2"}],
        parameters=[{"Name": "/greenleaf/prod/b"}, {"Name": "/greenleaf/prod/a"}],
    )
    assert stack["image_ids"] == {"x86_64": "", "arm64": "ami-2"}
    assert stack["parameters"] == ["/greenleaf/prod/a", "/greenleaf/prod/b"]


@pytest.mark.parametrize(
    ("arn", "kind"),
    [
        ("arn:aws:s3:::greenleaf-state-123456789012-eu-west-3", "s3:bucket"),
        (ARN.format("sns", "greenleaf-prod-alerts"), "sns:topic"),
        (ARN.format("sqs", "greenleaf-prod-dead"), "sqs:queue"),
        (ARN.format("logs", "log-group:/greenleaf/prod/node"), "logs:log-group"),
        (ARN.format("elasticloadbalancing", "loadbalancer/app/greenleaf-prod/50dc6c495c0c9188"), "elasticloadbalancing:loadbalancer"),
        (ARN.format("elasticloadbalancing", "listener/app/greenleaf-prod/50dc/f2f7"), "elasticloadbalancing:listener"),
        (ARN.format("ssm", "parameter/greenleaf/prod/app/JWT_SECRET"), "ssm:parameter"),
        (ARN.format("ec2", "subnet/subnet-1"), "ec2:subnet"),
        (ARN.format("rds", "db:greenleaf-prod"), "rds:db"),
        (ARN.format("rds", "snapshot:rds:greenleaf-prod-2026-01-01-00-00"), "rds:snapshot"),
        (ARN.format("dynamodb", "table/greenleaf-locks"), "dynamodb:table"),
        (ARN.format("cloudwatch", "alarm:greenleaf-prod-asg-cpu"), "cloudwatch:alarm"),
        ("arn:aws:unheard:eu-west-3:123456789012:thing", "unheard"),
    ],
)
def test_kinds_of_resources(arn, kind):
    stack = assembled(resources_prod=[mapping(arn, Component="rds")])
    assert stack["resources"] == [{"arn": arn, "type": kind, "component": "rds"}]
    assert stack["resource_counts"] == {kind: 1}


def test_counts_include_what_is_shared():
    stack = assembled(
        resources_prod=[mapping(ARN.format("ec2", f"subnet/subnet-{number}")) for number in range(3)],
        resources_shared=[mapping("arn:aws:s3:::state")],
    )
    assert stack["resource_counts"] == {"ec2:subnet": 3, "s3:bucket": 1}
    assert [resource["type"] for resource in stack["shared_resources"]] == ["s3:bucket"]


@pytest.mark.parametrize(
    ("kind", "there"),
    [
        ("instance/i-1", {"instances": [{"Instances": [instance("i-1")]}]}),
        ("natgateway/nat-1", {"nat_gateways": [{"NatGatewayId": "nat-1", "Tags": tags()}]}),
        ("spot-instances-request/sir-1", {"spot_requests": [{"SpotInstanceRequestId": "sir-1", "State": "active"}]}),
        ("spot-instances-request/sir-1", {"spot_requests": [{"SpotInstanceRequestId": "sir-1", "State": "disabled"}]}),
    ],
)
def test_what_was_deleted_and_is_still_listed_is_left_out(kind, there):
    listed = [mapping(ARN.format("ec2", kind))]
    assert assembled(resources_prod=listed)["resources"] == []
    assert len(assembled(resources_prod=listed, **there)["resources"]) == 1


def test_a_cancelled_spot_request_is_left_out():
    listed = [mapping(ARN.format("ec2", "spot-instances-request/sir-1"))]
    cancelled = [{"SpotInstanceRequestId": "sir-1", "State": "cancelled"}]
    assert assembled(resources_prod=listed, spot_requests=cancelled)["resources"] == []


def test_what_is_listed_twice_counts_once():
    stack = assembled(resources_prod=[mapping("arn:aws:s3:::state"), mapping("arn:aws:s3:::state")])
    assert stack["resource_counts"] == {"s3:bucket": 1}


def test_duplicates():
    assert duplicates(EMPTY | {"vpcs": [{"VpcId": "vpc-1"}]}) == []
    assert duplicates(EMPTY | {"vpcs": [{"VpcId": "vpc-2"}, {"VpcId": "vpc-1"}]}) == ["vpc-1", "vpc-2"]


# Foreseeing


def foreseen(components, stack=None, zones=None):
    stack = stack or assembled()
    return stack, foresee(stack, SCOPE, components, "10.0.0.0/16", zones or ZONES)


def changed(components):
    """The keys of the stack that a component's stand-ins change on an empty account."""
    empty, stack = assembled(), foreseen(components)[0]
    return {key for key in stack if stack[key] != empty[key]}


@pytest.mark.parametrize(
    ("component", "keys"),
    [
        ("vpc", {"vpc", "zones", "subnets", "route_tables"}),
        ("security_groups", set()),
        ("nat_instance", set()),
        ("rds", {"rds"}),
        ("elasticache", {"elasticache"}),
        ("node_template", {"launch_templates"}),
        ("alb_asg", {"load_balancer", "target_group"}),
        ("container_registry", {"repositories"}),
        ("bootstrap", set()),
        ("app_secrets", set()),
        ("monitoring", set()),
        ("dev_instance", set()),
    ],
)
def test_a_component_fills_what_it_makes_and_nothing_else(component, keys):
    assert changed([component]) == keys


@pytest.mark.parametrize(
    ("asker", "groups"),
    [("alb_asg", ["alb"]), ("node_template", ["app"]), ("rds", ["data"]), ("elasticache", ["data"]), ("nat_instance", ["nat"])],
)
def test_security_groups_are_foreseen_for_those_who_ask_for_them(asker, groups):
    stack = foreseen(["security_groups", asker])[0]
    assert list(stack["security_groups"]) == groups


def test_nothing_declared_is_nothing_foreseen():
    assert foreseen([]) == (assembled(), [])


def test_a_missing_prod_is_foreseen():
    stack, _made = foreseen(PROD)
    assert stack["vpc"] == {"id": "vpc-00000000000000000", "cidr_block": "10.0.0.0/16"}
    assert stack["zones"][1] == {
        "name": "eu-west-3b",
        "public_subnet_id": "subnet-00000000000000002",
        "private_subnet_id": "subnet-00000000000000003",
        "private_route_table_id": "rtb-00000000000000002",
        "nat_network_interface_id": "",
        "nat_gateway_id": "",
    }
    assert stack["subnets"]["private"] == ["subnet-00000000000000001", "subnet-00000000000000003"]
    assert stack["route_tables"] == {
        "public": "rtb-00000000000000000",
        "private-eu-west-3a": "rtb-00000000000000001",
        "private-eu-west-3b": "rtb-00000000000000002",
    }
    assert sorted(stack["security_groups"]) == ["alb", "app", "data", "nat"]
    assert stack["rds"] == {
        "id": "greenleaf-prod",
        "status": "",
        "address": "greenleaf-prod.known-after-apply.eu-west-3.rds.amazonaws.com",
        "port": 5432,
    }
    assert stack["elasticache"]["port"] == 6379
    assert stack["launch_templates"] == {"node": {"id": "lt-00000000000000000", "version": 1}}
    assert stack["load_balancer"]["arn"] == ARN.format("elasticloadbalancing", "loadbalancer/app/greenleaf-prod/0000000000000000")
    assert stack["target_group"]["arn_suffix"] == "targetgroup/greenleaf-prod/0000000000000000"
    assert stack["repositories"]["backend"] == "123456789012.dkr.ecr.eu-west-3.amazonaws.com/greenleaf/backend"


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    return {leaf for item in value for leaf in leaves(item)} if isinstance(value, list) else {value}


def test_every_stand_in_is_listed_and_nothing_that_is_known():
    stack, made = foreseen(PROD)
    assert made == sorted(set(made))
    assert set(made) <= leaves(stack)
    known = {"greenleaf-prod", "10.0.0.0/16", "eu-west-3a", "eu-west-3b", *stack["repositories"].values()}
    assert {leaf for leaf in leaves(stack) - leaves(assembled()) if isinstance(leaf, str)} == set(made) | known


def test_stand_ins_are_well_formed_and_all_different():
    stack = foreseen(PROD)[0]
    ids = [zone[field] for zone in stack["zones"] for field in ("public_subnet_id", "private_subnet_id")]
    ids += [*stack["route_tables"].values(), *stack["security_groups"].values(), stack["vpc"]["id"]]
    assert len(set(ids)) == len(ids)
    assert all(len(identifier.rpartition("-")[2]) == 17 for identifier in ids)


def test_what_is_there_stays():
    there = {
        "vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.9.0.0/16"}],
        "subnets": [subnet(1, "eu-west-3a", "public")],
        "route_tables": [{"RouteTableId": "rtb-1", "Tags": tags("private-eu-west-3a")}],
        "security_groups": [{"GroupId": "sg-1", "Tags": tags("app")}],
        "db_instances": [
            {
                "DBInstanceIdentifier": "greenleaf-prod",
                "DBInstanceStatus": "available",
                "Endpoint": {"Address": "db.example", "Port": 5433},
            }
        ],
        "launch_templates": [{"LaunchTemplateName": "greenleaf-prod-node", "LaunchTemplateId": "lt-1", "LatestVersionNumber": 3}],
        "repositories": [{"repositoryName": "greenleaf/backend", "repositoryUri": "elsewhere/greenleaf/backend"}],
    }
    stack, made = foreseen(PROD, assembled(**there))
    assert stack["vpc"] == {"id": "vpc-1", "cidr_block": "10.9.0.0/16"}
    assert stack["zones"][0]["public_subnet_id"] == "subnet-1"
    assert stack["zones"][0]["private_route_table_id"] == stack["route_tables"]["private-eu-west-3a"] == "rtb-1"
    assert stack["security_groups"]["app"] == "sg-1"
    assert (stack["rds"]["address"], stack["rds"]["port"]) == ("db.example", 5433)
    assert stack["launch_templates"]["node"] == {"id": "lt-1", "version": 3}
    assert stack["repositories"]["backend"] == "elsewhere/greenleaf/backend"
    assert {"vpc-1", "subnet-1", "rtb-1", "sg-1", "db.example", "lt-1"}.isdisjoint(made)
    assert "subnet-00000000000000001" in made  # the zone's private one


def test_a_zone_that_is_no_longer_declared_stays():
    stack = foreseen(["vpc"], assembled(subnets=[subnet(9, "eu-west-3c", "public")]))[0]
    assert [zone["name"] for zone in stack["zones"]] == ["eu-west-3a", "eu-west-3b", "eu-west-3c"]
    assert stack["subnets"]["public"][2] == "subnet-9"


def test_a_zone_without_private_subnet_gets_none():
    stack = foreseen(["vpc", "nat_instance"], zones=[{"name": "eu-west-3a", "public_cidr": "10.0.1.0/24"}])[0]
    (zone,) = stack["zones"]
    assert (zone["private_subnet_id"], zone["private_route_table_id"]) == ("", "")
    assert stack["subnets"]["private"] == []
    assert list(stack["route_tables"]) == ["public"]


def test_other_partitions():
    scope = Scope("greenleaf", "prod", "cn-north-1", "123456789012", "aws-cn")
    assert scope.arn("sns", "alerts") == "arn:aws-cn:sns:cn-north-1:123456789012:alerts"
