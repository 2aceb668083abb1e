# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""launching: a new instance profile is waited for, other errors are not."""

from __future__ import annotations

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils import launching
from ansible_collections.greenleaf.cloud.tests.unit.recording import error

UNKNOWN = error("ValidationError", "Value (app) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name")


@pytest.fixture
def pauses(monkeypatch):
    slept = []
    monkeypatch.setattr(launching.time, "sleep", slept.append)
    return slept


def answering(*answers):
    left = list(answers)

    def call():
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


def test_waits_for_the_profile(pauses):
    assert launching.once_profile_is_known(answering(UNKNOWN, UNKNOWN, "launched")) == "launched"
    assert pauses == [2, 3]


def test_gives_up_after_a_minute(pauses):
    with pytest.raises(botocore.exceptions.ClientError, match="Invalid IAM Instance Profile"):
        launching.once_profile_is_known(answering(*[UNKNOWN] * 7))
    assert sum(pauses) == 60


def test_does_not_wait_for_anything_else(pauses):
    with pytest.raises(botocore.exceptions.ClientError, match="subnet"):
        launching.once_profile_is_known(answering(error("ValidationError", "The subnet ID does not exist")))
    assert pauses == []
