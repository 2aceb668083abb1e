# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What cannot end well ends before it begins: told by the variable's name and its mend, everything at once, and nothing is written."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.integration.playbooks import ROOT, Run, copy_inventory, run

MEND = re.compile(r"[:;] (add|change|choose|did you mean|give|leave|lower|move|put|use) ")
WEAK = "hunter2-hunter2"
UNPRINTABLE = "hidden\u00e9\u00e8-Aa1!Bb2?Cc3"


@pytest.fixture
def refused(account, tmp_path):
    """Runs site.yml on an inventory with the given mistakes, for real, and returns what the run says."""

    def converge(environment: str, /, *arguments: str, **edits) -> str:
        done: Run = run(
            account, "ansible-playbook", "site.yml", "-i", copy_inventory(environment, tmp_path, **edits), *arguments, fails=True
        )
        assert done.writes == []
        assert done.message.startswith("Nothing was changed. Mend this first:\n")
        assert done.message in done.output  # as it stands, line by line
        return done.message

    return converge


def declared(environment, component):
    return yaml.safe_load((ROOT / "inventories" / environment / "host_vars" / f"{component}.yml").read_text())


def test_misspelt_names(refused):
    message = refused(
        "prod",
        hosts={"components": {"hosts": dict.fromkeys(["vpc", "security_groups", "rds", "alb_asg", "elasticashe"])}},
        environment={"greenleaf_alert_emial": "a@greenleaf.example", "rds_multi_azz": False, "grenleaf_protect": False},
        rds={"rds_instance_clas": "db.t3.micro"},
        alb_asg={"asg_max_size": 4},
        rdz={"rds_multi_az": False},
    )

    assert "elasticashe is no component: hosts.yml can list" in message
    assert "did you mean elasticache?" in message
    assert "greenleaf_alert_emial is not a variable of the environment; did you mean greenleaf_alert_email?" in message
    assert "rds_multi_azz is not a variable of rds; did you mean rds_multi_az?" in message
    assert "grenleaf_protect" in message
    assert "did you mean greenleaf_protect?" in message
    assert "rds_instance_clas is not a variable of rds; did you mean rds_instance_class?" in message
    assert "host_vars/alb_asg.yml sets asg_max_size, which alb_asg does not take; did you mean alb_asg_max_size?" in message
    assert "host_vars/rdz.yml belongs to nothing in hosts.yml; did you mean rds?" in message


def test_a_misspelt_extra_variable(refused):
    message = refused("prod", "-e", "alb_asg_max_sise=3")

    assert "alb_asg_max_sise is not a variable of alb_asg; did you mean alb_asg_max_size?" in message


def test_malformed_values(refused):
    message = refused(
        "prod",
        vpc={"vpc_zones": [{"name": "eu-west-3a"}]},
        rds={"rds_multi_az": "perhaps", "rds_allocated_storage": "twenty"},
        alb_asg={"alb_asg_max_size": [4]},
        elasticache={"elasticache_engine_version": "{{ elasticache_versionn }}"},
        app_secrets={"app_secrets_values": WEAK},
    )

    assert "vpc: missing required arguments: public_cidr found in vpc_zones" in message
    assert "rds: argument 'rds_multi_az'" in message
    assert "rds: argument 'rds_allocated_storage'" in message
    assert "alb_asg: argument 'alb_asg_max_size'" in message
    assert "elasticache_engine_version cannot be evaluated: 'elasticache_versionn' is undefined" in message
    assert "app_secrets_values is no dict: give it as one." in message
    assert WEAK not in message


def test_what_aws_would_refuse(refused):
    groups = declared("prod", "security_groups")["security_groups_groups"]
    groups[1]["ingress"] = [{"ports": [80000], "peers": "alb"}, {"ports": [80], "peers": "albb"}]
    message = refused(
        "prod",
        vpc={
            "vpc_zones": [
                {"name": "eu-west-3a", "public_cidr": "10.1.1.0/24", "private_cidr": "10.0.2.0/23"},
                {"name": "eu-west-9z", "public_cidr": "10.0.2.0/24", "private_cidr": "10.0.20.0/33"},
            ]
        },
        security_groups={"security_groups_groups": groups},
        node_template={"node_template_instance_type": "t3.enormous"},
        nat_instance={"nat_instance_instance_type": "t3.pico"},
        rds={"rds_instance_class": "db.t3.tiny"},
        elasticache={
            "elasticache_node_type": "cache.t3.tiny",
            "elasticache_engine_version": "7.9",
            "elasticache_automatic_failover": True,
        },
        alb_asg={"alb_asg_min_size": 3, "alb_asg_desired_capacity": 2, "alb_asg_max_size": 1},
        app_secrets={
            "app_secrets_values": {"SMTP_PASSWORD": WEAK, "STRIPE_SECRET": UNPRINTABLE, "EMPTY_SECRET": ""},
            "app_secrets_required": ["STRIPE_API_KEY"],
        },
    )

    problems = message.splitlines()[1:]
    for beginning in (
        "vpc_zones: public_cidr of eu-west-3a is 10.1.1.0/24, outside vpc_cidr_block 10.0.0.0/16: ",
        "vpc_zones: private_cidr of eu-west-3a (10.0.2.0/23) and public_cidr of eu-west-9z (10.0.2.0/24) overlap: ",
        "vpc_zones: private_cidr of eu-west-9z is no IPv4 range ",
        "vpc_zones names eu-west-9z, which is not a zone of this region: use eu-west-3a, eu-west-3b, eu-west-3c.",
        "security_groups_groups: ingress of app has the port 80000: ",
        "security_groups_groups: ingress of app names albb, which is no group, source or IPv4 range: ",
        "node_template_instance_type is t3.enormous, which EC2 does not offer in this region: ",
        "nat_instance_instance_type is t3.pico, which EC2 does not offer in this region: ",
        "rds_instance_class is db.t3.tiny, which RDS does not offer for PostgreSQL in this region: ",
        "elasticache_node_type is cache.t3.tiny, which ElastiCache does not offer in this region: ",
        "elasticache_engine_version is 7.9, which ElastiCache does not offer: ",
        "elasticache_automatic_failover is true, and elasticache_replicas 0, ",
        "alb_asg_min_size is 3, more than alb_asg_desired_capacity 2: ",
        "alb_asg_desired_capacity is 2, more than alb_asg_max_size 1: ",
        "app_secrets_values: SMTP_PASSWORD is weak: ",
        "app_secrets_values: STRIPE_SECRET has other characters than ASCII letters, digits and punctuation: ",
        "app_secrets_values: EMPTY_SECRET is empty: ",
        "app_secrets_required names STRIPE_API_KEY, which is missing: put it with 'aws ssm put-parameter ",
    ):
        (problem,) = (problem for problem in problems if problem.startswith(f"- {beginning}"))
        problems.remove(problem)
        assert MEND.search(problem)
    assert problems == []
    assert WEAK not in message
    assert UNPRINTABLE not in message


def test_one_zone_and_an_unknown_engine(refused):
    zones = declared("prod", "vpc")["vpc_zones"]
    message = refused("prod", vpc={"vpc_zones": zones[:1]}, rds={"rds_engine_version": "15.999"})

    assert "- vpc_zones has one zone, and a load balancer (alb_asg) needs two: add another zone." in message
    for component in ("rds", "alb_asg"):
        assert f"- vpc_zones: 1 of 1 have a private_cidr, and {component} needs 2: give more zones one." in message
    assert "- rds_engine_version is 15.999, which db.t3.medium cannot be had with: use one of 14, 15, 16, 17, or" in message
