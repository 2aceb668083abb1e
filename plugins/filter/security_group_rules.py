# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A firewall table in words that people read, as the rules that amazon.aws.ec2_security_group takes."""

from __future__ import annotations

import ipaddress
import typing as t

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: security_group_rules
short_description: Turn readable firewall rules into those of amazon.aws.ec2_security_group
version_added: 0.1.0
author: GreenLeaf (@greenleaf)
description:
  - Each rule names its ports and its peers; a peer is a group of the same table, a named list of ranges, or a range.
positional: _input
options:
  _input:
    description:
      - Rules, each with C(ports) (a port, a list of ports, or V(all) for every protocol and port), optionally C(protocol)
        (V(tcp) by default), C(peers) (a name or range, or a list of them), and optionally C(description).
    type: list
    elements: dict
    required: true
  prefix:
    description: What the names of the table's groups begin with at AWS.
    type: str
    required: true
  groups:
    description: Names of the table's groups.
    type: list
    elements: str
    required: true
  sources:
    description: Lists of IPv4 ranges by name. One that is empty lets nobody in.
    type: dict
    default: {}
"""

EXAMPLES = r"""
# => [{proto: tcp, ports: [5432], group_name: [greenleaf-prod-app]}]
rules: >-
  {{ [{'ports': [5432], 'peers': 'app'}] | greenleaf.cloud.security_group_rules(prefix='greenleaf-prod', groups=['app', 'data']) }}
"""

RETURN = r"""
_value:
  description: Rules for amazon.aws.ec2_security_group.
  type: list
  elements: dict
"""


def security_group_rules(
    rules: list[dict[str, t.Any]], prefix: str, groups: list[str], sources: dict[str, list[str]] | None = None
) -> list[dict[str, t.Any]]:
    """One rule for the groups and one for the ranges that each declared rule names."""
    return [translated for rule in rules for translated in _translate(rule, prefix, groups, sources or {})]


def _translate(rule: dict[str, t.Any], prefix: str, groups: list[str], sources: dict[str, list[str]]) -> list[dict[str, t.Any]]:
    ports, peers = _listed(rule["ports"]), _listed(rule["peers"])
    base = {"proto": "all"} if "all" in ports else {"proto": rule.get("protocol") or "tcp", "ports": ports}
    if rule.get("description"):
        base["rule_desc"] = rule["description"]
    names = [f"{prefix}-{peer}" for peer in peers if peer in groups]
    ranges = [_range(cidr) for peer in peers if peer not in groups for cidr in _listed(sources.get(peer, peer))]
    return [*([{**base, "group_name": names}] if names else []), *([{**base, "cidr_ip": ranges}] if ranges else [])]


def _listed(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else [value]


def _range(peer: str) -> str:
    try:
        return str(ipaddress.IPv4Network(peer))
    except ValueError as error:
        raise AnsibleFilterError(
            f"security_groups_groups: a rule's peer {peer!r} is neither a group of the table, nor a name in security_groups_sources, "
            f"nor an IPv4 range ({error})."
        ) from error


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"security_group_rules": security_group_rules}
