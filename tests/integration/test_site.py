# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""prod from nothing: what the plan tells, what the run makes as the API has it, and that a second run finds nothing to do."""

from __future__ import annotations

import base64
import json
import re

import pytest

from tests.integration.playbooks import bill

pytestmark = pytest.mark.site

AWS = ("amazon.aws.", "community.aws.", "greenleaf.cloud.")
ANYWHERE = "0.0.0.0/0"
ZONES = ["eu-west-3a", "eu-west-3b"]


@pytest.fixture(scope="module")
def aws(site, prod):
    return site.aws


def tags(item):
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags", item.get("TagSet", item.get("TagList", [])))}


def ours(*more, environment="prod"):
    """EC2's filter of what belongs to an environment."""
    return [{"Name": "tag:Project", "Values": ["greenleaf"]}, {"Name": "tag:Environment", "Values": [environment]}, *more]


def by_name(items, environment="prod"):
    return {tags(item)["Name"].removeprefix(f"greenleaf-{environment}").lstrip("-"): item for item in items}


@pytest.fixture(scope="module")
def vpc(aws):
    (vpc,) = aws("ec2").describe_vpcs(Filters=ours())["Vpcs"]
    return vpc


@pytest.fixture(scope="module")
def subnets(aws):
    return by_name(aws("ec2").describe_subnets(Filters=ours())["Subnets"])


@pytest.fixture(scope="module")
def route_tables(aws):
    return by_name(aws("ec2").describe_route_tables(Filters=ours())["RouteTables"])


@pytest.fixture(scope="module")
def groups(aws):
    return by_name(aws("ec2").describe_security_groups(Filters=ours())["SecurityGroups"])


@pytest.fixture(scope="module")
def app_template(aws):
    (version,) = aws("ec2").describe_launch_template_versions(LaunchTemplateName="greenleaf-prod-node", Versions=["$Latest"])[
        "LaunchTemplateVersions"
    ]
    return version["LaunchTemplateData"]


@pytest.fixture(scope="module")
def app_group(aws):
    (group,) = aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["greenleaf-prod-app"])["AutoScalingGroups"]
    return group


@pytest.fixture(scope="module")
def load_balancer(aws):
    (balancer,) = aws("elbv2").describe_load_balancers(Names=["greenleaf-prod"])["LoadBalancers"]
    return balancer


@pytest.fixture(scope="module")
def target_group(aws):
    (group,) = aws("elbv2").describe_target_groups(Names=["greenleaf-prod"])["TargetGroups"]
    return group


class TestPlan:
    def test_writes_nothing(self, prod_plan):
        assert prod_plan.writes == []
        assert prod_plan.components == prod_plan.changed == bill("prod")

    def test_lists_what_the_run_makes(self, prod_plan, prod, site):
        assert {told.name for told in prod_plan.changes} == {told.name for told in prod.first.changes}

        planned = {name: json.dumps([told.result for told in prod_plan.changes if told.component == name]) for name in prod_plan.changed}
        filters = [{"Key": "Project", "Values": ["greenleaf"]}, {"Key": "Environment", "Values": ["prod", "shared"]}]
        pages = site.aws("resourcegroupstaggingapi").get_paginator("get_resources").paginate(TagFilters=filters)
        for resource in (resource for page in pages for resource in page["ResourceTagMappingList"]):
            name = tags(resource).get("Name") or re.split("[:/]", resource["ResourceARN"])[-1]
            assert name in planned[tags(resource)["Component"]], resource["ResourceARN"]

    def test_tells_no_stand_in_as_an_output(self, prod_plan):
        (outputs,) = (told.result["msg"] for told in prod_plan.told if told.task == "Tell")
        assert outputs["vpc_id"] == outputs["load_balancer"] == outputs["database"] == outputs["cache"] == "(known after apply)"


class TestRun:
    def test_every_component_takes_part(self, prod):
        assert prod.first.changed == bill("prod")

    def test_again_changes_nothing(self, prod):
        assert prod.second.components == bill("prod")
        assert prod.second.changes == []
        assert prod.second.writes == []

    def test_is_short(self, prod):
        modules = [told.task for told in prod.second.told if told.action.startswith(AWS)]
        assert len(modules) <= 90
        (calls,) = {told.result["calls"] for told in prod.second.told if told.action == "greenleaf.cloud.stack_info"}
        assert calls <= 40

    def test_tells_the_outputs(self, prod, vpc, load_balancer):
        (outputs,) = (told.result["msg"] for told in prod.first.told if told.task == "Tell")
        assert outputs["vpc_id"] == vpc["VpcId"]
        assert outputs["load_balancer"] == load_balancer["DNSName"]
        assert outputs["database"].startswith("greenleaf-prod.")
        assert outputs["cache"].startswith("master.greenleaf-prod.")


class TestNetwork:
    def test_vpc(self, aws, vpc):
        assert vpc["CidrBlock"] == "10.0.0.0/16"
        for attribute in ("enableDnsSupport", "enableDnsHostnames"):
            answer = aws("ec2").describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
            assert answer[attribute[0].upper() + attribute[1:]]["Value"]

    def test_subnets_of_every_zone(self, subnets, vpc):
        assert {name: (subnet["AvailabilityZone"], subnet["CidrBlock"]) for name, subnet in subnets.items()} == {
            "public-eu-west-3a": ("eu-west-3a", "10.0.1.0/24"),
            "public-eu-west-3b": ("eu-west-3b", "10.0.2.0/24"),
            "private-eu-west-3a": ("eu-west-3a", "10.0.10.0/24"),
            "private-eu-west-3b": ("eu-west-3b", "10.0.20.0/24"),
        }
        assert {subnet["VpcId"] for subnet in subnets.values()} == {vpc["VpcId"]}
        assert {name: subnet["MapPublicIpOnLaunch"] for name, subnet in subnets.items()} == {
            name: name.startswith("public") for name in subnets
        }

    def test_public_route_table_leads_to_the_internet_gateway(self, aws, subnets, route_tables, vpc):
        (gateway,) = aws("ec2").describe_internet_gateways(Filters=ours())["InternetGateways"]
        assert [attachment["VpcId"] for attachment in gateway["Attachments"]] == [vpc["VpcId"]]
        table = route_tables["public"]
        assert default_route(table)["GatewayId"] == gateway["InternetGatewayId"]
        assert associated(table) == {subnets[f"public-{zone}"]["SubnetId"] for zone in ZONES}

    @pytest.mark.parametrize("zone", ZONES)
    def test_private_route_table_leads_to_the_network_interface_of_its_zone(self, aws, subnets, route_tables, zone):
        interface = by_name(aws("ec2").describe_network_interfaces(Filters=ours())["NetworkInterfaces"])[f"nat-{zone}"]
        assert interface["AvailabilityZone"] == zone
        assert interface["SubnetId"] == subnets[f"public-{zone}"]["SubnetId"]
        table = route_tables[f"private-{zone}"]
        assert default_route(table)["NetworkInterfaceId"] == interface["NetworkInterfaceId"]
        assert associated(table) == {subnets[f"private-{zone}"]["SubnetId"]}

    def test_s3_is_reached_by_a_gateway_endpoint(self, aws, route_tables):
        (endpoint,) = aws("ec2").describe_vpc_endpoints(Filters=ours())["VpcEndpoints"]
        assert (endpoint["VpcEndpointType"], endpoint["ServiceName"]) == ("Gateway", "com.amazonaws.eu-west-3.s3")
        assert set(endpoint["RouteTableIds"]) == {table["RouteTableId"] for table in route_tables.values()}

    def test_default_security_group_is_closed(self, aws, vpc):
        filters = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
        (group,) = aws("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
        assert group["IpPermissions"] == group["IpPermissionsEgress"] == []


def default_route(table):
    (route,) = (route for route in table["Routes"] if route.get("DestinationCidrBlock") == ANYWHERE)
    assert route["State"] == "active"
    return route


def associated(table):
    return {association["SubnetId"] for association in table["Associations"]}


@pytest.mark.parametrize("zone", ZONES)
class TestNatInstance:
    @pytest.fixture
    def group(self, aws, zone):
        (group,) = aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[f"greenleaf-prod-nat-{zone}"])[
            "AutoScalingGroups"
        ]
        return group

    @pytest.fixture
    def template(self, aws, group):
        wanted = group["LaunchTemplate"]
        (version,) = aws("ec2").describe_launch_template_versions(
            LaunchTemplateId=wanted["LaunchTemplateId"], Versions=[wanted["Version"]]
        )["LaunchTemplateVersions"]
        return version["LaunchTemplateData"]

    def test_interface_does_not_check_source_and_destination(self, aws, zone, groups):
        interface = by_name(aws("ec2").describe_network_interfaces(Filters=ours())["NetworkInterfaces"])[f"nat-{zone}"]
        assert interface["SourceDestCheck"] is False
        assert [group["GroupId"] for group in interface["Groups"]] == [groups["nat"]["GroupId"]]

    def test_group_keeps_one_alive_in_its_zone(self, group, subnets, zone):
        assert (group["MinSize"], group["DesiredCapacity"], group["MaxSize"]) == (1, 1, 1)
        assert group["VPCZoneIdentifier"] == subnets[f"public-{zone}"]["SubnetId"]
        (instance,) = group["Instances"]
        assert (instance["AvailabilityZone"], instance["LifecycleState"]) == (zone, "InService")

    def test_one_that_does_not_route_is_abandoned(self, aws, group):
        (hook,) = aws("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=group["AutoScalingGroupName"])["LifecycleHooks"]
        assert (hook["LifecycleTransition"], hook["DefaultResult"]) == ("autoscaling:EC2_INSTANCE_LAUNCHING", "ABANDON")

    def test_template(self, aws, template, zone, groups):
        (image,) = aws("ec2").describe_images(ImageIds=[template["ImageId"]])["Images"]
        assert image["Name"].startswith("al2023-ami-")
        assert template["InstanceType"] == "t3.nano"
        assert template["MetadataOptions"]["HttpTokens"] == "required"
        (disk,) = template["BlockDeviceMappings"]
        assert (disk["Ebs"]["Encrypted"], disk["Ebs"]["VolumeType"]) == (True, "gp3")
        (network,) = template["NetworkInterfaces"]
        assert (network["AssociatePublicIpAddress"], network["Groups"]) == (True, [groups["nat"]["GroupId"]])

    def test_user_data_names_the_interface_of_its_zone(self, aws, template, zone):
        interface = by_name(aws("ec2").describe_network_interfaces(Filters=ours())["NetworkInterfaces"])[f"nat-{zone}"]
        script = base64.b64decode(template["UserData"]).decode()
        assert f"INTERFACE_ID={interface['NetworkInterfaceId']}\n" in script
        assert "net.ipv4.ip_forward=1" in script
        assert "masquerade" in script


class TestFirewall:
    """5432 and 6379 from the app's group only; nothing from outside but Cloudflare."""

    def test_groups(self, groups):
        assert set(groups) == {"alb", "app", "data", "nat", "default"}

    def test_load_balancer_answers_cloudflare_only(self, groups, prod):
        ranges = {"173.245.48.0/20", "104.16.0.0/13", "172.64.0.0/13"}
        for port in (80, 443):
            (rule,) = (rule for rule in groups["alb"]["IpPermissions"] if rule["FromPort"] == port)
            assert (rule["IpProtocol"], rule["ToPort"], rule["UserIdGroupPairs"]) == ("tcp", port, [])
            allowed = {entry["CidrIp"] for entry in rule["IpRanges"]}
            assert ranges < allowed
            assert ANYWHERE not in allowed
        assert len(groups["alb"]["IpPermissions"]) == 2

    def test_app_answers_the_load_balancer_only(self, groups):
        assert peers(groups["app"]) == {("tcp", 80, 80, groups["alb"]["GroupId"])}

    def test_data_answers_the_app_only(self, groups):
        app = groups["app"]["GroupId"]
        assert peers(groups["data"]) == {("tcp", 5432, 5432, app), ("tcp", 6379, 6379, app)}
        assert groups["data"]["IpPermissionsEgress"] == []

    def test_nat_answers_the_vpc_only(self, groups):
        assert peers(groups["nat"]) == {("-1", None, None, "10.0.0.0/16")}


def peers(group):
    """Every source that a group lets in, a rule each."""
    return {
        (rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort"), peer)
        for rule in group["IpPermissions"]
        for peer in [
            *(pair["GroupId"] for pair in rule["UserIdGroupPairs"]),
            *(entry["CidrIp"] for entry in rule["IpRanges"]),
            *(entry["CidrIpv6"] for entry in rule.get("Ipv6Ranges", [])),
        ]
    }


class TestData:
    def test_database(self, aws, subnets, groups):
        (database,) = aws("rds").describe_db_instances(DBInstanceIdentifier="greenleaf-prod")["DBInstances"]
        expected = {
            "DBInstanceStatus": "available",
            "Engine": "postgres",
            "DBInstanceClass": "db.t3.medium",
            "DBName": "medusa",
            "AllocatedStorage": 20,
            "StorageType": "gp3",
            "StorageEncrypted": True,
            "MultiAZ": True,
            "DeletionProtection": True,
            "BackupRetentionPeriod": 7,
            "PubliclyAccessible": False,
        }
        assert {name: database[name] for name in expected} == expected
        assert database["EngineVersion"].startswith("15")
        assert {subnet["SubnetIdentifier"] for subnet in database["DBSubnetGroup"]["Subnets"]} == private(subnets)
        assert [group["VpcSecurityGroupId"] for group in database["VpcSecurityGroups"]] == [groups["data"]["GroupId"]]

    def test_cache(self, aws, subnets):
        (cache,) = aws("elasticache").describe_replication_groups(ReplicationGroupId="greenleaf-prod")["ReplicationGroups"]
        assert cache["Status"] == "available"
        assert cache["CacheNodeType"] == "cache.t3.micro"
        assert len(cache["MemberClusters"]) == 1
        assert cache["TransitEncryptionEnabled"]
        assert cache["AtRestEncryptionEnabled"]
        assert cache["AuthTokenEnabled"]
        (group,) = aws("elasticache").describe_cache_subnet_groups(CacheSubnetGroupName="greenleaf-prod")["CacheSubnetGroups"]
        assert {subnet["SubnetIdentifier"] for subnet in group["Subnets"]} == private(subnets)

    def test_cache_node(self, aws, groups):
        (node,) = aws("elasticache").describe_cache_clusters(CacheClusterId="greenleaf-prod-001")["CacheClusters"]
        assert node["Engine"] == "redis"
        assert node["EngineVersion"].startswith("7.")
        assert [group["SecurityGroupId"] for group in node["SecurityGroups"]] == [groups["data"]["GroupId"]]

    def test_password_is_a_secret_parameter(self, aws):
        (parameter,) = aws("ssm").get_parameters(Names=["/greenleaf/prod/rds/MASTER_PASSWORD"], WithDecryption=True)["Parameters"]
        assert parameter["Type"] == "SecureString"
        assert len(parameter["Value"]) == 40

    def test_urls_lead_to_the_endpoints(self, aws):
        (database,) = aws("rds").describe_db_instances(DBInstanceIdentifier="greenleaf-prod")["DBInstances"]
        (cache,) = aws("elasticache").describe_replication_groups(ReplicationGroupId="greenleaf-prod")["ReplicationGroups"]
        parameters = aws("ssm").get_parameters_by_path(Path="/greenleaf/prod/app", WithDecryption=True)["Parameters"]
        values = {parameter["Name"].rpartition("/")[2]: parameter["Value"] for parameter in parameters}
        assert {parameter["Type"] for parameter in parameters} == {"SecureString"}
        assert set(values) == {"JWT_SECRET", "COOKIE_SECRET", "DATABASE_URL", "REDIS_URL"}
        assert f"@{database['Endpoint']['Address']}:5432/medusa?" in values["DATABASE_URL"]
        assert f"@{cache['NodeGroups'][0]['PrimaryEndpoint']['Address']}:6379" in values["REDIS_URL"]
        assert values["REDIS_URL"].startswith("rediss://")


def private(subnets):
    return {subnet["SubnetId"] for name, subnet in subnets.items() if name.startswith("private")}


class TestLoadBalancer:
    def test_stands_in_the_public_subnets(self, load_balancer, subnets, groups):
        assert load_balancer["Scheme"] == "internet-facing"
        assert {zone["SubnetId"] for zone in load_balancer["AvailabilityZones"]} == {
            subnets[f"public-{zone}"]["SubnetId"] for zone in ZONES
        }
        assert load_balancer["SecurityGroups"] == [groups["alb"]["GroupId"]]

    def test_attributes(self, aws, load_balancer):
        answer = aws("elbv2").describe_load_balancer_attributes(LoadBalancerArn=load_balancer["LoadBalancerArn"])
        attributes = {attribute["Key"]: attribute["Value"] for attribute in answer["Attributes"]}
        assert attributes["deletion_protection.enabled"] == "true"
        assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"

    def test_target_group(self, target_group):
        expected = {
            "Protocol": "HTTP",
            "Port": 80,
            "TargetType": "instance",
            "HealthCheckPath": "/health",
            "HealthCheckIntervalSeconds": 30,
            "HealthyThresholdCount": 2,
            "UnhealthyThresholdCount": 2,
        }
        assert {name: target_group[name] for name in expected} == expected

    def test_plain_http_is_forwarded_where_there_is_no_certificate(self, aws, load_balancer, target_group):
        (listener,) = aws("elbv2").describe_listeners(LoadBalancerArn=load_balancer["LoadBalancerArn"])["Listeners"]
        assert (listener["Protocol"], listener["Port"]) == ("HTTP", 80)
        (action,) = listener["DefaultActions"]
        assert (action["Type"], action["TargetGroupArn"]) == ("forward", target_group["TargetGroupArn"])


class TestNodes:
    def test_group(self, app_group, subnets, target_group):
        assert (app_group["MinSize"], app_group["DesiredCapacity"], app_group["MaxSize"]) == (2, 2, 4)
        assert set(app_group["VPCZoneIdentifier"].split(",")) == private(subnets)
        assert app_group["TargetGroupARNs"] == [target_group["TargetGroupArn"]]
        assert (app_group["HealthCheckType"], app_group["HealthCheckGracePeriod"]) == ("ELB", 300)
        assert [instance["LifecycleState"] for instance in app_group["Instances"]] == ["InService", "InService"]

    def test_scaling_aims_at_60_percent_of_cpu(self, aws):
        (policy,) = aws("autoscaling").describe_policies(AutoScalingGroupName="greenleaf-prod-app")["ScalingPolicies"]
        assert policy["PolicyType"] == "TargetTrackingScaling"
        target = policy["TargetTrackingConfiguration"]
        assert target["PredefinedMetricSpecification"]["PredefinedMetricType"] == "ASGAverageCPUUtilization"
        assert target["TargetValue"] == 60

    def test_template(self, aws, app_template, app_group, groups):
        parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
        assert app_template["ImageId"] == aws("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
        assert app_template["InstanceType"] == "t3.small"
        assert app_template["MetadataOptions"]["HttpTokens"] == "required"
        (disk,) = app_template["BlockDeviceMappings"]
        assert (disk["Ebs"]["Encrypted"], disk["Ebs"]["VolumeType"]) == (True, "gp3")
        assert app_template["SecurityGroupIds"] == [groups["app"]["GroupId"]]
        assert app_group["LaunchTemplate"]["LaunchTemplateName"] == "greenleaf-prod-node"

    def test_user_data_starts_ansible_pull(self, app_template):
        script = base64.b64decode(app_template["UserData"]).decode()
        assert "/var/log/user-data.log" in script
        assert "ansible-core==" in script
        assert "ansible-pull" in script
        assert "/greenleaf/prod/app" in script

    def test_profile_may_read_its_own_settings_only(self, aws, app_template):
        profile = aws("iam").get_instance_profile(InstanceProfileName=app_template["IamInstanceProfile"]["Arn"].rpartition("/")[2])
        (role,) = profile["InstanceProfile"]["Roles"]
        (attached,) = aws("iam").list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
        assert attached["PolicyName"] == "AmazonSSMManagedInstanceCore"
        (name,) = aws("iam").list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
        document = aws("iam").get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
        own = {"arn:aws:ssm:eu-west-3:123456789012:parameter/greenleaf/prod/app" + rest for rest in ("", "/*")}
        settings = [statement for statement in document["Statement"] if "ssm:GetParameter" in statement["Action"]]
        assert [statement["Effect"] for statement in settings] == ["Allow", "Deny"]
        assert [set(statement.get("Resource", [])) for statement in settings] == [own, set()]
        assert [set(statement.get("NotResource", [])) for statement in settings] == [set(), own]

    def test_an_unchanged_template_starts_no_refresh(self, aws, prod):
        assert aws("autoscaling").describe_instance_refreshes(AutoScalingGroupName="greenleaf-prod-app")["InstanceRefreshes"] == []


class TestMonitoring:
    @pytest.fixture
    def alarms(self, aws):
        alarms = aws("cloudwatch").describe_alarms(AlarmNamePrefix="greenleaf-prod-")["MetricAlarms"]
        return {alarm["AlarmName"].removeprefix("greenleaf-prod-"): alarm for alarm in alarms}

    @pytest.fixture
    def topic(self, aws):
        (topic,) = (
            topic["TopicArn"] for topic in aws("sns").list_topics()["Topics"] if topic["TopicArn"].endswith(":greenleaf-prod-alerts")
        )
        return topic

    @pytest.mark.parametrize(
        ("name", "metric", "comparison", "threshold", "seconds"),
        [
            ("unhealthy-hosts", "UnHealthyHostCount", "GreaterThanOrEqualToThreshold", 1, 60),
            ("asg-cpu", "CPUUtilization", "GreaterThanThreshold", 85, 300),
            ("rds-free-storage", "FreeStorageSpace", "LessThanThreshold", 2 * 1024**3, 300),
            *((f"nat-{zone}-egress", "EgressUp", "LessThanThreshold", 1, 180) for zone in ZONES),
        ],
    )
    def test_alarm(self, alarms, topic, name, metric, comparison, threshold, seconds):
        alarm = alarms[name]
        assert (alarm["MetricName"], alarm["ComparisonOperator"], alarm["Threshold"]) == (metric, comparison, threshold)
        assert alarm["Period"] * alarm["EvaluationPeriods"] == seconds
        assert alarm["AlarmActions"] == [topic]

    def test_nobody_else_is_watched(self, alarms):
        assert len(alarms) == 5

    def test_topic_mails(self, aws, topic):
        (subscription,) = aws("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@greenleaf.example")

    def test_logs_are_kept_for_a_while(self, aws):
        groups = aws("logs").describe_log_groups(logGroupNamePrefix="/greenleaf/prod/")["logGroups"]
        assert {group["logGroupName"]: group["retentionInDays"] for group in groups} == {
            "/greenleaf/prod/app": 30,
            "/greenleaf/prod/node": 30,
        }

    def test_dashboard(self, aws, load_balancer):
        board = json.loads(aws("cloudwatch").get_dashboard(DashboardName="greenleaf-prod")["DashboardBody"])
        assert load_balancer["LoadBalancerArn"].partition(":loadbalancer/")[2] in json.dumps(board)


class TestShared:
    def test_bucket_of_run_records(self, aws):
        name = "greenleaf-state-123456789012-eu-west-3"
        s3 = aws("s3")
        assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
        assert s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        assert set(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()) == {True}

    def test_table_of_run_locks(self, aws):
        table = aws("dynamodb").describe_table(TableName="greenleaf-locks")["Table"]
        assert table["KeySchema"] == [{"AttributeName": "LockID", "KeyType": "HASH"}]
        assert table["AttributeDefinitions"] == [{"AttributeName": "LockID", "AttributeType": "S"}]
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"

    def test_repositories(self, aws):
        repositories = aws("ecr").describe_repositories()["repositories"]
        assert {repository["repositoryName"] for repository in repositories} == {"greenleaf/backend", "greenleaf/storefront"}
        assert all(repository["imageScanningConfiguration"]["scanOnPush"] for repository in repositories)
        for repository in repositories:
            assert aws("ecr").get_lifecycle_policy(repositoryName=repository["repositoryName"])["lifecyclePolicyText"]
