# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""security_group_rules: what amazon.aws.ec2_security_group is given for each readable rule."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.greenleaf.cloud.plugins.filter.security_group_rules import FilterModule

SOURCES = {"cloudflare": ["173.245.48.0/20", "103.21.244.0/22"], "nobody": [], "office": "203.0.113.9"}

security_group_rules = FilterModule().filters()["security_group_rules"]


def translated(*rules):
    return security_group_rules(list(rules), prefix="greenleaf-prod", groups=["alb", "app"], sources=SOURCES)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ({"ports": [80], "peers": "alb"}, [{"proto": "tcp", "ports": [80], "group_name": ["greenleaf-prod-alb"]}]),
        (
            {"ports": [80, 443], "peers": "cloudflare"},
            [{"proto": "tcp", "ports": [80, 443], "cidr_ip": ["173.245.48.0/20", "103.21.244.0/22"]}],
        ),
        ({"ports": "all", "peers": "0.0.0.0/0"}, [{"proto": "all", "cidr_ip": ["0.0.0.0/0"]}]),
        ({"ports": ["all"], "peers": "0.0.0.0/0"}, [{"proto": "all", "cidr_ip": ["0.0.0.0/0"]}]),
        ({"ports": 53, "peers": "10.0.0.0/16", "protocol": "udp"}, [{"proto": "udp", "ports": [53], "cidr_ip": ["10.0.0.0/16"]}]),
        ({"ports": [22], "peers": "192.0.2.1", "protocol": None}, [{"proto": "tcp", "ports": [22], "cidr_ip": ["192.0.2.1/32"]}]),
        ({"ports": [22], "peers": "office"}, [{"proto": "tcp", "ports": [22], "cidr_ip": ["203.0.113.9/32"]}]),
        ({"ports": [22], "peers": "nobody"}, []),
        (
            {"ports": [80], "peers": ["app", "alb", "192.0.2.0/24", "office"], "description": "HTTP"},
            [
                {"proto": "tcp", "ports": [80], "rule_desc": "HTTP", "group_name": ["greenleaf-prod-app", "greenleaf-prod-alb"]},
                {"proto": "tcp", "ports": [80], "rule_desc": "HTTP", "cidr_ip": ["192.0.2.0/24", "203.0.113.9/32"]},
            ],
        ),
    ],
)
def test_a_rule(rule, wanted):
    assert translated(rule) == wanted


def test_rules_keep_their_order():
    assert [rule["ports"] for rule in translated({"ports": [2], "peers": "alb"}, {"ports": [1], "peers": "alb"})] == [[2], [1]]


def test_no_rules():
    assert translated() == []
    assert security_group_rules([], prefix="greenleaf-prod", groups=[]) == []


@pytest.mark.parametrize("peer", ["web", "10.0.0.1/24", "::/0", ""])
def test_an_unknown_peer_is_refused(peer):
    with pytest.raises(AnsibleFilterError, match=f"peer '{peer}' is neither a group of the table"):
        translated({"ports": [80], "peers": peer})


def test_a_wrong_range_of_a_source_is_refused():
    with pytest.raises(AnsibleFilterError, match=r"10.0.0.1/24"):
        security_group_rules([{"ports": [80], "peers": "x"}], prefix="", groups=[], sources={"x": ["10.0.0.1/24"]})
