# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ssm_parameters: its values, what it refuses, and the requests that it sends."""

from __future__ import annotations

import types
import urllib.parse
from unittest.mock import Mock

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils import ssm_parameters as values
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules.ssm_parameters import Parameters

PATH = "/greenleaf/prod/app"
GENERATE = {"length": 48, "charset": "alphanumeric"}


class Failed(Exception):
    pass


def fail_json(msg):
    raise Failed(msg)


def error(code):
    return botocore.exceptions.ClientError({"Error": {"Code": code, "Message": "No."}}, "PutParameter")


def parameter(name="A", **options):
    unset = dict.fromkeys(["value", "generate", "template", "from", "fields", "description"])
    return {"name": name, "full_name": f"{PATH}/{name}", "type": "SecureString", "encode": True, **unset, **options}


class Store:
    """As much of SSM as the module asks for; it keeps the requests that write."""

    def __init__(self, **found):
        self.meta = types.SimpleNamespace(region_name="eu-west-3", partition="aws")
        self.found = {f"{PATH}/{name}": {"Type": "SecureString", "Version": 1, **facts} for name, facts in found.items()}
        self.unlisted = set()
        self.put = []

    def get_parameters(self, *, Names, WithDecryption, aws_retry):
        assert len(Names) <= 10
        found = [{"Name": name, "ARN": f"arn{name}", **self.found[name]} for name in Names if name in self.found]
        return {"Parameters": found, "InvalidParameters": []}

    def get_paginator(self, _operation):
        listed = [{"Name": name, **facts} for name, facts in self.found.items() if name not in self.unlisted]
        return types.SimpleNamespace(paginate=lambda **_query: [{"Parameters": []}, {"Parameters": listed}])

    def put_parameter(self, *, aws_retry, **request):
        self.put.append(request)
        name = request["Name"]
        if name in self.found and not request.get("Overwrite"):
            raise error("ParameterAlreadyExists")
        version = self.found.get(name, {"Version": 0})["Version"] + 1
        self.found[name] = {"Type": request["Type"], "Value": request["Value"], "Version": version}


def parameters(store, *declared, check_mode=False, **params):
    module = types.SimpleNamespace(
        params={"path": PATH, "state": "present", "parameters": list(declared), "key_id": None, "tags": None, "purge": False, **params},
        check_mode=check_mode,
        fail_json=fail_json,
        no_log_values=set(),
    )
    return Parameters(module, store)


@pytest.mark.parametrize("charset", values.CHARSETS)
def test_a_generated_value(charset):
    secret = values.generate(64, charset)
    assert len(secret) == 64
    assert set(secret) <= set(values.CHARSETS[charset])
    assert secret != values.generate(64, charset)
    assert values.value_problem(secret) is None


def test_a_printable_value_is_one_that_rds_shells_and_env_files_take():
    assert len(set(values.CHARSETS["printable"])) == len(values.CHARSETS["printable"])
    assert not set(values.CHARSETS["printable"]) & set(" \"'/@\\`$#{}&|;<>()[]")


def test_what_is_put_in_is_encoded():
    password = "p@ss:w/rd%?#[]{}&=+ é-._~"
    url = values.compose(
        "postgres://{user}:{password}@{host}:{port}/medusa", {"user": "m", "password": password, "host": "h", "port": 5432}, encode=True
    )
    assert urllib.parse.unquote(urllib.parse.urlsplit(url).password) == password
    assert urllib.parse.urlsplit(url).hostname == "h"
    assert urllib.parse.urlsplit(url).port == 5432
    assert "-._~" in url


def test_a_template_of_plain_text_is_not_encoded():
    assert values.compose("{{{a}}}", {"a": "p@{b}"}, encode=False) == "{p@{b}}"


@pytest.mark.parametrize("template", ["{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{}", "{0}", "{a", "a}"])
def test_a_placeholder_is_a_plain_name(template):
    with pytest.raises(ValueError, match=r"."):
        values.placeholders(template)


def test_placeholders():
    assert values.placeholders("{a}-{b}-{a}-{{c}}") == {"a", "b"}


def test_values_are_resolved_in_order():
    wanted = values.resolve(
        [
            parameter("URL", template="x://{token}", **{"from": {"token": f"{PATH}/TOKEN"}}),
            parameter("COPY", template="{url}", encode=False, **{"from": {"url": f"{PATH}/URL"}}),
            parameter("TOKEN", value="new"),
            parameter("KEPT", generate=GENERATE),
            parameter("LATER", template="{x}", **{"from": {"x": "/missing"}}),
        ],
        {f"{PATH}/TOKEN": "old", f"{PATH}/KEPT": "kept"},
    )
    assert {name.rpartition("/")[2]: value for name, value in wanted.items()} == {
        "TOKEN": "new",
        "KEPT": "kept",
        "URL": "x://new",
        "COPY": "x://new",
        "LATER": None,
    }


@pytest.mark.parametrize("value", ["x", "x" * 4096, "é" * 2048, "{a}"])
def test_values_that_ssm_takes(value):
    assert values.value_problem(value) is None


@pytest.mark.parametrize("value", ["", "x" * 4097, "é" * 2049, "a{{ssm:b}}c"])
def test_values_that_ssm_refuses(value):
    problem = values.value_problem(value)
    assert problem
    assert not value or value not in problem


@pytest.mark.parametrize("path", ["greenleaf", "/", "/a/", "/a b", "/aws/x", "/SSMx", "/a//b"])
def test_paths_that_ssm_refuses(path):
    assert values.problem(path, [], present=True).startswith("path: ")


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ([parameter("a b", value="x")], "'a b' is not a name"),
        ([parameter(value="x"), parameter(value="y")], "A stands there twice"),
        ([parameter("A" * 950, value="x")], "is too long"),
        ([parameter()], "give exactly one of value, generate, template"),
        ([parameter(value="x", generate=GENERATE)], "give exactly one of value, generate, template"),
        ([parameter(generate={**GENERATE, "length": 15})], "length is 16 to 4096"),
        ([parameter(value="x", description="x" * 1025)], "description: the most is 1024"),
        ([parameter(value="x", fields={"a": "b"})], "from and fields belong to a template"),
        ([parameter(template="{a.b}")], "A brace that is meant stands there twice"),
        ([parameter(template="{a}", fields={"b": 1})], "it names a, and from and fields give b"),
        ([parameter(template="{a}", fields={"a": 1}, **{"from": {"a": "/x"}})], "either in from or in fields"),
        ([parameter(template="{a}", **{"from": {"a": "x"}})], "'x' is not a parameter's full name"),
        ([parameter(template="{a}", **{"from": {"a": f"{PATH}/A"}})], "is composed itself, declare it before"),
        (
            [parameter(template="{b}", **{"from": {"b": f"{PATH}/B"}}), parameter("B", template="x")],
            "is composed itself, declare it before",
        ),
    ],
)
def test_options_that_are_refused(declared, problem):
    assert problem in values.problem(PATH, declared, present=True)


def test_options_that_are_taken():
    declared = [
        parameter("B", template="x"),
        parameter(template="{b}{c}{d}", fields={"d": 1}, **{"from": {"b": f"{PATH}/B", "c": "/aws/service/x"}}),
    ]
    assert values.problem(PATH, declared, present=True) is None
    assert values.problem(PATH, [parameter()], present=False) is None


def test_a_path_has_at_most_15_levels():
    assert values.problem("/a" * 14, [parameter(value="x")], present=True) is None
    assert "is too long" in values.problem("/a" * 15, [{**parameter(value="x")}], present=True)


def test_a_secret_is_never_created_over_another():
    store = Store()
    converge(parameters(store, parameter(generate=GENERATE)), present=True, check_mode=False)
    (put,) = store.put
    assert "Overwrite" not in put
    assert len(put["Value"]) == 48


def test_check_mode_generates_nothing():
    resource = parameters(Store(), parameter(generate=GENERATE), check_mode=True)
    assert converge(resource, present=True, check_mode=True)["changed"]
    assert resource.generated == {}


@pytest.mark.parametrize("beside", [[], [parameter("OLD", value="x")]])
def test_a_create_whose_answer_was_lost_is_taken_as_it_is(beside):
    """What was made meanwhile is what others are composed from, whether all or only some had to be created."""
    store = Store(OLD={"Value": "x"}) if beside else Store()
    url = parameter("URL", template="x://{token}", **{"from": {"token": f"{PATH}/TOKEN"}})
    resource = parameters(store, *beside, parameter("TOKEN", generate=GENERATE), url)
    read = resource.read

    def read_once_then_meet():
        state = read()
        store.found.setdefault(f"{PATH}/TOKEN", {"Type": "SecureString", "Value": "theirs", "Version": 1})
        return state

    resource.read = read_once_then_meet
    converge(resource, present=True, check_mode=False)
    assert store.found[f"{PATH}/TOKEN"]["Value"] == "theirs"
    assert store.found[f"{PATH}/URL"]["Value"] == "x://theirs"


def test_a_parameter_that_is_not_listed_yet_is_not_written_twice():
    store = Store()
    store.unlisted = {f"{PATH}/A"}
    converge(parameters(store, parameter(value="x", description="Text"), key_id="alias/x"), present=True, check_mode=False)
    assert len(store.put) == 1


def test_a_new_version_keeps_what_nobody_declared():
    store = Store(A={"Value": "old", "Description": "Theirs", "KeyId": "alias/theirs", "Tier": "Advanced", "AllowedPattern": "[a-z]+"})
    converge(parameters(store, parameter(value="new")), present=True, check_mode=False)
    assert store.put == [
        {
            "Name": f"{PATH}/A",
            "Type": "SecureString",
            "Value": "new",
            "Overwrite": True,
            "Description": "Theirs",
            "KeyId": "alias/theirs",
            "Tier": "Advanced",
            "AllowedPattern": "[a-z]+",
        }
    ]


def test_a_plain_parameter_has_no_key():
    store = Store(A={"Value": "x", "KeyId": "alias/aws/ssm"})
    converge(parameters(store, parameter(value="x", type="String"), key_id="alias/x"), present=True, check_mode=False)
    (put,) = store.put
    assert put["Type"] == "String"
    assert "KeyId" not in put


def test_a_type_that_ssm_does_not_change_is_an_error():
    store = Store(A={"Value": "x", "Type": "String"})
    store.put_parameter = Mock(side_effect=error("HierarchyTypeMismatchException"))
    with pytest.raises(Failed, match="A: SSM does not make it a SecureString"):
        converge(parameters(store, parameter(generate=GENERATE)), present=True, check_mode=False)


def test_an_error_cannot_tell_the_value():
    store = Store()
    store.put_parameter = Mock(side_effect=error("ValidationException"))
    resource = parameters(store, parameter(value="hunter2"))
    with pytest.raises(botocore.exceptions.ClientError):
        converge(resource, present=True, check_mode=False)
    assert resource.module.no_log_values == {"hunter2"}


def test_a_composed_value_that_is_too_long_is_refused_before_any_write():
    store = Store(LONG={"Value": "@" * 4000})
    url = parameter("URL", template="{long}", **{"from": {"long": f"{PATH}/LONG"}})
    with pytest.raises(Failed, match="URL: its value has 12000 bytes"):
        converge(parameters(store, parameter(generate=GENERATE), url), present=True, check_mode=False)
    assert store.put == []


def test_no_value_stands_in_the_result():
    store = Store(OLD={"Value": "hunter2"})
    url = parameter("URL", template="x://{old}", **{"from": {"old": f"{PATH}/OLD"}})
    result = converge(parameters(store, url, parameter("OLD", value="hunter3")), present=True, check_mode=False)
    assert store.found[f"{PATH}/URL"]["Value"] == "x://hunter3"
    assert "hunter" not in str(result)
    assert result["diff"]["before"]["settings"]["OLD"]["value"] == "(sensitive, version 1)"
    assert result["diff"]["after"]["settings"]["OLD"]["value"] == "(sensitive, changes)"
