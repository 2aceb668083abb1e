# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DynamoDB (API reference 2012-08-10)."""

from __future__ import annotations

import typing as t

from moto.dynamodb.models.table import Table
from moto.moto_api._internal import mock_random

from sandbox.patch import wraps


@wraps(Table)
def describe(moto: t.Any, self: t.Any, base_key: str = "TableDescription") -> dict[str, t.Any]:
    """DescribeTable, CreateTable, UpdateTable, DeleteTable: the table's id, which a new table of the same name does not share."""
    self.table_id = getattr(self, "table_id", None) or str(mock_random.uuid4())
    description = t.cast(dict[str, t.Any], moto(self, base_key))
    description[base_key]["TableId"] = self.table_id
    return description
