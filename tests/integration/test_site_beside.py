# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Three environments in one account: none touches another, and one is destroyed beside the others."""

from __future__ import annotations

import pytest

from tests.integration.playbooks import bill

pytestmark = pytest.mark.site

SHARED = {"bootstrap", "container_registry"}


@pytest.mark.parametrize("environment", ["preprod", "dev"])
def test_is_made_beside_prod(beside, environment):
    made = getattr(beside, environment)
    assert made.first.changed == bill(environment) - SHARED
    assert made.second.components == bill(environment)
    assert made.second.changes == []


def test_prod_is_not_touched(site, beside):
    assert site.state("prod") == beside.prod_before
    assert site.converge("prod").changes == []


class TestDev:
    def test_has_nothing_that_costs_much(self, site, beside):
        kinds = {kind for kind, found in site.state("dev").items() if found}
        assert {kind for kind in kinds if kind.startswith(("autoscaling:", "elasticache:", "elbv2:", "rds:"))} == set()
        assert "ec2:describe_nat_gateways" not in kinds
        (network,) = site.state("dev")["ec2:describe_network_interfaces"]
        assert network["Attachment"]["DeviceIndex"] == 0

    def test_is_one_spot_machine(self, site, beside):
        (reservation,) = site.state("dev")["ec2:describe_instances"]
        (machine,) = reservation["Instances"]
        assert (machine["InstanceLifecycle"], machine["InstanceType"]) == ("spot", "t3.small")
        assert machine["MetadataOptions"]["HttpTokens"] == "required"
        (request,) = site.state("dev")["ec2:describe_spot_instance_requests"]
        assert (request["InstanceId"], float(request["SpotPrice"])) == (machine["InstanceId"], 0.015)

    def test_machine_stands_in_the_public_subnet(self, site, beside):
        (reservation,) = site.state("dev")["ec2:describe_instances"]
        (subnet,) = site.state("dev")["ec2:describe_subnets"]
        assert reservation["Instances"][0]["SubnetId"] == subnet["SubnetId"]
        assert subnet["MapPublicIpOnLaunch"]
        assert reservation["Instances"][0]["PublicIpAddress"]

    def test_machine_answers_the_declared_networks_on_http_only(self, site, beside):
        (group,) = (group for group in site.state("dev")["ec2:describe_security_groups"] if group["GroupName"] == "greenleaf-dev-app")
        (rule,) = group["IpPermissions"]
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"], rule["UserIdGroupPairs"]) == ("tcp", 80, 80, [])
        allowed = {entry["CidrIp"] for entry in rule["IpRanges"]}
        assert "173.245.48.0/20" in allowed
        assert "0.0.0.0/0" not in allowed
        (reservation,) = site.state("dev")["ec2:describe_instances"]
        assert [member["GroupId"] for member in reservation["Instances"][0]["SecurityGroups"]] == [group["GroupId"]]

    def test_database_and_cache_run_beside_the_shop(self, site, beside):
        found = site.aws("ssm").get_parameters_by_path(Path="/greenleaf/dev/app", WithDecryption=True)["Parameters"]
        values = {parameter["Name"].rpartition("/")[2]: parameter["Value"] for parameter in found}
        assert "@postgres:5432/medusa?" in values["DATABASE_URL"]
        assert values["REDIS_URL"] == "redis://redis:6379"


class TestDestroy:
    def refused(self, site, environment, *arguments):
        run = site.play("playbooks/destroy.yml", environment, *arguments, fails=True)
        assert run.writes == []
        assert run.message.startswith("Nothing was deleted.")
        return run.message

    def test_is_refused_while_prod_is_protected(self, site, prod):
        assert "greenleaf_protect=false" in self.refused(site, "prod", "-e", "confirm=prod")

    @pytest.mark.parametrize("arguments", [[], ["-e", "confirm=prod"]], ids=["none", "another"])
    def test_is_refused_without_the_name(self, site, beside, arguments):
        assert "-e confirm=preprod" in self.refused(site, "preprod", *arguments)

    def test_leaves_nothing_and_touches_nobody(self, site, beside):
        others = {name: site.state(name) for name in ("prod", "dev", "shared")}

        destroyed = site.play("playbooks/destroy.yml", "preprod", "-e", "confirm=preprod")

        assert destroyed.changed == bill("preprod") - SHARED
        assert site.state("preprod") == {}
        assert {name: site.state(name) for name in others} == others
        again = site.play("playbooks/destroy.yml", "preprod", "-e", "confirm=preprod")
        assert again.changes == []
        assert again.writes == []
