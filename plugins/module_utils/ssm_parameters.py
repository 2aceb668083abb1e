# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The values of SSM parameters: checked, generated and composed; nothing here talks to SSM."""

from __future__ import annotations

import collections.abc as c
import re
import secrets
import string
import urllib.parse

from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import State

CHARSETS = {
    "alphanumeric": string.ascii_letters + string.digits,
    # Without what RDS refuses in a password (" / @), and without what shells and compose's .env files interpret.
    "printable": string.ascii_letters + string.digits + "!%*+,-.:=?^_~",
}
SOURCES = ("value", "generate", "template")
LENGTHS = range(16, 4097)
VALUE_BYTES = 4096
DESCRIPTION_LENGTH = 1024
LEVELS = 15
NAME_LENGTH = 950  # SSM's 1011, less the beginning of the parameter's ARN

FULL_NAME = re.compile(r"(/[A-Za-z0-9_.-]+)+")
RESERVED = re.compile(r"/(aws|ssm)", re.IGNORECASE)
NAME = re.compile(r"[A-Za-z0-9_.-]+")
NESTED = re.compile(r"\{\{.*\}\}", re.DOTALL)


def generate(length: int, charset: str) -> str:
    """A new secret."""
    return "".join(secrets.choice(CHARSETS[charset]) for _position in range(length))


def placeholders(template: str) -> set[str]:
    """The fields that a template names. ValueError says what cannot be understood in it."""
    fields = set()
    for _text, field, spec, conversion in string.Formatter().parse(template):
        if field is None:
            continue
        if not field.isidentifier() or spec or conversion:
            raise ValueError(f"a placeholder is a plain name in braces, and {{{field}}} is not")
        fields.add(field)
    return fields


def compose(template: str, fields: c.Mapping[str, object], *, encode: bool) -> str:
    """`template` with its fields put in, each percent-encoded but for URLs' unreserved characters if `encode`."""
    texts = {name: str(value) for name, value in fields.items()}
    return template.format_map({name: urllib.parse.quote(text, safe="") if encode else text for name, text in texts.items()})


def resolve(parameters: c.Iterable[State], known: c.Mapping[str, str]) -> dict[str, str | None]:
    """The value that each parameter shall have, by full name; None where it needs one that is not `known`.

    Each parameter carries its `full_name`. A generated value is what is known under that name.
    """
    values: dict[str, str | None] = dict(known)
    wanted: dict[str, str | None] = {}
    for parameter in sorted(parameters, key=lambda parameter: parameter["template"] is not None):
        name = parameter["full_name"]
        if parameter["generate"] is not None:
            wanted[name] = known.get(name)
        elif parameter["value"] is not None:
            wanted[name] = parameter["value"]
        else:
            fields = {field: values.get(source) for field, source in (parameter["from"] or {}).items()}
            complete = None not in fields.values()
            wanted[name] = (
                compose(parameter["template"], {**fields, **(parameter["fields"] or {})}, encode=parameter["encode"]) if complete else None
            )
        values[name] = wanted[name]
    return wanted


def problem(path: str, parameters: list[State], *, present: bool) -> str | None:
    """What is wrong with the options, and the mend."""
    if not FULL_NAME.fullmatch(path) or RESERVED.match(path):
        return (
            f"path: {path!r} is not a path. Use /levels/like/this of letters, digits, '.', '_' and '-', "
            "without a slash at the end; the first may not begin with aws or ssm."
        )
    names = [parameter["name"] for parameter in parameters]
    for name in names:
        if not NAME.fullmatch(name):
            return f"parameters: {name!r} is not a name. Use letters, digits, '.', '_' and '-'; the path stands in path."
        if names.count(name) > 1:
            return f"parameters: {name} stands there twice."
        if (full_name := f"{path}/{name}").count("/") > LEVELS or len(full_name) > NAME_LENGTH:
            return f"parameters: {full_name} is too long, the most is {LEVELS} levels and {NAME_LENGTH} characters."
    for parameter in parameters if present else ():
        if text := _source_problem(parameter) or _order_problem(parameter, parameters):
            return f"parameters: {parameter['name']}: {text}"
    return None


def value_problem(value: str) -> str | None:
    """What SSM would refuse about a value, without telling it."""
    if not value:
        return "its value is empty, which SSM refuses."
    if (size := len(value.encode())) > VALUE_BYTES:
        return f"its value has {size} bytes, the most is {VALUE_BYTES}."
    if NESTED.search(value):
        return "its value has {{ }} in it, which SSM refuses."
    return None


def _source_problem(parameter: State) -> str | None:
    given = [source for source in SOURCES if parameter[source] is not None]
    if len(given) != 1:
        return f"give exactly one of {', '.join(SOURCES)}."
    if len(parameter["description"] or "") > DESCRIPTION_LENGTH:
        return f"description: the most is {DESCRIPTION_LENGTH} characters."
    if parameter["generate"] is not None and parameter["generate"]["length"] not in LENGTHS:
        return f"generate: length is {LENGTHS[0]} to {LENGTHS[-1]}."
    fields = [*(parameter["from"] or {}), *(parameter["fields"] or {})]
    if parameter["template"] is None:
        return "from and fields belong to a template." if fields else None
    try:
        named = placeholders(parameter["template"])
    except ValueError as error:
        return f"template: {error}. A brace that is meant stands there twice."
    if len(fields) != len(set(fields)):
        return "template: a field is either in from or in fields."
    if named != set(fields):
        return f"template: it names {_listed(named)}, and from and fields give {_listed(fields)}."
    return None


def _order_problem(parameter: State, parameters: list[State]) -> str | None:
    later = parameters[parameters.index(parameter) :]
    composed = {other["full_name"] for other in later if other["template"] is not None}
    for source in (parameter["from"] or {}).values():
        if not FULL_NAME.fullmatch(str(source)):
            return f"from: {source!r} is not a parameter's full name, such as /greenleaf/prod/app/NAME."
        if source in composed:
            return f"from: {source} is composed itself, declare it before."
    return None


def _listed(names: c.Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
