# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks the inputs of every component of the play together; see the documentation of the module of the same name."""

from __future__ import annotations

import collections.abc as c
import pathlib
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.greenleaf.cloud.plugins.module_utils import preflight

ROLES = pathlib.Path(__file__).parents[2] / "roles"
WIRING = pathlib.Path(__file__).parents[2] / "group_vars"
Specs = dict[str, dict[str, t.Any]]


class ActionModule(ActionBase):  # type: ignore[misc]
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        hosts: list[str] = variables["ansible_play_hosts_all"]
        hostvars = variables["hostvars"]
        specs = self._specs()
        components = {name for name, spec in specs.items() if f"{name}_state" in spec["main"]["options"]}
        found = [
            f"{host} is no component: hosts.yml can list {', '.join(sorted(components))}{preflight.suggestion(host, components)}"
            for host in hosts
            if host not in components
        ]
        found += self._stray_files(variables, components, specs)
        known = [host for host in hosts if host in components]
        for host in known:
            found += misspelt(host, hostvars[host], specs)
        if found or self._task.args.get("names_only"):
            return report(found)
        inputs: preflight.Inputs = {}
        for host in known:
            inputs[host], wrong = self._resolve(host, hostvars[host], specs[host]["main"]["options"])
            found += wrong
        # What is wrong in itself need not be compared with anything.
        if not found:
            offers = self._execute_module("greenleaf.cloud.offerings_info", self._question(inputs), task_vars=variables)
            if offers.get("failed"):
                return offers  # type: ignore[no-any-return]
            if "app_secrets" in inputs:
                inputs["app_secrets"]["stored"] = self._task.args.get("stored_parameters", [])
            fields = preflight.Offers.__dataclass_fields__
            found = preflight.problems(inputs, preflight.Offers(**{name: offers[name] for name in fields}))
        return report(found)

    def _question(self, inputs: preflight.Inputs) -> dict[str, t.Any]:
        region = {"region": self._task.args["region"]} if "region" in self._task.args else {}
        return {**preflight.question(inputs), **region}

    def _specs(self) -> Specs:
        return {
            path.parents[1].name: self._loader.load_from_file(str(path))["argument_specs"]
            for path in sorted(ROLES.glob("*/meta/argument_specs.yml"))
        }

    def _resolve(self, host: str, hostvars: c.Mapping[str, t.Any], options: dict[str, t.Any]) -> tuple[dict[str, t.Any], list[str]]:
        """The role's inputs with its defaults, and what is wrong with each."""
        given: dict[str, t.Any] = {}
        found: list[str] = []
        for name in options:
            try:
                if name in hostvars:
                    given[name] = hostvars[name]
            except AnsibleError as error:
                found.append(f"{name} cannot be evaluated: {error.message}")
        result = ArgumentSpecValidator(options).validate(given)
        found += [f"{host}: {message}" for message in result.error_messages]
        return result.validated_parameters, found

    def _stray_files(self, variables: dict[str, t.Any], components: set[str], specs: Specs) -> list[str]:
        """Files in host_vars that no component reads, variables in them that it does not take, and those in group_vars that the
        wiring, which beats an inventory's group_vars, would silently override."""
        found = []
        inventory = pathlib.Path(variables.get("inventory_dir") or ".")
        wiring = {name: path.name for path in sorted(WIRING.glob("*.yml")) for name in self._loader.load_from_file(str(path))}
        for path in sorted((inventory / "group_vars").rglob("*.y*ml")):
            for variable in self._loader.load_from_file(str(path)) or {}:
                if variable in wiring:
                    mend = next((f"put it in host_vars/{name}.yml" for name in components if variable.startswith(f"{name}_")), "leave it out")
                    found.append(f"{path.relative_to(inventory)} sets {variable}, which group_vars/{wiring[variable]} sets for all: {mend}.")
        folder = inventory / "host_vars"
        declared = set(variables["groups"].get("components", []))
        for path in sorted(folder.glob("*")):
            name = path.stem if path.is_file() else path.name
            if name not in declared and name not in variables["groups"].get("all", []):
                found.append(f"host_vars/{path.name} belongs to nothing in hosts.yml{preflight.suggestion(name, declared)}")
            elif path.is_file() and name in components:
                known = names(specs[name]) | set(specs["run_guard"]["main"]["options"])
                for variable in self._loader.load_from_file(str(path)) or {}:
                    if variable not in known and not variable.startswith("ansible_"):
                        found.append(
                            f"host_vars/{path.name} sets {variable}, which {name} does not take{preflight.suggestion(variable, known)}"
                        )
        return found


def report(found: list[str]) -> dict[str, t.Any]:
    """The task's result: everything that is wrong, each thing once."""
    if not found:
        return {"changed": False, "problems": []}
    problems = list(dict.fromkeys(found))
    sentences = "\n".join(f"- {problem}" for problem in problems)
    return {"failed": True, "problems": problems, "msg": f"Nothing was changed. Mend this first:\n{sentences}"}


def names(spec: dict[str, t.Any]) -> set[str]:
    """Every option of every entry point of a role."""
    return {option for entry in spec.values() for option in entry["options"]}


def misspelt(host: str, hostvars: c.Iterable[str], specs: Specs) -> list[str]:
    """Variables that look like the component's or the environment's, and are neither's."""
    environment = set(specs["run_guard"]["main"]["options"])
    own = names(specs[host])
    # security_groups_… is not a misspelt security_…: the longest component that fits has a variable.
    found = [
        f"{name} is not a variable of {host}{preflight.suggestion(name, own)}"
        for name in hostvars
        if name.startswith(f"{host}_") and name not in own
    ]
    return found + [
        f"{name} is not a variable of the environment{preflight.suggestion(name, environment)}"
        for name in hostvars
        if name.startswith("greenleaf_") and name not in environment
    ]
