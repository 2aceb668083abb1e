# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What sandbox.gaps adds to moto's EC2."""

from __future__ import annotations

import collections.abc as c
import typing as t

import pytest
from botocore.exceptions import ClientError

Client = t.Any
AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


@pytest.fixture
def ec2(aws: c.Callable[[str], Client]) -> Client:
    return aws("ec2")


@pytest.fixture
def image(aws: c.Callable[[str], Client]) -> str:
    return str(aws("ssm").get_parameter(Name=AL2023)["Parameter"]["Value"])


@pytest.fixture
def subnet(ec2: Client) -> str:
    return str(ec2.describe_subnets()["Subnets"][0]["SubnetId"])


def refused(code: str) -> pytest.RaisesExc[ClientError]:
    return pytest.raises(ClientError, match=code)


def tags(kind: str, **values: str) -> dict[str, t.Any]:
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in values.items()]}


def instance(ec2: Client, reservation: dict[str, t.Any]) -> dict[str, t.Any]:
    identifier = reservation["Instances"][0]["InstanceId"]
    return t.cast(dict[str, t.Any], ec2.describe_instances(InstanceIds=[identifier])["Reservations"][0]["Instances"][0])


class TestLaunchTemplates:
    def test_own_tags_are_no_part_of_the_data(self, ec2: Client) -> None:
        template = ec2.create_launch_template(
            LaunchTemplateName="app",
            LaunchTemplateData={"InstanceType": "t3.small", "TagSpecifications": [tags("volume", Of="volume")]},
            TagSpecifications=[tags("launch-template", Of="template")],
        )["LaunchTemplate"]
        version = ec2.describe_launch_template_versions(LaunchTemplateName="app")["LaunchTemplateVersions"][0]
        assert template["Tags"] == [{"Key": "Of", "Value": "template"}]
        assert version["LaunchTemplateData"]["TagSpecifications"] == [tags("volume", Of="volume")]

    def test_tags_are_those_of_now(self, ec2: Client) -> None:
        template = ec2.create_launch_template(LaunchTemplateName="app", LaunchTemplateData={"InstanceType": "t3.small"})["LaunchTemplate"]
        ec2.create_tags(Resources=[template["LaunchTemplateId"]], Tags=[{"Key": "Late", "Value": "yes"}])
        assert ec2.describe_launch_templates()["LaunchTemplates"][0]["Tags"] == [{"Key": "Late", "Value": "yes"}]

    def test_source_version_fills_in(self, ec2: Client) -> None:
        ec2.create_launch_template(LaunchTemplateName="app", LaunchTemplateData={"InstanceType": "t3.small", "EbsOptimized": True})
        version = ec2.create_launch_template_version(
            LaunchTemplateName="app", SourceVersion="1", LaunchTemplateData={"InstanceType": "t3.medium"}
        )["LaunchTemplateVersion"]
        assert version["LaunchTemplateData"] == {"InstanceType": "t3.medium", "EbsOptimized": True}

    def test_versions_are_deleted_but_for_the_default(self, ec2: Client) -> None:
        ec2.create_launch_template(LaunchTemplateName="app", LaunchTemplateData={"InstanceType": "t3.small"})
        for size in ("medium", "large"):
            ec2.create_launch_template_version(LaunchTemplateName="app", LaunchTemplateData={"InstanceType": f"t3.{size}"})
        answer = ec2.delete_launch_template_versions(LaunchTemplateName="app", Versions=["1", "2", "9"])
        failed = answer["UnsuccessfullyDeletedLaunchTemplateVersions"]
        assert [item["VersionNumber"] for item in answer["SuccessfullyDeletedLaunchTemplateVersions"]] == [2]
        assert [item["ResponseError"]["Code"] for item in failed] == ["unexpectedError", "launchTemplateVersionDoesNotExist"]

        version = ec2.create_launch_template_version(LaunchTemplateName="app", LaunchTemplateData={"InstanceType": "t3.nano"})
        assert version["LaunchTemplateVersion"]["VersionNumber"] == 4
        versions = ec2.describe_launch_template_versions(LaunchTemplateName="app")["LaunchTemplateVersions"]
        assert [version["VersionNumber"] for version in versions] == [1, 3, 4]
        latest = ec2.describe_launch_template_versions(LaunchTemplateName="app", Versions=["$Latest"])["LaunchTemplateVersions"]
        assert latest[0]["LaunchTemplateData"]["InstanceType"] == "t3.nano"
        with refused("VersionNotFound"):
            ec2.describe_launch_template_versions(LaunchTemplateName="app", Versions=["2"])


class TestRunInstances:
    def test_unknown_image_and_type_are_refused(self, ec2: Client, image: str, subnet: str) -> None:
        with refused("InvalidAMIID.NotFound"):
            ec2.run_instances(MinCount=1, MaxCount=1, ImageId="ami-0123456789abcdef0", InstanceType="t3.nano", SubnetId=subnet)
        with refused("InvalidInstanceType|InvalidParameterValue"):
            ec2.run_instances(MinCount=1, MaxCount=1, ImageId=image, InstanceType="t3.huge", SubnetId=subnet)

    def test_refused_launch_leaves_nothing(self, ec2: Client, image: str, subnet: str) -> None:
        data = {"ImageId": image, "InstanceType": "t3.nano", "IamInstanceProfile": {"Name": "missing"}}
        ec2.create_launch_template(LaunchTemplateName="app", LaunchTemplateData=data)
        for code, where in (
            ("InvalidSubnetID.NotFound", "subnet-0123456789abcdef0"),
            ("InvalidParameterValue.*iamInstanceProfile", subnet),
        ):
            launch = {"LaunchTemplate": {"LaunchTemplateName": "app"}} if where == subnet else {"ImageId": image, "InstanceType": "t3.nano"}
            with refused(code):
                ec2.run_instances(MinCount=1, MaxCount=1, SubnetId=where, **launch)
        assert not ec2.describe_instances()["Reservations"]
        assert not ec2.describe_network_interfaces()["NetworkInterfaces"]

    def test_launch_template_says_what_the_request_leaves_open(
        self, aws: c.Callable[[str], Client], ec2: Client, image: str, subnet: str
    ) -> None:
        aws("iam").create_instance_profile(InstanceProfileName="node")
        ec2.create_launch_template(
            LaunchTemplateName="app",
            LaunchTemplateData={
                "ImageId": image,
                "InstanceType": "t3.small",
                "IamInstanceProfile": {"Name": "node"},
                "MetadataOptions": {"HttpTokens": "required"},
                "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "VolumeType": "gp3", "Encrypted": True}}],
                "TagSpecifications": [tags("instance", Name="app"), tags("volume", Name="root"), tags("network-interface", Name="eth")],
            },
        )
        launched = instance(ec2, ec2.run_instances(MinCount=1, MaxCount=1, SubnetId=subnet, LaunchTemplate={"LaunchTemplateName": "app"}))
        assert launched["IamInstanceProfile"]["Arn"].endswith(":instance-profile/node")
        assert launched["MetadataOptions"]["HttpTokens"] == "required"
        assert [mapping["DeviceName"] for mapping in launched["BlockDeviceMappings"]] == ["/dev/xvda"]
        volume = ec2.describe_volumes(VolumeIds=[launched["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]])["Volumes"][0]
        assert (volume["Size"], volume["VolumeType"], volume["Encrypted"]) == (20, "gp3", True)
        assert volume["Tags"] == [{"Key": "Name", "Value": "root"}]
        interface = ec2.describe_network_interfaces(NetworkInterfaceIds=[launched["NetworkInterfaces"][0]["NetworkInterfaceId"]])
        assert interface["NetworkInterfaces"][0]["TagSet"] == [{"Key": "Name", "Value": "eth"}]

    def test_interfaces_exclude_subnet_and_groups(self, ec2: Client, image: str, subnet: str) -> None:
        interfaces = [{"DeviceIndex": 0, "SubnetId": subnet, "AssociatePublicIpAddress": True}]
        request = {"MinCount": 1, "MaxCount": 1, "ImageId": image, "InstanceType": "t3.nano", "NetworkInterfaces": interfaces}
        for parameter in ({"SubnetId": subnet}, {"SecurityGroupIds": ["sg-0123456789abcdef0"]}):
            with refused("InvalidParameterCombination"):
                ec2.run_instances(**request, **parameter)
        assert instance(ec2, ec2.run_instances(**request))["PublicIpAddress"]

    def test_client_token_launches_once(self, ec2: Client, image: str, subnet: str) -> None:
        request = {"MinCount": 1, "MaxCount": 1, "ImageId": image, "InstanceType": "t3.nano", "SubnetId": subnet, "ClientToken": "once"}
        first, second = ec2.run_instances(**request), ec2.run_instances(**request)
        assert first["Instances"][0]["InstanceId"] == second["Instances"][0]["InstanceId"]
        ec2.terminate_instances(InstanceIds=[first["Instances"][0]["InstanceId"]])
        with refused("IdempotentInstanceTerminated"):
            ec2.run_instances(**request)

    def test_termination_takes_own_interfaces_and_frees_others(self, ec2: Client, image: str, subnet: str) -> None:
        static = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
        launched = instance(ec2, ec2.run_instances(MinCount=1, MaxCount=1, ImageId=image, InstanceType="t3.nano", SubnetId=subnet))
        ec2.attach_network_interface(NetworkInterfaceId=static, InstanceId=launched["InstanceId"], DeviceIndex=1)
        for _ in range(2):
            ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])
        left = ec2.describe_network_interfaces()["NetworkInterfaces"]
        assert [(interface["NetworkInterfaceId"], interface["Status"]) for interface in left] == [(static, "available")]
        assert not ec2.describe_volumes()["Volumes"]

    def test_groups_of_an_interface_are_its_own(self, ec2: Client, image: str, subnet: str) -> None:
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        mine, other, late = (
            ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in ("mine", "other", "late")
        )
        static = ec2.create_network_interface(SubnetId=subnet, Groups=[mine])["NetworkInterface"]["NetworkInterfaceId"]
        request = {
            "MinCount": 1,
            "MaxCount": 1,
            "ImageId": image,
            "InstanceType": "t3.nano",
            "SubnetId": subnet,
            "SecurityGroupIds": [other],
        }
        launched = instance(ec2, ec2.run_instances(**request))
        ec2.attach_network_interface(NetworkInterfaceId=static, InstanceId=launched["InstanceId"], DeviceIndex=1)
        ec2.modify_instance_attribute(InstanceId=launched["InstanceId"], Groups=[late])
        groups = {
            interface["NetworkInterfaceId"]: [group["GroupId"] for group in interface["Groups"]]
            for interface in ec2.describe_network_interfaces()["NetworkInterfaces"]
        }
        assert groups == {static: [mine], launched["NetworkInterfaces"][0]["NetworkInterfaceId"]: [late]}


class TestSpot:
    SPOT: t.ClassVar = {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.015", "SpotInstanceType": "persistent"}}

    def request(self, ec2: Client, identifier: str) -> dict[str, t.Any]:
        answer = ec2.describe_spot_instance_requests(SpotInstanceRequestIds=[identifier])
        return t.cast(dict[str, t.Any], answer["SpotInstanceRequests"][0])

    def test_instance_and_request_know_each_other(self, ec2: Client, image: str, subnet: str) -> None:
        launched = instance(
            ec2,
            ec2.run_instances(
                MinCount=1,
                MaxCount=1,
                ImageId=image,
                InstanceType="t3.small",
                SubnetId=subnet,
                InstanceMarketOptions=self.SPOT,
                TagSpecifications=[tags("spot-instances-request", Name="dev")],
            ),
        )
        assert launched["InstanceLifecycle"] == "spot"
        request = self.request(ec2, launched["SpotInstanceRequestId"])
        assert request["InstanceId"] == launched["InstanceId"]
        assert (request["State"], request["Status"]["Code"], request["Type"]) == ("active", "fulfilled", "persistent")
        assert (request["SpotPrice"], request["Tags"]) == ("0.015000", [{"Key": "Name", "Value": "dev"}])

    def test_launch_template_asks_for_spot(self, ec2: Client, image: str, subnet: str) -> None:
        data = {"ImageId": image, "InstanceType": "t3.small", "InstanceMarketOptions": {"MarketType": "spot"}}
        ec2.create_launch_template(LaunchTemplateName="dev", LaunchTemplateData=data)
        launched = instance(ec2, ec2.run_instances(MinCount=1, MaxCount=1, SubnetId=subnet, LaunchTemplate={"LaunchTemplateName": "dev"}))
        assert self.request(ec2, launched["SpotInstanceRequestId"])["Type"] == "one-time"

    def test_persistent_request_relaunches_until_it_is_cancelled(self, ec2: Client, image: str, subnet: str) -> None:
        options = {"ImageId": image, "InstanceType": "t3.small", "SubnetId": subnet, "InstanceMarketOptions": self.SPOT}
        launched = instance(ec2, ec2.run_instances(MinCount=1, MaxCount=1, **options))
        identifier = launched["SpotInstanceRequestId"]
        ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])
        again = self.request(ec2, identifier)
        assert (again["State"], again["InstanceId"] != launched["InstanceId"]) == ("active", True)

        ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=[identifier])
        ec2.terminate_instances(InstanceIds=[again["InstanceId"]])
        assert (self.request(ec2, identifier)["State"], self.request(ec2, identifier)["InstanceId"]) == ("cancelled", again["InstanceId"])
        with refused("InvalidSpotInstanceRequestID.NotFound"):
            ec2.cancel_spot_instance_requests(SpotInstanceRequestIds=["sir-missing"])


def test_offerings_by_zone(ec2: Client) -> None:
    """DescribeInstanceTypeOfferings: moto's own, held to."""

    def zones(kind: str) -> list[str]:
        filters = [{"Name": "instance-type", "Values": [kind]}]
        answer = ec2.describe_instance_type_offerings(LocationType="availability-zone", Filters=filters)
        return sorted(offering["Location"] for offering in answer["InstanceTypeOfferings"])

    assert zones("t3.nano") == ["eu-west-3a", "eu-west-3b", "eu-west-3c"]
    assert zones("t3.huge") == []
