# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

ZONES = ["eu-west-3a", "eu-west-3b", "eu-west-3c"]


def test_zones_and_nothing_else(run_module, account):
    mark = account.mark()
    result = run_module("offerings_info")

    assert result["zones"] == ZONES
    assert (result["instance_types"], result["db_instance_classes"], result["cache_node_types"]) == ({}, {}, {})
    assert result["cache_engine_versions"] == []
    assert [request["action"] for request in account.requests(mark)] == ["DescribeAvailabilityZones"]


def test_instance_types(run_module):
    types = run_module("offerings_info", instance_types=["t3.nano", "t3.small", "t9.huge", "t3.*"])["instance_types"]

    assert types["t3.nano"] == types["t3.small"] == ZONES
    assert types["t9.huge"] == types["t3.*"] == []


def test_database_classes(run_module, account):
    mark = account.mark()
    classes = run_module("offerings_info", db_instance_classes=["db.t3.medium", "db.t9.huge"])["db_instance_classes"]

    assert classes["db.t9.huge"] == {}
    versions = classes["db.t3.medium"]
    assert any(version.startswith("15.") for version in versions)
    assert all(offer == {"zones": ZONES, "multi_az": True} for offer in versions.values())
    asked = [request["parameters"] for request in account.requests(mark) if request["action"] == "DescribeOrderableDBInstanceOptions"]
    assert {(request["Engine"], request["DBInstanceClass"]) for request in asked} == {
        ("postgres", "db.t3.medium"),
        ("postgres", "db.t9.huge"),
    }


def test_caches(run_module):
    result = run_module("offerings_info", cache_node_types=["cache.t3.micro", "cache.t9.huge"])

    assert result["cache_node_types"] == {"cache.t3.micro": True, "cache.t9.huge": False}
    assert {"6.2", "7.0", "7.1"} <= set(result["cache_engine_versions"])
    assert "1.6.22" not in result["cache_engine_versions"]  # memcached's


def test_check_mode_asks_the_same(run_module, account):
    mark = account.mark()
    result = run_module("offerings_info", check_mode=True, instance_types=["t3.nano"])

    assert result["changed"] is False
    assert result["instance_types"] == {"t3.nano": ZONES}
    assert account.writes(mark) == []
