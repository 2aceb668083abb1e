# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What people read instead of an id that nobody knows yet."""

from __future__ import annotations

import typing as t

DOCUMENTATION = r"""
name: known
short_description: Say "(known after apply)" where a value holds a stand-in
version_added: 0.1.0
author: GreenLeaf (@greenleaf)
description:
  - Replaces every string that contains one of the stand-ins of M(greenleaf.cloud.stack_info), however deep it stands.
positional: _input, unknown
options:
  _input:
    description: Any value.
    type: raw
    required: true
  unknown:
    description: The stand-ins, as RV(greenleaf.cloud.stack_info#module:unknown) lists them.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
# => {vpc_id: (known after apply)}
told: "{{ {'vpc_id': 'vpc-00000000000000000'} | greenleaf.cloud.known(['vpc-00000000000000000']) }}"
"""

RETURN = r"""
_value:
  description: The value, fit to be printed.
  type: raw
"""

PHRASE = "(known after apply)"


def known(value: t.Any, unknown: list[str]) -> t.Any:
    if isinstance(value, dict):
        return {key: known(item, unknown) for key, item in value.items()}
    if isinstance(value, list):
        return [known(item, unknown) for item in value]
    if isinstance(value, str) and any(stand_in in value for stand_in in unknown):
        return PHRASE
    return value


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"known": known}
