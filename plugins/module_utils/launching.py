# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Launching machines from a template whose instance profile may be some seconds old."""

from __future__ import annotations

import collections.abc as c
import time
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_message

PAUSES = (2, 3, 5, 10, 20, 20)  # seconds


def once_profile_is_known(call: c.Callable[[], t.Any]) -> t.Any:
    """`call`'s answer. It is repeated for a minute while EC2 does not know the instance profile, which IAM tells it late."""
    for pause in PAUSES:
        try:
            return call()
        except is_boto3_error_message("Invalid IAM Instance Profile"):
            time.sleep(pause)
    return call()
