# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""check_inputs: what it refuses, in which order, and what it never tells."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
import yaml
from ansible.errors import AnsibleActionFail, AnsibleTemplateError, AnsibleUndefinedVariable
from ansible.parsing.dataloader import DataLoader
from ansible_collections.greenleaf.cloud.plugins.action import check_inputs
from ansible_collections.greenleaf.cloud.plugins.action.check_inputs import misspelt, resolve, texts

STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}
ROLES = {
    "run_guard": {"greenleaf_region": {"type": "str"}, "nat_mode": {"type": "str"}},
    "queue": {
        "queue_state": STATE,
        "queue_name": {"type": "str", "required": True},
        "queue_size": {"type": "int", "default": 1},
        "queue_zones": {"type": "list", "elements": "dict", "options": {"name": {"type": "str", "required": True}}},
    },
    "app_secrets": {
        "app_secrets_state": STATE,
        "app_secrets_path": {"type": "str", "required": True},
        "app_secrets_values": {"type": "dict", "no_log": True, "default": {}},
        "app_secrets_required": {"type": "list", "elements": "str", "default": []},
    },
}
OFFERS = {"zones": [], "instance_types": {}, "db_instance_classes": {}, "cache_engine_versions": [], "cache_node_types": {}}
HUSHED = "hunter2-hunter2-hunter2"


class HostVars(dict):
    """Values, of which one that is an exception is raised where it is evaluated."""

    def __getitem__(self, name):
        value = super().__getitem__(name)
        if isinstance(value, Exception):
            raise value
        return value


@pytest.fixture
def collection(tmp_path, monkeypatch):
    """A collection with the roles above and an environment without files."""
    for role, options in ROLES.items():
        folder = tmp_path / "roles" / role / "meta"
        folder.mkdir(parents=True)
        more = {"ask": {"options": {"queue_timeout": {"type": "int"}}}} if role == "queue" else {}
        (folder / "argument_specs.yml").write_text(yaml.safe_dump({"argument_specs": {"main": {"options": options}, **more}}))
    write(tmp_path / "group_vars/all.yml", queue_name="{{ greenleaf_name }}", greenleaf_name="x")
    monkeypatch.setattr(check_inputs, "COLLECTION", tmp_path)
    return tmp_path


def write(path, **variables):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(variables))


@pytest.fixture
def check(collection):
    """Runs the action; gives its result and the arguments that offerings_info was asked with, if it was."""

    def check(hosts=None, args=None, offers=None):
        hosts = {"queue": {"queue_name": "orders"}} if hosts is None else hosts
        asked = []

        def execute(name, module_args, task_vars):
            assert name == "greenleaf.cloud.offerings_info"
            asked.append(module_args)
            return offers or OFFERS

        variables = {
            "ansible_play_hosts_all": list(hosts),
            "hostvars": {host: HostVars({"greenleaf_region": "eu-west-3"} | given) for host, given in hosts.items()},
            "groups": {"all": list(hosts), "components": list(hosts)},
            "inventory_dir": str(collection / "inventory"),
        }
        task = Mock(args=args or {}, async_val=0, check_mode=False)
        action = check_inputs.ActionModule(task, Mock(), Mock(), DataLoader(), Mock(), Mock())
        action._execute_module = execute
        return action.run(task_vars=variables), asked

    return check


def refused(answer):
    """The problems of an answer, after which nothing was asked of AWS."""
    result, asked = answer
    assert asked == []
    assert result["failed"]
    assert result["msg"] == "\n".join(["Nothing was changed. Mend this first:", *(f"- {problem}" for problem in result["problems"])])
    return result["problems"]


def test_what_is_right(check):
    result, asked = check()
    assert result == {"changed": False, "problems": []}
    assert asked == [{"instance_types": [], "db_instance_classes": [], "cache_node_types": [], "region": "eu-west-3"}]


def test_another_region(check):
    assert check(args={"region": "eu-central-1"})[1][0]["region"] == "eu-central-1"


def test_an_unknown_argument_is_refused(check):
    with pytest.raises(AnsibleActionFail, match="nams_only"):
        check(args={"nams_only": True})


# Names


def test_an_unknown_component(check):
    assert refused(check({"queue": {"queue_name": "x"}, "queeu": {}})) == [
        "queeu is no component: hosts.yml can list app_secrets, queue; did you mean queue?"
    ]


def test_a_misspelt_variable(check):
    hosts = {"queue": {"queue_name": "x", "queue_sise": 2}, "app_secrets": {"app_secrets_path": "/x", "greenleaf_regoin": "x"}}
    assert refused(check(hosts)) == [
        "queue_sise is not a variable of queue; did you mean queue_size?",
        "greenleaf_regoin is not a variable of the environment; did you mean greenleaf_region?",
    ]


def test_a_variable_of_another_entry_point_is_no_mistake(check):
    assert not check({"queue": {"queue_name": "x", "queue_timeout": 5, "__queue_x": 1, "other": 1}})[0].get("failed")


def test_names_only_evaluates_nothing(check):
    broken = {"queue": {"queue_name": AnsibleUndefinedVariable("'nope' is undefined")}}
    result, asked = check(broken, args={"names_only": "yes"})
    assert (result, asked) == ({"changed": False, "problems": []}, [])
    assert refused(check({"queeu": {}}, args={"names_only": True}))


def test_wrong_names_come_before_wrong_values(check):
    problems = refused(check({"queue": {"queue_size": "many", "queue_sise": 2}}))
    assert problems == ["queue_sise is not a variable of queue; did you mean queue_size?"]


# Files


def test_host_vars_of_nobody(check, collection):
    folder = collection / "inventory/host_vars"
    write(folder / "queeu.yml", queue_size=1)
    write(folder / "zzz/main.yml", x=1)
    write(folder / ".queue.yml.swp", x=1)
    write(folder / "old.yml~", x=1)
    assert refused(check()) == [
        "host_vars/queeu.yml belongs to nothing in hosts.yml; did you mean queue?",
        "host_vars/zzz belongs to nothing in hosts.yml.",
    ]


@pytest.mark.parametrize("name", ["queue.yml", "queue/main.yml"])
def test_variables_in_host_vars_that_a_component_does_not_take(check, collection, name):
    write(collection / "inventory/host_vars" / name, queue_size=1, qeue_name="x", ansible_host="x", nat_mode="none", queue_timeout=1)
    assert refused(check()) == [f"host_vars/{name} sets qeue_name, which queue does not take; did you mean queue_name?"]


def test_variables_that_the_wiring_beats(check, collection):
    write(collection / "inventory/group_vars/all/environment.yml", queue_name="x", greenleaf_name="y", greenleaf_region="z", mine=1)
    assert refused(check()) == [
        "group_vars/all/environment.yml sets greenleaf_name, which group_vars/all.yml sets for all: leave it out.",
        "group_vars/all/environment.yml sets queue_name, which group_vars/all.yml sets for all: put it in host_vars/queue.yml.",
    ]


def test_a_variable_in_group_vars_that_looks_misspelt(check, collection):
    write(collection / "inventory/group_vars/all.yml", nat_mod="gateway", nothing_like_it=1)
    assert refused(check()) == ["group_vars/all.yml sets nat_mod, which nothing reads; did you mean nat_mode?"]


def test_an_empty_file_is_no_mistake(check, collection):
    (collection / "inventory/host_vars").mkdir(parents=True)
    (collection / "inventory/host_vars/queue.yml").write_text("---\n")
    assert not check()[0].get("failed")


def test_what_is_read_here_is_not_what_ansible_reads(collection):
    """Ansible's cache holds templates; the same text read here holds none."""
    write(collection / "host_vars/queue.yml", queue_name="{{ x }}")
    action = check_inputs.ActionModule(Mock(), Mock(), Mock(), DataLoader(), Mock(), Mock())
    assert action._load(collection / "host_vars/queue.yml") == {"queue_name": "{{ x }}"}
    assert not action._loader._FILE_CACHE


# Values


def test_all_is_told_at_once(check):
    hosts = {
        "queue": {"queue_size": "many", "queue_zones": [{"nam": "a"}], "queue_state": AnsibleUndefinedVariable("'nope' is undefined")},
        "app_secrets": {"app_secrets_values": HUSHED},
    }
    problems = refused(check(hosts))
    assert problems[0] == "queue_state cannot be evaluated: 'nope' is undefined."
    assert "queue: missing required arguments: queue_name." in problems
    assert any(
        problem.startswith("queue: argument 'queue_size' is of type str and we were unable to convert to int") for problem in problems
    )
    assert any("missing required arguments: name found in queue_zones" in problem for problem in problems)
    assert any("queue_zones.nam." in problem for problem in problems)
    assert "app_secrets_values is no dict: give it as one." in problems
    assert "app_secrets: missing required arguments: app_secrets_path." in problems


def test_what_cannot_be_evaluated_is_not_missing_too(check):
    undefined = AnsibleUndefinedVariable("'nope' is undefined")
    assert refused(check({"queue": {"queue_name": undefined}})) == ["queue_name cannot be evaluated: 'nope' is undefined."]


def test_what_is_wrong_for_two_is_told_once(check):
    hosts = {"queue": {"queue_name": "x", "greenleaf_regoin": 1}, "app_secrets": {"app_secrets_path": "/x", "greenleaf_regoin": 1}}
    assert len(refused(check(hosts))) == 1


def test_what_aws_does_not_offer_is_told_last(check, monkeypatch):
    seen = {}

    def problems(inputs, offers):
        seen.update(inputs=inputs, offers=offers)
        return ["rds_instance_class is db.t9.huge."]

    monkeypatch.setattr(check_inputs.preflight, "problems", problems)
    hosts = {"queue": {"queue_name": "x", "queue_size": "2"}, "app_secrets": {"app_secrets_path": "/x"}}
    result, asked = check(hosts, args={"stored_parameters": ["/x/A"]}, offers=OFFERS | {"zones": ["eu-west-3a"], "changed": False})
    assert result["problems"] == ["rds_instance_class is db.t9.huge."]
    assert len(asked) == 1
    assert seen["inputs"]["queue"] == {"queue_name": "x", "queue_size": 2, "queue_state": "present", "queue_zones": None}
    assert seen["inputs"]["app_secrets"]["stored"] == ["/x/A"]
    assert seen["offers"].zones == ["eu-west-3a"]


def test_an_answer_that_failed_is_the_result(check):
    failure = {"failed": True, "msg": "Failed to ask what AWS offers"}
    assert check(offers=failure)[0] == failure


# Secrets


def wrong(hostvars, options):
    return resolve("app_secrets", hostvars, options)[1]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", HUSHED),
        ("bool", HUSHED),
        ("int", {"A": [HUSHED]}),
        ("dict", HUSHED),
        ("dict", [HUSHED]),
        ("dict", f'{{"A": "{HUSHED}"'),
        ("dict", f"A={HUSHED} 'B"),
    ],
)
def test_a_secret_of_the_wrong_type_is_never_told(kind, value):
    problems = wrong({"app_secrets_values": value}, {"app_secrets_values": {"type": kind, "no_log": True}})
    assert problems == [f"app_secrets_values is no {kind}: give it as one."]


def test_a_secret_is_not_told_where_another_input_repeats_it():
    options = {"size": {"type": "int"}, "app_secrets_values": {"type": "dict", "no_log": True}}
    (problem,) = wrong({"app_secrets_values": {"A": [{"B": HUSHED}]}, "size": f"x{HUSHED}"}, options)
    assert problem.startswith("app_secrets: argument 'size' is of type str")
    assert HUSHED not in problem


def test_a_secret_s_template_that_fails_is_told_without_its_text():
    options = {"app_secrets_values": {"type": "dict", "no_log": True}}
    problems = wrong(HostVars(app_secrets_values=AnsibleTemplateError(f"cannot parse {HUSHED}")), options)
    assert problems == ["app_secrets_values cannot be evaluated: its template fails."]
    problems = wrong(HostVars(app_secrets_values=AnsibleUndefinedVariable("'vault_x' is undefined")), options)
    assert problems == ["app_secrets_values cannot be evaluated: 'vault_x' is undefined."]


def test_texts():
    assert sorted(texts({"a": ["b", {"c": 1}], "d": None, "e": ""})) == ["1", "b"]


def test_misspelt_looks_at_its_own_prefixes_only():
    specs = {role: {"main": {"options": options}} for role, options in ROLES.items()}
    assert misspelt("queue", ["queue_name", "app_secrets_pat", "greenleaf_region", "inventory_hostname"], specs) == []
