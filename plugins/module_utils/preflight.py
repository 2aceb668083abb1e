# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be wrong with an environment although each input alone is well-formed.

Every rule takes the inputs of all components and yields sentences that name the variable and the mend.
"""

from __future__ import annotations

import collections.abc as c
import dataclasses
import difflib
import ipaddress
import itertools
import re
import string
import typing as t

Inputs = dict[str, dict[str, t.Any]]

SECRET_LENGTH = 16
RULES_PER_GROUP = 60  # AWS's default quota for a security group, inbound and outbound each
PUNCTUATION = "._-:/()#,@[]+=&;{}!$*"  # what AWS takes in the names and descriptions of security groups and rules
# The longest that AWS takes each name, with what the role puts after it.
NAMES = {
    ("alb_asg", "alb_asg_name"): 32,
    ("bootstrap", "bootstrap_bucket"): 63,
    ("elasticache", "elasticache_name"): 40,
    ("nat_instance", "nat_instance_name"): 60,
    ("node_template", "node_template_name"): 64,
    ("rds", "rds_name"): 63,
}


@dataclasses.dataclass(frozen=True)
class Offers:
    """What AWS has to offer, as the module offerings_info tells it."""

    zones: list[str]
    instance_types: dict[str, list[str]]
    db_instance_classes: dict[str, dict[str, t.Any]]
    cache_engine_versions: list[str]
    cache_node_types: dict[str, bool]


def question(inputs: Inputs) -> dict[str, list[str]]:
    """Arguments of offerings_info: all that these inputs are going to order."""

    def ordered(*names: tuple[str, str]) -> list[str]:
        return sorted({inputs[component][name] for component, name in names if component in inputs})

    nat = [("nat_instance", "nat_instance_instance_type")] if _nat_mode(inputs) == "instance" else []
    return {
        "instance_types": ordered(*nat, ("node_template", "node_template_instance_type")),
        "db_instance_classes": ordered(("rds", "rds_instance_class")),
        "cache_node_types": ordered(("elasticache", "elasticache_node_type")),
    }


def problems(inputs: Inputs, offers: Offers) -> list[str]:
    """All that AWS would refuse or that could not work, told at once."""
    return [
        *_names(inputs),
        *_zones(inputs, offers),
        *_subnets(inputs),
        *_firewall(inputs),
        *_machines(inputs, offers),
        *_sizes(inputs),
        *_database(inputs, offers),
        *_cache(inputs, offers),
        *_secrets(inputs),
    ]


def suggestion(word: str, known: c.Iterable[str]) -> str:
    """A sentence's end: `; did you mean X?` where something known is close."""
    close = difflib.get_close_matches(word, sorted(known), 1)
    return f"; did you mean {close[0]}?" if close else "."


def listed(value: t.Any) -> list[t.Any]:
    """A list, as which one thing alone may be written."""
    return value if isinstance(value, list) else [value]


def _nat_mode(inputs: Inputs) -> str:
    return str(inputs.get("nat_instance", {}).get("nat_instance_mode", "none"))


def _declared_zones(inputs: Inputs) -> list[dict[str, t.Any]]:
    return inputs.get("vpc", {}).get("vpc_zones", [])  # type: ignore[no-any-return]


def _names(inputs: Inputs) -> c.Iterator[str]:
    for (component, variable), longest in NAMES.items():
        name = inputs.get(component, {}).get(variable)
        if name is not None and not (len(name) <= longest and re.fullmatch("[a-z](-?[a-z0-9])*", name)):
            yield (
                f"{variable} is {name}, and AWS takes {longest} lower-case letters, digits and single hyphens at the most, a letter first: "
                "mend greenleaf_project or greenleaf_environment, which it begins with."
            )


def _zones(inputs: Inputs, offers: Offers) -> c.Iterator[str]:
    if "vpc" not in inputs:
        return
    zones = _declared_zones(inputs)
    names = [zone["name"] for zone in zones]
    if not zones:
        yield "vpc_zones is empty: declare one zone at least, with its name and public_cidr."
        return
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"vpc_zones names {name} more than once: give each zone one entry."
    for name in names:
        if name not in offers.zones:
            yield f"vpc_zones names {name}, which is not a zone of this region: use {', '.join(offers.zones)}."
    if "alb_asg" in inputs and len(zones) < 2:
        yield "vpc_zones has one zone, and a load balancer (alb_asg) needs two: add another zone."
    private = [zone for zone in zones if zone.get("private_cidr")]
    for component in ("rds", "elasticache", "alb_asg"):
        needed = 1 if component == "elasticache" else 2
        if component in inputs and len(private) < needed:
            yield f"vpc_zones: {len(private)} of {len(zones)} have a private_cidr, and {component} needs {needed}: give more zones one."


def _subnets(inputs: Inputs) -> c.Iterator[str]:
    if "vpc" not in inputs:
        return
    try:
        vpc = ipaddress.IPv4Network(inputs["vpc"]["vpc_cidr_block"])
    except ValueError as error:
        yield f"vpc_cidr_block is no IPv4 range ({error}): use one like 10.0.0.0/16."
        return
    if not 16 <= vpc.prefixlen <= 28:
        yield f"vpc_cidr_block is {vpc}, and AWS takes /16 to /28: use one like 10.0.0.0/16."
    subnets: list[tuple[str, ipaddress.IPv4Network]] = []
    for zone in _declared_zones(inputs):
        for field in ("public_cidr", "private_cidr"):
            if not zone.get(field):
                continue
            where = f"vpc_zones: {field} of {zone['name']}"
            try:
                subnet = ipaddress.IPv4Network(zone[field])
            except ValueError as error:
                yield f"{where} is no IPv4 range ({error}): use one like 10.0.1.0/24."
                continue
            if not 16 <= subnet.prefixlen <= 28:
                yield f"{where} is {subnet}, and AWS takes /16 to /28: use one like 10.0.1.0/24."
            if not subnet.subnet_of(vpc):
                yield f"{where} is {subnet}, outside vpc_cidr_block {vpc}: choose a part of it."
            subnets.append((where, subnet))
    for (one, first), (other, second) in itertools.combinations(subnets, 2):
        if first.overlaps(second):
            yield f"{one} ({first}) and {other.removeprefix('vpc_zones: ')} ({second}) overlap: give each subnet addresses of its own."


def _firewall(inputs: Inputs) -> c.Iterator[str]:
    given = inputs.get("security_groups")
    if given is None:
        return
    sources = given["security_groups_sources"]
    for name, ranges in sources.items():
        for entry in listed(ranges):
            if not _is_network(entry):
                yield f"security_groups_sources: {name} lists {entry}, which is no IPv4 range: use one like 203.0.113.0/24."
    groups = [group["name"] for group in given["security_groups_groups"]]
    for name in sorted({name for name in groups if groups.count(name) > 1}):
        yield f"security_groups_groups has {name} more than once: put its rules together."
    for position, group in enumerate(given["security_groups_groups"]):
        yield from _text("security_groups_groups: name", group["name"])
        yield from _text(f"security_groups_groups: description of {group['name']}", group.get("description"))
        for direction in ("ingress", "egress"):
            where = f"security_groups_groups: {direction} of {group['name']}"
            rules = group.get(direction) or []
            for rule in rules:
                yield from _rule(where, rule, groups[: position + 1], groups[position + 1 :], sources)
            count = sum(len(listed(rule["ports"])) * _width(rule, sources) for rule in rules)
            if count > RULES_PER_GROUP:
                yield (
                    f"{where} comes to {count} rules, and AWS takes {RULES_PER_GROUP} unless its quota was raised: "
                    "name fewer ports or ranges."
                )


def _rule(where: str, rule: dict[str, t.Any], groups: list[str], later: list[str], sources: dict[str, list[str]]) -> c.Iterator[str]:
    yield from _text(f"{where}: description", rule.get("description"))
    protocol = rule.get("protocol") or "tcp"
    if protocol not in ("tcp", "udp"):
        yield f"{where} has the protocol {protocol}: use tcp or udp, or the ports all for every protocol."
    for port in listed(rule["ports"]):
        if port != "all" and not (str(port).isdecimal() and int(port) <= 65535):
            yield f"{where} has the port {port}: use 0 to 65535, or all."
    for peer in listed(rule["peers"]):
        known = [*groups, *sources]
        if peer in later:
            yield f"{where} names {peer}, which stands after it: move {peer} up."
        elif peer not in known and not _is_network(peer):
            end = suggestion(peer, known)
            yield f"{where} names {peer}, which is no group, source or IPv4 range: use one of {', '.join(known)}{end}"


def _text(where: str, text: str | None) -> c.Iterator[str]:
    if text and not (len(text) <= 255 and set(text) <= set(string.ascii_letters + string.digits + " " + PUNCTUATION)):
        yield f"{where} is {text!r}: use up to 255 ASCII letters, digits, spaces and {PUNCTUATION}"


def _width(rule: dict[str, t.Any], sources: dict[str, list[str]]) -> int:
    return sum(len(listed(sources.get(peer, peer))) for peer in listed(rule["peers"]))


def _machines(inputs: Inputs, offers: Offers) -> c.Iterator[str]:
    zones = [zone["name"] for zone in _declared_zones(inputs)]
    named = {"node_template": "node_template_instance_type"}
    if _nat_mode(inputs) == "instance":
        named["nat_instance"] = "nat_instance_instance_type"
    for component, variable in named.items():
        if component not in inputs:
            continue
        kind = inputs[component][variable]
        where = offers.instance_types.get(kind, [])
        if not where:
            yield f"{variable} is {kind}, which EC2 does not offer in this region: use one like t3.small."
        elif missing := [zone for zone in zones if zone in offers.zones and zone not in where]:
            yield f"{variable} is {kind}, which is not offered in {', '.join(missing)}: use another type or other vpc_zones."


def _sizes(inputs: Inputs) -> c.Iterator[str]:
    given = inputs.get("alb_asg")
    if given is None:
        return
    fewest, start, most = (given[f"alb_asg_{field}"] for field in ("min_size", "desired_capacity", "max_size"))
    if fewest > start:
        yield f"alb_asg_min_size is {fewest}, more than alb_asg_desired_capacity {start}: lower the one or raise the other."
    if start > most:
        yield f"alb_asg_desired_capacity is {start}, more than alb_asg_max_size {most}: lower the one or raise the other."
    if fewest < 0:
        yield f"alb_asg_min_size is {fewest}: use 0 or more."


def _database(inputs: Inputs, offers: Offers) -> c.Iterator[str]:
    given = inputs.get("rds")
    if given is None:
        return
    size, version = given["rds_instance_class"], str(given["rds_engine_version"])
    orderable = offers.db_instance_classes.get(size, {})
    matching = {name: option for name, option in orderable.items() if name == version or name.startswith(f"{version}.")}
    if not orderable:
        yield f"rds_instance_class is {size}, which RDS does not offer for PostgreSQL in this region: use one like db.t3.medium."
    elif not matching:
        majors = sorted({name.partition(".")[0] for name in orderable}, key=int)
        yield f"rds_engine_version is {version}, which {size} cannot be had with: use one of {', '.join(majors)}, or a full version."
    elif given["rds_multi_az"] and not any(option["multi_az"] for option in matching.values()):
        yield f"rds_multi_az is true, and {size} cannot be had with a standby: set it to false or use another rds_instance_class."
    if not 20 <= given["rds_allocated_storage"] <= 65536:
        yield f"rds_allocated_storage is {given['rds_allocated_storage']} GB, and gp3 has 20 to 65536: use as many."
    if not 0 <= given["rds_backup_retention_period"] <= 35:
        yield f"rds_backup_retention_period is {given['rds_backup_retention_period']} days: use 0 to 35."


def _cache(inputs: Inputs, offers: Offers) -> c.Iterator[str]:
    given = inputs.get("elasticache")
    if given is None:
        return
    size, version = given["elasticache_node_type"], str(given["elasticache_engine_version"])
    if not offers.cache_node_types.get(size):
        yield f"elasticache_node_type is {size}, which ElastiCache does not offer in this region: use one like cache.t3.micro."
    if version not in offers.cache_engine_versions:
        known = ", ".join(name for name in offers.cache_engine_versions if not name.startswith(("2.", "3.", "4.")))
        yield f"elasticache_engine_version is {version}, which ElastiCache does not offer: use one of {known}."
    replicas = given["elasticache_replicas"]
    if not 0 <= replicas <= 5:
        yield f"elasticache_replicas is {replicas}: use 0 to 5."
    if given["elasticache_automatic_failover"] and replicas < 1:
        yield "elasticache_automatic_failover is true, and elasticache_replicas 0, so nothing could take over: change either."
    if given["elasticache_multi_az"] and not given["elasticache_automatic_failover"]:
        yield "elasticache_multi_az is true without elasticache_automatic_failover: set both, or neither."
    if not 0 <= given["elasticache_snapshot_retention_limit"] <= 35:
        yield f"elasticache_snapshot_retention_limit is {given['elasticache_snapshot_retention_limit']} days: use 0 to 35."


def _secrets(inputs: Inputs) -> c.Iterator[str]:
    given = inputs.get("app_secrets")
    if given is None:
        return
    values = given["app_secrets_values"] or {}
    for name, value in sorted(values.items()):
        text = str(value) if value is not None else ""
        if not text:
            yield f"app_secrets_values: {name} is empty: give it a value or leave it out."
        elif not name.upper().endswith(("PASSWORD", "SECRET")):
            continue
        elif len(text) < SECRET_LENGTH or len(set(text)) < SECRET_LENGTH // 2:
            yield f"app_secrets_values: {name} is weak: use {SECRET_LENGTH} characters or more, mostly different, or have it generated."
        elif not set(text) <= set(string.digits + string.ascii_letters + string.punctuation):
            yield f"app_secrets_values: {name} has other characters than ASCII letters, digits and punctuation: use those."
    for name in given["app_secrets_required"]:
        if name not in values and f"{given['app_secrets_path']}/{name}" not in given.get("stored", []):
            yield (
                f"app_secrets_required names {name}, which is missing: put it with 'aws ssm put-parameter --type SecureString "
                f"--name {given['app_secrets_path']}/{name} --value file://…', or give it in app_secrets_values from a vault."
            )


def _is_network(text: t.Any) -> bool:
    try:
        ipaddress.IPv4Network(text)
    except ValueError:
        return False
    return True
