# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import re

import pytest
from ansible_collections.greenleaf.cloud.plugins.modules import wait_for

from tests.integration.playbooks import run

NAME = "greenleaf-test"
KINDS = ["db_instance", "replication_group", "load_balancer", "autoscaling_group", "nat_gateway"]


@pytest.fixture(autouse=True)
def _hurry(monkeypatch):
    monkeypatch.setattr(wait_for, "INTERVAL", 0.01)


@pytest.fixture
def look(run_module, account):
    """One look at a kind, of which nothing is changed; gives its status and whether the waiting is over."""

    def look(kind, name=NAME, **options):
        mark = account.mark()
        result = run_module("wait_for", kind=kind, name=name, **options)
        assert account.writes(mark) == []
        assert result["changed"] is False
        return result["status"], result["done"]

    return look


@pytest.fixture
def subnets(aws):
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-west-3{zone}")["Subnet"]["SubnetId"]
        for number, zone in enumerate("ab")
    ]


@pytest.fixture
def database(aws, subnets):
    rds = aws("rds")
    rds.create_db_subnet_group(DBSubnetGroupName=NAME, DBSubnetGroupDescription="x", SubnetIds=subnets)
    rds.create_db_instance(
        DBInstanceIdentifier=NAME,
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="medusa",
        MasterUserPassword=NAME,
        DBSubnetGroupName=NAME,
    )
    return rds


@pytest.fixture
def cache(aws, subnets):
    elasticache = aws("elasticache")
    elasticache.create_cache_subnet_group(CacheSubnetGroupName=NAME, CacheSubnetGroupDescription="x", SubnetIds=subnets)
    elasticache.create_replication_group(
        ReplicationGroupId=NAME,
        ReplicationGroupDescription="x",
        Engine="redis",
        CacheNodeType="cache.t3.micro",
        NumCacheClusters=1,
        CacheSubnetGroupName=NAME,
    )
    return elasticache


@pytest.fixture
def group(aws, subnets):
    ec2, autoscaling = aws("ec2"), aws("autoscaling")
    image = aws("ssm").get_parameter(Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64")["Parameter"]["Value"]
    ec2.create_launch_template(LaunchTemplateName=NAME, LaunchTemplateData={"ImageId": image, "InstanceType": "t3.nano"})
    autoscaling.create_auto_scaling_group(
        AutoScalingGroupName=NAME,
        LaunchTemplate={"LaunchTemplateName": NAME, "Version": "1"},
        MinSize=2,
        MaxSize=4,
        VPCZoneIdentifier=",".join(subnets),
    )
    return autoscaling


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there(look, kind):
    assert look(kind, patience=0) == ("", False)
    assert look(kind, state="absent") == ("", True)


def test_a_database(look, database):
    assert look("db_instance") == ("available", True)
    assert look("db_instance", state="absent", patience=0)[1] is False


def test_a_database_that_was_stopped_is_not_waited_for(look, database):
    database.stop_db_instance(DBInstanceIdentifier=NAME)
    look("db_instance", patience=0)  # whatever it is called on its way
    assert look("db_instance", patience=1) == ("stopped", True)


def test_a_cache(look, cache):
    assert look("replication_group", patience=0) == ("creating", False)
    assert look("replication_group", patience=0) == ("available", True)


def test_a_look_lasts_until_it_is_ready(look, cache):
    assert look("replication_group") == ("available", True)


def test_a_load_balancer(look, aws, subnets):
    elb = aws("elbv2")
    arn = elb.create_load_balancer(Name=NAME, Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    assert look("load_balancer") == ("active", True)
    elb.delete_load_balancer(LoadBalancerArn=arn)
    assert look("load_balancer", state="absent") == ("", True)


def test_a_group_of_machines(look, group):
    assert look("autoscaling_group") == ("2 of 2 in service", True)


def test_a_group_of_machines_that_is_being_deleted(look, group):
    group.delete_auto_scaling_group(AutoScalingGroupName=NAME, ForceDelete=True)
    assert look("autoscaling_group", state="absent", patience=0) == ("0 of 0 in service", False)
    assert look("autoscaling_group", state="absent") == ("", True)


def test_an_instance_refresh(look, group):
    assert look("instance_refresh") == ("none", True)
    group.start_instance_refresh(AutoScalingGroupName=NAME)
    assert look("instance_refresh", patience=0) == ("Pending 0 %", False)
    assert look("instance_refresh") == ("Successful 100 %", True)


def test_the_last_of_two_refreshes_counts(look, run_module, group):
    unhealthy = {"ResourceId": NAME, "ResourceType": "auto-scaling-group", "Key": "sandbox:launches", "Value": "unhealthy"}
    group.create_or_update_tags(Tags=[unhealthy | {"PropagateAtLaunch": False}])
    group.start_instance_refresh(AutoScalingGroupName=NAME)
    result = run_module("wait_for", fails=True, kind="instance_refresh", name=NAME)
    assert result["msg"] == f"Instance refresh of {NAME} is Failed 0 %: New instances failed their health checks."
    group.delete_tags(Tags=[unhealthy])
    group.start_instance_refresh(AutoScalingGroupName=NAME)
    assert look("instance_refresh") == ("Successful 100 %", True)


def test_a_nat_gateway(look, aws, subnets):
    ec2 = aws("ec2")
    gateway = ec2.create_nat_gateway(SubnetId=subnets[0], ConnectivityType="private")["NatGateway"]["NatGatewayId"]
    assert look("nat_gateway", gateway) == ("available", True)
    ec2.delete_nat_gateway(NatGatewayId=gateway)
    assert look("nat_gateway", gateway, state="absent") == ("", True)


def test_check_mode_asks_nothing(run_module, account):
    mark = account.mark()
    assert run_module("wait_for", check_mode=True, kind="db_instance", name=NAME)["done"] is True
    assert account.requests(mark) == []


def test_a_refresh_is_never_gone(run_module, account):
    mark = account.mark()
    assert "use ready" in run_module("wait_for", fails=True, kind="instance_refresh", name=NAME, state="absent")["msg"]
    assert account.requests(mark) == []


def test_an_error_names_what_was_looked_at(run_module, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_RDS", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    message = run_module("wait_for", fails=True, kind="db_instance", name=NAME)["msg"]
    assert message.startswith(f"Failed to look at RDS instance {NAME}: Could not connect")


PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  module_defaults: {group/greenleaf.cloud.aws: {region: eu-west-3}}
  tasks:
    - name: Wait
      greenleaf.cloud.wait_for: {kind: %s, name: greenleaf-test, timeout: %d, patience: 0}
"""


@pytest.fixture
def play(account, tmp_path):
    def play(kind, timeout, *arguments, **options):
        (tmp_path / "playbook.yml").write_text(PLAYBOOK % (kind, timeout))
        return run(account, "ansible-playbook", tmp_path / "playbook.yml", "-i", "localhost,", *arguments, **options)

    return play


def test_a_playbook_tells_while_it_waits(play, cache):
    done = play("replication_group", 60)
    line = r"localhost: waiting until ElastiCache replication group greenleaf-test is ready, since \d\d:\d\d:\d\d \(\d+ s\): creating"
    assert len(re.findall(line, done.output)) == 1
    (told,) = done.told
    assert (told.result["status"], told.changed) == ("available", False)
    assert told.result["waited"] >= 0
    assert done.writes == []


def test_a_playbook_gives_up(play):
    done = play("db_instance", 1, fails=True)
    assert re.fullmatch(
        r"RDS instance greenleaf-test is not ready after \d+ seconds, but not there: run again to go on waiting, or raise timeout \(1\)\.",
        done.message,
    )


def test_a_playbook_in_check_mode_does_not_wait(play):
    assert play("db_instance", 600, "--check").requests == []
