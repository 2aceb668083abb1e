# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""aws: how a module ends, and what is retried."""

from __future__ import annotations

from unittest.mock import Mock

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils import aws
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import ImmutableFieldError, NotVisibleError
from ansible_collections.greenleaf.cloud.tests.unit.recording import Failed, Module, error


class Ended(Exception):
    """exit_json, with the result."""


def ends(how):
    raise how


@pytest.fixture
def run(monkeypatch):
    """`aws.run` with a fake module whose resource converges to `outcome`; gives how the module was made and how it ended."""

    def run(outcome=None, check_mode=False, **params):
        made = {}

        def module_class(argument_spec, supports_check_mode, **rules):
            made.update(spec=argument_spec, check=supports_check_mode, rules=rules)
            module = Module(argument_spec, {}, **params)
            module.check_mode = check_mode
            module.exit_json = lambda **result: ends(Ended(result))
            module.fail_json_aws = lambda exception, msg: ends(Failed(f"{msg}: {exception}"))
            made["module"] = module
            return module

        converge = Mock(return_value=outcome or {}, side_effect=outcome if isinstance(outcome, Exception) else None)
        monkeypatch.setattr(aws, "AnsibleAWSModule", module_class)
        monkeypatch.setattr(aws, "converge", converge)
        resource = Mock(label="Topic alerts")
        build = Mock(return_value=resource)
        with pytest.raises((Ended, Failed)) as ended:
            aws.run(build, {"name": {"type": "str"}, "tags": {"type": "dict"}}, required_if=[("state", "present", ["name"])])
        build.assert_called_once_with(made["module"])
        if converge.call_args:
            converge.assert_called_once_with(resource, present=params.get("state") != "absent", check_mode=check_mode)
        return made, ended.value

    return run


def test_a_module_has_a_state_check_mode_and_its_own_rules(run):
    made = run()[0]
    assert made["spec"]["state"] == {"type": "str", "choices": ["present", "absent"], "default": "present"}
    assert set(made["spec"]) == {"state", "name", "tags"}
    assert (made["check"], made["rules"]) == (True, {"required_if": [("state", "present", ["name"])]})


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_it_ends_with_what_was_converged(run, state, check_mode):
    ended = run({"changed": True}, check_mode, state=state)[1]
    assert ended.args == ({"changed": True},)


def test_a_tag_that_is_a_number_becomes_text(run):
    made = run(tags={"CostCenter": 4711, "Team": "shop"})[0]
    assert made["module"].params["tags"] == {"CostCenter": "4711", "Team": "shop"}


def test_no_tags_stay_none(run):
    made = run()[0]
    assert made["module"].params["tags"] is None


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (
            ImmutableFieldError("port, vpc_id"),
            "Topic alerts exists with another port, vpc_id, which AWS cannot change in place: delete it first, or choose another name.",
        ),
        (NotVisibleError("Topic alerts"), "Topic alerts was created, and AWS does not show it yet: run again in a minute."),
        (
            error("AccessDenied", "no"),
            "Failed to converge Topic alerts: An error occurred (AccessDenied) when calling the Operation operation: no",
        ),
        (botocore.exceptions.NoCredentialsError(), "Failed to converge Topic alerts: Unable to locate credentials"),
    ],
)
def test_an_error_names_the_resource(run, outcome, message):
    ended = run(outcome)[1]
    assert isinstance(ended, Failed)
    assert str(ended) == message


@pytest.fixture
def pauses(monkeypatch):
    slept = []
    monkeypatch.setattr("ansible_collections.amazon.aws.plugins.module_utils.cloud.time.sleep", slept.append)
    return slept


@pytest.mark.parametrize(
    "code", ["Throttling", "ThrottlingException", "ThrottledException", "InternalError", "ServiceUnavailable", "OperationAborted"]
)
def test_what_a_second_try_can_mend_is_retried(pauses, code):
    call = Mock(side_effect=[error(code), "answer"])
    assert aws.retried(call)() == "answer"
    assert len(pauses) == 1


def test_nothing_else_is_retried(pauses):
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
        aws.retried(Mock(side_effect=[error("AccessDenied"), "answer"]))()
    assert pauses == []


def test_a_client_retries(pauses):
    module = Mock()
    aws.client(module, "sns")
    module.client.assert_called_once_with("sns", retry_decorator=aws.retried)


def test_pages_add_up_and_are_retried(pauses):
    api = Mock()
    api.get_paginator.return_value.paginate.side_effect = [error("Throttling"), iter([{"Roles": [1, 2]}, {"Roles": [3]}])]
    assert aws.paginated(api, "list_roles", "Roles", PathPrefix="/") == [1, 2, 3]
    api.get_paginator.assert_called_with("list_roles")
    api.get_paginator.return_value.paginate.assert_called_with(PathPrefix="/")


def test_set_fields():
    assert aws.set_fields({"a": 0, "b": None, "c": "", "d": 1}, ["a", "b", "c"]) == {"a": 0, "c": ""}


def test_tags():
    assert aws.tags_to({"b": 2, "a": "1"}) == [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert aws.tags_from([{"Key": "a", "Value": "1"}, {"key": "b", "value": "2"}, {"Key": "aws:autoscaling:groupName", "Value": "x"}]) == {
        "a": "1",
        "b": "2",
    }
    assert aws.tags_from([{"Key": "flag"}]) == {"flag": ""}
