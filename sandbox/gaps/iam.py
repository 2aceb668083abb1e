# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM (API reference 2010-05-08)."""

from __future__ import annotations

import copy
import typing as t

from moto.iam.models import IAMBackend, ManagedPolicy

from sandbox.patch import wraps

_policies: dict[str, list[ManagedPolicy]] = {}


@wraps(IAMBackend)
def _init_aws_policies(moto: t.Any, self: IAMBackend) -> list[ManagedPolicy]:
    """ListPolicies: AWS's managed policies, read once; moto reads them anew at every reset, for each of AWS's partitions."""
    if self.partition != "aws":
        return []
    if self.account_id not in _policies:
        _policies[self.account_id] = moto(self)
    return [copy.copy(policy) for policy in _policies[self.account_id]]
