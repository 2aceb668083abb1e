# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keep the table of variables in every role's README true to its argument specs; `--check` only tells."""

from __future__ import annotations

import collections.abc as c
import json
import pathlib
import re
import sys
import typing as t

import yaml

ROLES = pathlib.Path(__file__).resolve().parent.parent / "roles"
BLOCK = re.compile(r"<!-- variables -->\n.*?<!-- /variables -->\n", re.DOTALL)
Options = dict[str, dict[str, t.Any]]


def table(options: Options) -> str:
    """The variables as a Markdown table, required ones first."""
    return "\n".join(["| variable | type | default | meaning |", "| --- | --- | --- | --- |", *lines(options)])


def lines(options: Options, prefix: str = "") -> c.Iterator[str]:
    for name, option in sorted(options.items(), key=lambda item: not item[1].get("required")):
        kind = f"list of {option['elements']}" if option["type"] == "list" else option["type"]
        default = "required" if option.get("required") else f"`{json.dumps(option['default'])}`" if "default" in option else ""
        text = " ".join(option["description"]) if isinstance(option["description"], list) else option["description"]
        choices = f" One of {', '.join(f'`{choice}`' for choice in option['choices'])}." if "choices" in option else ""
        yield f"| `{prefix}{name}` | {kind} | {default} | {text}{choices} |"
        if "options" in option:
            yield from lines(option["options"], f"{prefix}{name}{'[]' if option['type'] == 'list' else ''}.")


def renewed(role: pathlib.Path) -> str:
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    block = f"<!-- variables -->\n{table(specs['main']['options'])}\n<!-- /variables -->\n"
    return BLOCK.sub(lambda match: block, (role / "README.md").read_text())


def main() -> int:
    old = []
    for role in sorted(path.parents[1] for path in ROLES.glob("*/meta/argument_specs.yml")):
        if (text := renewed(role)) != (role / "README.md").read_text():
            old.append(role.name)
            if "--check" not in sys.argv:
                (role / "README.md").write_text(text)
    if old and "--check" in sys.argv:
        print(f"The README of {', '.join(old)} is older than its argument specs: run `make docs`.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
