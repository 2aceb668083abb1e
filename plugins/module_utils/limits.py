# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What AWS would refuse, refused before anything is written, naming the option and the mend."""

from __future__ import annotations

import re
import typing as t


def refuse_out_of_range(module: t.Any, limits: dict[str, tuple[int, int]]) -> None:
    """Fail where an option that was set is below its least or above its greatest value."""
    for option, (least, greatest) in limits.items():
        value = module.params[option]
        if value is not None and not least <= value <= greatest:
            module.fail_json(msg=f"{option} is {value}: set it to {least} to {greatest}.")


def refuse_unlike(module: t.Any, option: str, pattern: str, rule: str) -> None:
    """Fail where an option that was set does not match the whole `pattern`, whose meaning is `rule`."""
    value = module.params[option]
    if value is not None and not re.fullmatch(pattern, value):
        module.fail_json(msg=f"{option} is {value!r}: use {rule}.")
