# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks the inputs of every component of the play together; see the documentation of the module of the same name."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import difflib
import pathlib
import typing as t

from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible_collections.greenleaf.cloud.plugins.module_utils import preflight

COLLECTION = pathlib.Path(__file__).parents[2]
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "names_only": {"type": "bool", "default": False},
    "stored_parameters": {"type": "list", "elements": "str", "default": []},
    "region": {"type": "str"},
}
Specs = dict[str, dict[str, t.Any]]


class ActionModule(ActionBase):  # type: ignore[misc]
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        args = self.validate_argument_spec(ARGUMENTS)[1]
        hosts: list[str] = variables["ansible_play_hosts_all"]
        hostvars = variables["hostvars"]
        specs = self._specs()
        components = {name for name, spec in specs.items() if f"{name}_state" in spec["main"]["options"]}
        found = [
            f"{host} is no component: hosts.yml can list {', '.join(sorted(components))}{preflight.suggestion(host, components)}"
            for host in hosts
            if host not in components
        ]
        inventory = pathlib.Path(variables.get("inventory_dir") or ".")
        found += self._lost_in_group_vars(inventory, components, specs)
        found += self._lost_in_host_vars(inventory, variables["groups"], components, specs)
        known = [host for host in hosts if host in components]
        for host in known:
            found += misspelt(host, hostvars[host], specs)
        if found or args["names_only"]:
            return report(found)

        inputs: preflight.Inputs = {}
        for host in known:
            inputs[host], wrong = resolve(host, hostvars[host], specs[host]["main"]["options"])
            found += wrong
        if found:  # what is wrong in itself need not be compared with anything
            return report(found)
        question = preflight.question(inputs) | {"region": args["region"] or hostvars[hosts[0]].get("greenleaf_region")}
        offers = self._execute_module("greenleaf.cloud.offerings_info", question, task_vars=variables)
        if offers.get("failed"):
            return offers  # type: ignore[no-any-return]
        if "app_secrets" in inputs:
            inputs["app_secrets"]["stored"] = args["stored_parameters"]
        told = {field.name: offers[field.name] for field in dataclasses.fields(preflight.Offers)}
        return report(preflight.problems(inputs, preflight.Offers(**told)))

    def _specs(self) -> Specs:
        files = sorted((COLLECTION / "roles").glob("*/meta/argument_specs.yml"))
        return {path.parents[1].name: self._load(path)["argument_specs"] for path in files}

    def _load(self, path: pathlib.Path) -> dict[str, t.Any]:
        # The loader's cache is Ansible's own, in which templates are marked as such.
        return self._loader.load_from_file(str(path), cache="none") or {}

    def _lost_in_group_vars(self, inventory: pathlib.Path, components: set[str], specs: Specs) -> c.Iterator[str]:
        """Variables in the inventory's group_vars that the collection's group_vars beat, or that look misspelt."""
        wiring = {name: path.name for path in sorted((COLLECTION / "group_vars").glob("*.yml")) for name in self._load(path)}
        known = {name for spec in specs.values() for name in names(spec)}
        for path in sorted((inventory / "group_vars").rglob("*.y*ml")):
            for variable in self._load(path):
                where = f"{path.relative_to(inventory)} sets {variable}, which"
                if variable in wiring:
                    owner = next((name for name in components if variable.startswith(f"{name}_")), None)
                    mend = f"put it in host_vars/{owner}.yml" if owner else "leave it out"
                    yield f"{where} group_vars/{wiring[variable]} sets for all: {mend}."
                elif variable not in known and difflib.get_close_matches(variable, known, 1, 0.85):
                    yield f"{where} nothing reads{preflight.suggestion(variable, known)}"

    def _lost_in_host_vars(
        self, inventory: pathlib.Path, groups: dict[str, list[str]], components: set[str], specs: Specs
    ) -> c.Iterator[str]:
        """Files in host_vars that no component reads, and variables in them that it does not take."""
        hosts = groups.get("components", [])
        for path in sorted((inventory / "host_vars").glob("[!.]*[!~]")):
            name = path.stem if path.is_file() else path.name
            if name not in hosts and name not in groups.get("all", []):
                yield f"host_vars/{path.name} belongs to nothing in hosts.yml{preflight.suggestion(name, hosts)}"
            elif name in components:
                known = names(specs[name]) | names(specs["run_guard"])
                for file in [path] if path.is_file() else sorted(path.rglob("*.y*ml")):
                    for variable in self._load(file):
                        if variable not in known and not variable.startswith("ansible_"):
                            where = file.relative_to(inventory)
                            yield f"{where} sets {variable}, which {name} does not take{preflight.suggestion(variable, known)}"


def resolve(host: str, hostvars: c.Mapping[str, t.Any], options: dict[str, t.Any]) -> tuple[dict[str, t.Any], list[str]]:
    """A role's inputs with its defaults, and what is wrong with each, without the value of a secret."""
    given: dict[str, t.Any] = {}
    found: dict[str, str] = {}
    secrets: set[str] = set()
    for name, option in options.items():
        try:
            if name in hostvars:
                given[name] = hostvars[name]
        except AnsibleError as error:
            hidden = option.get("no_log") and not isinstance(error, AnsibleUndefinedVariable)
            found[name] = f"{name} cannot be evaluated: {'its template fails' if hidden else error.message}."
        if option.get("no_log") and name in given:
            secrets.update(texts(given[name]))
            if ArgumentSpecValidator({name: option}).validate({name: given[name]}).error_messages:
                found[name] = f"{name} is no {option['type']}: give it as one."
                del given[name]
    result = ArgumentSpecValidator({name: option for name, option in options.items() if name not in found}).validate(given)
    return result.validated_parameters, [
        *found.values(),
        *(remove_values(f"{host}: {message.removesuffix('.')}.", secrets) for message in result.error_messages),
    ]


def texts(value: t.Any) -> c.Iterator[str]:
    """Every text in a value, however deep it stands."""
    if isinstance(value, c.Mapping):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif value:
        yield str(value)


def report(found: list[str]) -> dict[str, t.Any]:
    """The task's result: everything that is wrong, each thing once."""
    if not found:
        return {"changed": False, "problems": []}
    problems = list(dict.fromkeys(found))
    sentences = "\n".join(f"- {problem}" for problem in problems)
    return {"failed": True, "problems": problems, "msg": f"Nothing was changed. Mend this first:\n{sentences}"}


def names(spec: dict[str, t.Any]) -> set[str]:
    """Every option of every entry point of a role."""
    return {option for entry in spec.values() for option in entry.get("options", {})}


def misspelt(host: str, hostvars: c.Collection[str], specs: Specs) -> list[str]:
    """Variables that look like the component's or the environment's, and are neither's."""
    owners = {f"{host}_": (host, names(specs[host])), "greenleaf_": ("the environment", names(specs["run_guard"]))}
    return [
        f"{name} is not a variable of {owner}{preflight.suggestion(name, known)}"
        for prefix, (owner, known) in owners.items()
        for name in hostvars
        if name.startswith(prefix) and name not in known
    ]
