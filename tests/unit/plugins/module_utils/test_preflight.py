# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""preflight: each rule, what it refuses and what it lets pass, and that what it says names the variable and the mend."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.preflight import Offers, problems, question, suggestion

ALL = ["eu-west-3a", "eu-west-3b", "eu-west-3c"]
OFFERS = Offers(
    zones=ALL,
    instance_types={"t3.nano": ALL, "t3.small": ALL, "c5n.large": ["eu-west-3c"], "t9.huge": []},
    db_instance_classes={
        "db.t3.medium": {"15.8": {"zones": ALL, "multi_az": True}, "16.4": {"zones": ALL, "multi_az": True}},
        "db.t3.single": {"15.8": {"zones": ALL, "multi_az": False}, "16.4": {"zones": ALL, "multi_az": True}},
        "db.t9.huge": {},
    },
    cache_engine_versions=["4.0.10", "5.0.6", "6.2", "7.0", "7.1"],
    cache_node_types={"cache.t3.micro": True, "cache.t9.huge": False},
)
ANYWHERE = {"ports": "all", "peers": "0.0.0.0/0"}
PROD = {
    "bootstrap": {"bootstrap_bucket": "greenleaf-state-123456789012-eu-west-3"},
    "vpc": {
        "vpc_cidr_block": "10.0.0.0/16",
        "vpc_zones": [
            {"name": "eu-west-3a", "public_cidr": "10.0.1.0/24", "private_cidr": "10.0.10.0/24"},
            {"name": "eu-west-3b", "public_cidr": "10.0.2.0/24", "private_cidr": "10.0.20.0/24"},
        ],
    },
    "security_groups": {
        "security_groups_groups": [
            {"name": "alb", "ingress": [{"ports": [80, 443], "peers": "cloudflare"}], "egress": [{"ports": [80], "peers": "vpc"}]},
            {"name": "app", "ingress": [{"ports": [80], "peers": ["alb", "app"]}], "egress": [ANYWHERE]},
            {"name": "data", "ingress": [{"ports": [5432, 6379], "peers": "app", "protocol": None}], "egress": None},
        ],
        "security_groups_sources": {"cloudflare": ["173.245.48.0/20", "103.21.244.0/22"], "vpc": ["10.0.0.0/16"]},
    },
    "nat_instance": {"nat_instance_name": "greenleaf-prod", "nat_instance_mode": "instance", "nat_instance_instance_type": "t3.nano"},
    "rds": {
        "rds_name": "greenleaf-prod",
        "rds_instance_class": "db.t3.medium",
        "rds_engine_version": "15",
        "rds_multi_az": True,
        "rds_allocated_storage": 20,
        "rds_backup_retention_period": 7,
    },
    "elasticache": {
        "elasticache_name": "greenleaf-prod",
        "elasticache_node_type": "cache.t3.micro",
        "elasticache_engine_version": "7.1",
        "elasticache_replicas": 0,
        "elasticache_automatic_failover": False,
        "elasticache_multi_az": False,
        "elasticache_snapshot_retention_limit": 0,
    },
    "app_secrets": {"app_secrets_path": "/greenleaf/prod/app", "app_secrets_values": {}, "app_secrets_required": [], "stored": []},
    "node_template": {"node_template_name": "greenleaf-prod-node", "node_template_instance_type": "t3.small"},
    "alb_asg": {
        "alb_asg_name": "greenleaf-prod",
        "alb_asg_min_size": 2,
        "alb_asg_desired_capacity": 2,
        "alb_asg_max_size": 4,
    },
}
DEV = {component: PROD[component] for component in ("bootstrap", "node_template", "app_secrets")} | {
    "vpc": {"vpc_cidr_block": "10.0.0.0/16", "vpc_zones": [{"name": "eu-west-3a", "public_cidr": "10.0.1.0/24"}]}
}


def found(component="vpc", without=(), **changes):
    """The problems of prod with other inputs of a component."""
    inputs = copy.deepcopy({name: given for name, given in PROD.items() if name not in without})
    inputs[component] |= {f"{component}_{name}" if name != "stored" else name: value for name, value in changes.items()}
    return problems(inputs, OFFERS)


def zone(name, number, private=True):
    return {"name": name, "public_cidr": f"10.0.{number}.0/24"} | ({"private_cidr": f"10.0.{number}0.0/24"} if private else {})


def test_prod_and_dev_are_right():
    assert problems(PROD, OFFERS) == []
    assert problems(DEV, OFFERS) == []
    assert problems({}, OFFERS) == []


def test_all_is_told_at_once():
    inputs = copy.deepcopy(PROD)
    inputs["rds"]["rds_allocated_storage"] = 5
    inputs["alb_asg"]["alb_asg_min_size"] = 3
    inputs["vpc"]["vpc_zones"][0]["public_cidr"] = "10.0.2.0/25"
    assert [sentence.split()[0] for sentence in problems(inputs, OFFERS)] == ["vpc_zones:", "alb_asg_min_size", "rds_allocated_storage"]


def test_what_is_asked_of_aws():
    assert question(PROD) == {
        "instance_types": ["t3.nano", "t3.small"],
        "db_instance_classes": ["db.t3.medium"],
        "cache_node_types": ["cache.t3.micro"],
    }
    assert question(DEV) == {"instance_types": ["t3.small"], "db_instance_classes": [], "cache_node_types": []}
    gateway = PROD | {"nat_instance": {"nat_instance_mode": "gateway", "nat_instance_instance_type": "t3.nano"}}
    assert question(gateway)["instance_types"] == ["t3.small"]


def test_suggestion():
    assert suggestion("rds_instance_clas", ["rds_instance_class", "rds_name"]) == "; did you mean rds_instance_class?"
    assert suggestion("zzz", ["rds_instance_class"]) == "."
    assert suggestion("rds", []) == "."


# Names

NAMED = [
    ("alb_asg", "name", 32),
    ("bootstrap", "bucket", 63),
    ("elasticache", "name", 40),
    ("nat_instance", "name", 60),
    ("node_template", "name", 64),
    ("rds", "name", 63),
]


@pytest.mark.parametrize(("component", "variable", "longest"), NAMED)
def test_names_are_as_long_as_aws_takes_them(component, variable, longest):
    assert found(component, **{variable: "x" * longest}) == []
    (sentence,) = found(component, **{variable: "x" * (longest + 1)})
    assert sentence == (
        f"{component}_{variable} is {'x' * (longest + 1)}, and AWS takes {longest} lower-case letters, digits and single hyphens at the "
        "most, a letter first: mend greenleaf_project or greenleaf_environment, which it begins with."
    )


@pytest.mark.parametrize("name", ["Greenleaf-prod", "greenleaf_prod", "greenleaf--prod", "greenleaf-", "1-greenleaf", "green.leaf", ""])
def test_names_are_written_as_aws_takes_them(name):
    (sentence,) = found("rds", name=name)
    assert sentence.startswith(f"rds_name is {name}, and AWS takes")


# Zones


@pytest.mark.parametrize(
    ("without", "zones", "sentences"),
    [
        (["rds", "alb_asg"], [zone("eu-west-3a", 1)], []),
        ([], [zone(name, number) for number, name in enumerate(ALL, 1)], []),
        ([], [], ["vpc_zones is empty: declare one zone at least, with its name and public_cidr."]),
        (
            [],
            [zone("eu-west-3a", 1), zone("eu-west-3b", 2), zone("eu-west-3a", 3)],
            ["vpc_zones names eu-west-3a more than once: give each zone one entry."],
        ),
        (
            [],
            [zone("eu-west-3a", 1), zone("eu-west-1b", 2)],
            ["vpc_zones names eu-west-1b, which is not a zone of this region: use eu-west-3a, eu-west-3b, eu-west-3c."],
        ),
        (
            ["rds"],
            [zone("eu-west-3a", 1)],
            [
                "vpc_zones has one zone, and a load balancer (alb_asg) needs two: add another zone.",
                "vpc_zones: 1 of 1 have a private_cidr, and alb_asg needs 2: give more zones one.",
            ],
        ),
        (
            ["alb_asg", "elasticache"],
            [zone("eu-west-3a", 1), zone("eu-west-3b", 2, private=False)],
            ["vpc_zones: 1 of 2 have a private_cidr, and rds needs 2: give more zones one."],
        ),
        (
            ["alb_asg", "rds"],
            [zone("eu-west-3a", 1, private=False)],
            ["vpc_zones: 0 of 1 have a private_cidr, and elasticache needs 1: give more zones one."],
        ),
    ],
)
def test_zones(without, zones, sentences):
    assert found(without=without, zones=zones) == sentences


def test_without_a_vpc_there_is_nothing_to_compare_with():
    assert found("rds", without=["vpc"]) == []


# Subnets


@pytest.mark.parametrize("block", ["10.0.0.0/16", "10.0.0.0/17"])
def test_ranges_that_are_right(block):
    assert found(cidr_block=block) == []


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        ("10.0.0.1/16", "vpc_cidr_block is no IPv4 range (10.0.0.1/16 has host bits set): use one like 10.0.0.0/16."),
        ("ten", "vpc_cidr_block is no IPv4 range (Expected 4 octets in 'ten'): use one like 10.0.0.0/16."),
        ("10.0.0.0/8", "vpc_cidr_block is 10.0.0.0/8, and AWS takes /16 to /28: use one like 10.0.0.0/16."),
    ],
)
def test_the_range_of_the_vpc(block, sentence):
    assert found(cidr_block=block) == [sentence]


@pytest.mark.parametrize(
    ("field", "range_", "sentence"),
    [
        (
            "public_cidr",
            "10.0.1.7/24",
            "vpc_zones: public_cidr of eu-west-3a is no IPv4 range (10.0.1.7/24 has host bits set): use one like 10.0.1.0/24.",
        ),
        ("private_cidr", "10.0.1.0/29", "vpc_zones: private_cidr of eu-west-3a is 10.0.1.0/29, and AWS takes /16 to /28: use one like"),
        ("public_cidr", "10.1.0.0/24", "vpc_zones: public_cidr of eu-west-3a is 10.1.0.0/24, outside vpc_cidr_block 10.0.0.0/16: choose"),
        (
            "public_cidr",
            "10.0.2.0/25",
            "vpc_zones: public_cidr of eu-west-3a (10.0.2.0/25) and public_cidr of eu-west-3b (10.0.2.0/24) overlap: give each subnet",
        ),
        (
            "private_cidr",
            "10.0.1.0/24",
            "vpc_zones: public_cidr of eu-west-3a (10.0.1.0/24) and private_cidr of eu-west-3a (10.0.1.0/24) overlap: give each subnet",
        ),
    ],
)
def test_subnets(field, range_, sentence):
    zones = copy.deepcopy(PROD["vpc"]["vpc_zones"])
    zones[0][field] = range_
    assert any(told.startswith(sentence) for told in found(zones=zones)), found(zones=zones)


# Firewall


def firewall(sources=None, **rule):
    groups = [{"name": "alb"}, {"name": "app", "ingress": [{"ports": [80], "peers": "alb"} | rule]}, {"name": "data"}]
    return found("security_groups", groups=groups, sources=sources or {"office": ["203.0.113.0/24"]})


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"peers": "app"},
        {"peers": ["alb", "office", "192.0.2.1", "192.0.2.0/24"]},
        {"ports": "all"},
        {"ports": 80},
        {"ports": ["0", 65535]},
        {"protocol": "udp"},
        {"protocol": None},
    ],
)
def test_rules_that_are_right(rule):
    assert firewall(**rule) == []


WHERE = "security_groups_groups: ingress of app"


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"ports": [65536]}, f"{WHERE} has the port 65536: use 0 to 65535, or all."),
        ({"ports": [-1]}, f"{WHERE} has the port -1: use 0 to 65535, or all."),
        ({"ports": "http"}, f"{WHERE} has the port http: use 0 to 65535, or all."),
        ({"ports": ["8000-9000"]}, f"{WHERE} has the port 8000-9000: use 0 to 65535, or all."),
        ({"protocol": "icmp"}, f"{WHERE} has the protocol icmp: use tcp or udp, or the ports all for every protocol."),
        ({"peers": "data"}, f"{WHERE} names data, which stands after it: move data up."),
        (
            {"peers": "ofice"},
            f"{WHERE} names ofice, which is no group, source or IPv4 range: use one of alb, app, office; did you mean office?",
        ),
        ({"peers": "10.0.0.1/24"}, f"{WHERE} names 10.0.0.1/24, which is no group, source or IPv4 range: use one of alb, app, office."),
        (
            {"sources": {"office": ["203.0.113.9/24"]}},
            "security_groups_sources: office lists 203.0.113.9/24, which is no IPv4 range: use one like 203.0.113.0/24.",
        ),
    ],
)
def test_rules_that_are_wrong(rule, sentence):
    assert firewall(**rule) == [sentence]


def described(name="app", description="HTTP", rule=None):
    return found("security_groups", groups=[{"name": name, "description": description, "ingress": [ANYWHERE | {"description": rule}]}])


@pytest.mark.parametrize("text", [None, "", "x" * 255, "From Cloudflare (80, 443): ._-:/()#,@[]+=&;{}!$*"])
def test_texts_that_aws_takes(text):
    assert described(description=text, rule=text) == []


@pytest.mark.parametrize("text", ["x" * 256, "the subnets' way out", "été", "one\ntwo", "<app>"])
def test_texts_that_aws_refuses(text):
    mend = f"is {text!r}: use up to 255 ASCII letters, digits, spaces and ._-:/()#,@[]+=&;{{}}!$*"
    assert described(description=text) == [f"security_groups_groups: description of app {mend}"]
    assert described(rule=text) == [f"security_groups_groups: ingress of app: description {mend}"]
    assert described(name=text, description=None) == [f"security_groups_groups: name {mend}"]


def test_a_group_is_declared_once():
    groups = [{"name": "app"}, {"name": "app"}]
    sentence = "security_groups_groups has app more than once: put its rules together."
    assert found("security_groups", groups=groups) == [sentence]


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_a_group_has_as_many_rules_as_its_quota(direction):
    sources = {"office": [f"203.0.113.{number}/32" for number in range(30)]}

    def rules(ports):
        group = {"name": "app", direction: [{"ports": ports, "peers": "office"}]}
        return found("security_groups", groups=[group], sources=sources)

    assert rules([80, 443]) == []
    assert rules([80, 443, 8080]) == [
        f"security_groups_groups: {direction} of app comes to 90 rules, and AWS takes 60 unless its quota was raised: "
        "name fewer ports or ranges."
    ]


def test_each_direction_has_a_quota_of_its_own():
    sources = {"office": [f"203.0.113.{number}/32" for number in range(60)]}
    rule = {"ports": "all", "peers": "office"}
    assert found("security_groups", groups=[{"name": "app", "ingress": [rule], "egress": [rule]}], sources=sources) == []


# Machines


@pytest.mark.parametrize("component", ["nat_instance", "node_template"])
def test_machines(component):
    variable = f"{component}_instance_type"
    assert found(component, instance_type="t3.small") == []
    for unknown in ("t9.huge", "t9.unheard"):
        sentence = f"{variable} is {unknown}, which EC2 does not offer in this region: use one like t3.small."
        assert found(component, instance_type=unknown) == [sentence]
    assert found(component, instance_type="c5n.large") == [
        f"{variable} is c5n.large, which is not offered in eu-west-3a, eu-west-3b: use another type or other vpc_zones."
    ]


@pytest.mark.parametrize("mode", ["gateway", "none"])
def test_without_nat_instances_their_type_does_not_matter(mode):
    assert found("nat_instance", mode=mode, instance_type="t9.huge") == []


# Sizes


@pytest.mark.parametrize(
    ("sizes", "sentences"),
    [
        ((0, 0, 0), []),
        ((1, 2, 3), []),
        ((3, 2, 4), ["alb_asg_min_size is 3, more than alb_asg_desired_capacity 2: lower the one or raise the other."]),
        ((2, 5, 4), ["alb_asg_desired_capacity is 5, more than alb_asg_max_size 4: lower the one or raise the other."]),
        ((-1, 0, 1), ["alb_asg_min_size is -1: use 0 or more."]),
    ],
)
def test_sizes(sizes, sentences):
    assert found("alb_asg", min_size=sizes[0], desired_capacity=sizes[1], max_size=sizes[2]) == sentences


# Database


@pytest.mark.parametrize(
    "changes",
    [
        {"engine_version": "15.8"},
        {"engine_version": "16"},
        {"instance_class": "db.t3.single", "multi_az": False},
        {"instance_class": "db.t3.single", "engine_version": "16"},
        {"allocated_storage": 65536},
        {"backup_retention_period": 0},
        {"backup_retention_period": 35},
    ],
)
def test_databases_that_are_right(changes):
    assert found("rds", **changes) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"instance_class": "db.t9.huge"},
            "rds_instance_class is db.t9.huge, which RDS does not offer for PostgreSQL in this region: use one like db.t3.medium.",
        ),
        (
            {"engine_version": "1"},
            "rds_engine_version is 1, which db.t3.medium cannot be had with: use one of 15, 16, or a full version.",
        ),
        (
            {"engine_version": "15.9"},
            "rds_engine_version is 15.9, which db.t3.medium cannot be had with: use one of 15, 16, or a full version.",
        ),
        (
            {"instance_class": "db.t3.single"},
            "rds_multi_az is true, and db.t3.single cannot be had with a standby: set it to false or use another rds_instance_class.",
        ),
        ({"allocated_storage": 19}, "rds_allocated_storage is 19 GB, and gp3 has 20 to 65536: use as many."),
        ({"allocated_storage": 65537}, "rds_allocated_storage is 65537 GB, and gp3 has 20 to 65536: use as many."),
        ({"backup_retention_period": 36}, "rds_backup_retention_period is 36 days: use 0 to 35."),
        ({"backup_retention_period": -1}, "rds_backup_retention_period is -1 days: use 0 to 35."),
    ],
)
def test_databases_that_are_wrong(changes, sentence):
    assert found("rds", **changes) == [sentence]


def test_an_unknown_class_hides_nothing_else():
    assert len(found("rds", instance_class="db.t9.huge", allocated_storage=5)) == 2


# Cache


@pytest.mark.parametrize(
    "changes",
    [
        {"engine_version": "6.2"},
        {"replicas": 5},
        {"replicas": 1, "automatic_failover": True, "multi_az": True},
        {"replicas": 1, "automatic_failover": True},
        {"snapshot_retention_limit": 35},
    ],
)
def test_caches_that_are_right(changes):
    assert found("elasticache", **changes) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"node_type": "cache.t9.huge"},
            "elasticache_node_type is cache.t9.huge, which ElastiCache does not offer in this region: use one like cache.t3.micro.",
        ),
        (
            {"engine_version": "7"},
            "elasticache_engine_version is 7, which ElastiCache does not offer: use one of 5.0.6, 6.2, 7.0, 7.1.",
        ),
        ({"replicas": 6}, "elasticache_replicas is 6: use 0 to 5."),
        ({"replicas": -1}, "elasticache_replicas is -1: use 0 to 5."),
        (
            {"automatic_failover": True},
            "elasticache_automatic_failover is true, and elasticache_replicas 0, so nothing could take over: change either.",
        ),
        (
            {"multi_az": True, "replicas": 1},
            "elasticache_multi_az is true without elasticache_automatic_failover: set both, or neither.",
        ),
        ({"snapshot_retention_limit": 36}, "elasticache_snapshot_retention_limit is 36 days: use 0 to 35."),
    ],
)
def test_caches_that_are_wrong(changes, sentence):
    assert found("elasticache", **changes) == [sentence]


# Secrets

STRONG = "correct-horse-battery"


@pytest.mark.parametrize(
    "values",
    [None, {}, {"STRIPE": "short"}, {"ADMIN_PASSWORD": STRONG}, {"session_secret": STRONG}, {"STRIPE": "clé à clé"}],
)
def test_secrets_that_are_right(values):
    assert found("app_secrets", values=values) == []


WEAK = "app_secrets_values: ADMIN_PASSWORD is weak: use 16 characters or more, mostly different, or have it generated."
UNPRINTABLE = "app_secrets_values: ADMIN_PASSWORD has other characters than ASCII letters, digits and punctuation: use those."
EMPTY = "app_secrets_values: ADMIN_PASSWORD is empty: give it a value or leave it out."


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ("hunter2-hunter2", WEAK),
        ("abcabcabcabcabcabcabc", WEAK),
        (f"{STRONG}\n", UNPRINTABLE),
        (f"{STRONG} é", UNPRINTABLE),
        ("", EMPTY),
        (None, EMPTY),
    ],
)
def test_secrets_that_are_wrong_are_told_without_their_value(value, sentence):
    told = found("app_secrets", values={"ADMIN_PASSWORD": value})
    assert told == [sentence]
    assert not value or value not in told[0]


@pytest.mark.parametrize(
    "given",
    [{"values": {"STRIPE": "sk"}}, {"stored": ["/greenleaf/prod/app/STRIPE", "/greenleaf/prod/rds/MASTER_PASSWORD"]}],
)
def test_a_required_secret_that_is_there(given):
    assert found("app_secrets", required=["STRIPE"], **given) == []


@pytest.mark.parametrize("given", [{}, {"stored": ["/greenleaf/prod/other/STRIPE"]}, {"values": {"OTHER": "x"}}])
def test_a_required_secret_that_is_missing(given):
    assert found("app_secrets", required=["STRIPE"], **given) == [
        "app_secrets_required names STRIPE, which is missing: put it with 'aws ssm put-parameter --type SecureString "
        "--name /greenleaf/prod/app/STRIPE --value file://…', or give it in app_secrets_values from a vault."
    ]
