# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""known: only what holds a stand-in is replaced."""

from __future__ import annotations

import pytest
from ansible_collections.greenleaf.cloud.plugins.filter.known import FilterModule

STAND_INS = ["vpc-00000000000000000", "greenleaf-prod.known-after-apply.elb.amazonaws.com"]
LATER = "(known after apply)"

known = FilterModule().filters()["known"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("vpc-00000000000000000", LATER),
        ("https://greenleaf-prod.known-after-apply.elb.amazonaws.com/store", LATER),
        ("vpc-0123456789abcdef0", "vpc-0123456789abcdef0"),
        ("", ""),
        (5432, 5432),
        (None, None),
        (True, True),
        (["vpc-00000000000000000", "eu-west-3"], [LATER, "eu-west-3"]),
        ({"a": {"b": [{"c": "vpc-00000000000000000"}]}, "d": 1}, {"a": {"b": [{"c": LATER}]}, "d": 1}),
        ({}, {}),
    ],
)
def test_known(value, told):
    assert known(value, STAND_INS) == told


def test_without_stand_ins_everything_is_known():
    assert known({"vpc_id": "vpc-00000000000000000"}, []) == {"vpc_id": "vpc-00000000000000000"}


def test_the_value_itself_stays():
    value = {"vpc_id": "vpc-00000000000000000"}
    known(value, STAND_INS)
    assert value == {"vpc_id": "vpc-00000000000000000"}
