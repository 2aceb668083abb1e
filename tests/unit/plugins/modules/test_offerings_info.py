# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""offerings_info: what the answers add up to."""

from __future__ import annotations

from unittest.mock import Mock

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.modules import offerings_info
from ansible_collections.greenleaf.cloud.tests.unit.recording import error


def paged(*pages):
    api = Mock()
    api.get_paginator.return_value.paginate.return_value = list(pages)
    return api


def asked(api):
    return api.get_paginator.return_value.paginate.call_args.kwargs


def option(version, *zones, multi_az=False):
    return {"EngineVersion": version, "MultiAZCapable": multi_az, "AvailabilityZones": [{"Name": zone} for zone in zones]}


def test_only_zones_that_can_be_used():
    ec2 = Mock()
    zones = [("eu-west-3b", "available"), ("eu-west-3a", "available"), ("eu-west-3c", "impaired")]
    ec2.describe_availability_zones.return_value = {"AvailabilityZones": [{"ZoneName": name, "State": state} for name, state in zones]}
    assert offerings_info.zones(ec2) == ["eu-west-3a", "eu-west-3b"]
    ec2.describe_availability_zones.assert_called_once_with(
        Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}], aws_retry=True
    )


def test_instance_types_by_zone():
    ec2 = paged(
        {"InstanceTypeOfferings": [{"InstanceType": "t3.nano", "Location": "eu-west-3b"}]},
        {"InstanceTypeOfferings": [{"InstanceType": "t3.nano", "Location": "eu-west-3a"}, {"InstanceType": "t3.small", "Location": "x"}]},
    )
    assert offerings_info.instance_types(ec2, ["t3.nano", "t3.*"]) == {"t3.nano": ["eu-west-3a", "eu-west-3b"], "t3.*": []}
    assert asked(ec2) == {"LocationType": "availability-zone", "Filters": [{"Name": "instance-type", "Values": ["t3.nano", "t3.*"]}]}


def test_nothing_asked_is_no_call():
    api = Mock()
    assert (offerings_info.instance_types(api, []), offerings_info.db_instance_classes(api, "postgres", [])) == ({}, {})
    assert api.mock_calls == []


def test_database_classes_by_version():
    rds = paged(
        {"OrderableDBInstanceOptions": [option("15.8", "eu-west-3b"), option("15.8", "eu-west-3a", "eu-west-3b", multi_az=True)]},
        {"OrderableDBInstanceOptions": [option("15.8"), {"EngineVersion": "16.4"}]},
    )
    assert offerings_info.db_instance_classes(rds, "postgres", ["db.t3.medium"]) == {
        "db.t3.medium": {
            "15.8": {"zones": ["eu-west-3a", "eu-west-3b"], "multi_az": True},
            "16.4": {"zones": [], "multi_az": False},
        }
    }
    assert asked(rds) == {"Engine": "postgres", "DBInstanceClass": "db.t3.medium"}


def test_an_unknown_database_class_is_empty_whether_aws_lists_none_or_refuses():
    assert offerings_info.db_instance_classes(paged({"OrderableDBInstanceOptions": []}), "postgres", ["x"]) == {"x": {}}
    rds = Mock()
    rds.get_paginator.return_value.paginate.side_effect = error("InvalidParameterValue")
    assert offerings_info.db_instance_classes(rds, "postgres", ["x"]) == {"x": {}}


def test_cache_versions():
    elasticache = paged({"CacheEngineVersions": [{"EngineVersion": "7.1"}, {"EngineVersion": "6.2"}, {"EngineVersion": "7.1"}]})
    assert offerings_info.cache_engine_versions(elasticache, "redis") == ["6.2", "7.1"]
    assert asked(elasticache) == {"Engine": "redis"}


@pytest.mark.parametrize(("offerings", "there"), [([{"CacheNodeType": "cache.t3.micro"}], True), ([], False)])
def test_cache_node_types(offerings, there):
    elasticache = Mock()
    elasticache.describe_reserved_cache_nodes_offerings.return_value = {"ReservedCacheNodesOfferings": offerings}
    assert offerings_info.cache_node_type(elasticache, "cache.t3.micro") is there


def test_a_node_type_that_aws_refuses_does_not_exist():
    elasticache = Mock()
    elasticache.describe_reserved_cache_nodes_offerings.side_effect = error("InvalidParameterValue")
    assert offerings_info.cache_node_type(elasticache, "cache.t9.huge") is False


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: offerings_info.db_instance_classes(api, "postgres", ["x"]),
        lambda api: offerings_info.cache_node_type(api, "x"),
    ],
)
def test_another_error_is_raised(ask):
    api = Mock()
    api.get_paginator.return_value.paginate.side_effect = error("AccessDenied")
    api.describe_reserved_cache_nodes_offerings.side_effect = error("AccessDenied")
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        ask(api)
