# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest

PATH = "/greenleaf/test/app"
PASSWORD = "/greenleaf/test/rds/master_password"
DATABASE_URL = {
    "name": "DATABASE_URL",
    "template": "postgres://{user}:{password}@{host}:5432/medusa",
    "from": {"password": PASSWORD},
    "fields": {"user": "medusa", "host": "db.example.com"},
}
OPTIONS = {
    "path": PATH,
    "parameters": [
        {"name": "JWT_SECRET", "generate": {}, "description": "Signs sessions"},
        {"name": "REDIS_URL", "value": "rediss://:hunter2hunter2@redis.example.com:6379"},
        DATABASE_URL,
        {"name": "S3_REGION", "type": "String", "template": "auto"},
    ],
    "tags": {"Project": "greenleaf", "Environment": "test"},
}


@pytest.fixture
def ssm(aws):
    return aws("ssm")


@pytest.fixture
def password(ssm):
    ssm.put_parameter(Name=PASSWORD, Value="p@ss:w/rd%?", Type="SecureString")


def value(ssm, name, path=PATH):
    return ssm.get_parameter(Name=f"{path}/{name}", WithDecryption=True)["Parameter"]["Value"]


def only(*parameters, **options):
    return {"path": PATH, "parameters": list(parameters), **options}


def test_converges(assert_converges, ssm, password):
    result = assert_converges("ssm_parameters", **OPTIONS)

    found = {
        parameter["Name"].rpartition("/")[2]: parameter
        for parameter in ssm.get_parameters_by_path(Path=PATH, WithDecryption=True)["Parameters"]
    }
    assert result["resource"]["parameters"] == {
        name: {"arn": parameter["ARN"], "version": 1, "type": parameter["Type"]} for name, parameter in found.items()
    }
    assert {name: parameter["Type"] for name, parameter in found.items()} == {
        "JWT_SECRET": "SecureString",
        "REDIS_URL": "SecureString",
        "DATABASE_URL": "SecureString",
        "S3_REGION": "String",
    }
    assert len(found["JWT_SECRET"]["Value"]) == 48
    assert found["JWT_SECRET"]["Value"].isalnum()
    assert found["REDIS_URL"]["Value"] == "rediss://:hunter2hunter2@redis.example.com:6379"
    assert found["DATABASE_URL"]["Value"] == "postgres://medusa:p%40ss%3Aw%2Frd%25%3F@db.example.com:5432/medusa"
    assert found["S3_REGION"]["Value"] == "auto"
    for name in found:
        tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=f"{PATH}/{name}")["TagList"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == OPTIONS["tags"]


def test_check_mode_tells_the_plan(run_module):
    """Also where a parameter that is composed from does not exist yet."""
    result = run_module("ssm_parameters", check_mode=True, **OPTIONS)

    assert result["diff"]["before"] == {}
    assert result["diff"]["after"]["settings"]["DATABASE_URL"] == {
        "type": "SecureString",
        "value": "(sensitive, changes)",
        "tags": OPTIONS["tags"],
    }
    assert result["resource"]["parameters"]["S3_REGION"] == {
        "arn": f"arn:aws:ssm:eu-west-3:000000000000:parameter{PATH}/S3_REGION",
        "version": 0,
        "type": "String",
    }


def test_no_value_is_told(run_module, ssm, password):
    results = [run_module("ssm_parameters", check_mode=check_mode, **OPTIONS) for check_mode in (True, False, True)]
    ssm.put_parameter(Name=PASSWORD, Value="another-password", Type="SecureString", Overwrite=True)
    results.append(run_module("ssm_parameters", **OPTIONS))
    results.append(run_module("ssm_parameters", **{**OPTIONS, "state": "absent"}))

    told = json.dumps(results)
    assert "(sensitive, version 1)" in told
    for secret in ("hunter2hunter2", "p@ss:w/rd", "p%40ss", "another-password", "postgres://medusa", "rediss://"):
        assert secret not in told


def test_a_missing_source_is_an_error_before_any_write(run_module, account):
    mark = account.mark()
    message = run_module("ssm_parameters", fails=True, **OPTIONS)["msg"]

    assert message == f"parameters: DATABASE_URL: from: {PASSWORD} does not exist. Create it before."
    assert account.writes(mark) == []


def test_a_generated_value_is_made_once(run_module, account, ssm):
    run_module("ssm_parameters", **only({"name": "JWT_SECRET", "generate": {}}))
    secret = value(ssm, "JWT_SECRET")

    mark = account.mark()
    assert not run_module("ssm_parameters", **only({"name": "JWT_SECRET", "generate": {"length": 64, "charset": "printable"}}))["changed"]
    assert account.writes(mark) == []
    changed = run_module("ssm_parameters", **only({"name": "JWT_SECRET", "generate": {}, "description": "Signs sessions"}))
    assert changed["resource"]["parameters"]["JWT_SECRET"]["version"] == 2
    assert value(ssm, "JWT_SECRET") == secret


def test_a_generated_value_is_composed_in_the_same_run(assert_converges, ssm):
    """Wherever it stands in the list."""
    url = {"name": "REDIS_URL", "template": "rediss://:{token}@redis:6379", "from": {"token": f"{PATH}/REDIS_TOKEN"}}
    assert_converges("ssm_parameters", **only(url, {"name": "REDIS_TOKEN", "generate": {"length": 32}}))

    assert value(ssm, "REDIS_URL") == f"rediss://:{value(ssm, 'REDIS_TOKEN')}@redis:6379"


def test_a_changed_source_changes_what_is_composed(run_module, account, ssm, password):
    run_module("ssm_parameters", **OPTIONS)
    ssm.put_parameter(Name=PASSWORD, Value="rotated", Type="SecureString", Overwrite=True)

    mark = account.mark()
    plan = run_module("ssm_parameters", check_mode=True, **OPTIONS)
    before, after = (plan["diff"][side]["settings"] for side in ("before", "after"))
    assert (before.pop("DATABASE_URL")["value"], after.pop("DATABASE_URL")["value"]) == ("(sensitive, version 1)", "(sensitive, changes)")
    assert before == after
    assert account.writes(mark) == []

    assert run_module("ssm_parameters", **OPTIONS)["resource"]["parameters"]["DATABASE_URL"]["version"] == 2
    assert [(request["action"], request["parameters"]["Name"]) for request in account.writes(mark)] == [
        ("PutParameter", f"{PATH}/DATABASE_URL")
    ]
    assert value(ssm, "DATABASE_URL") == "postgres://medusa:rotated@db.example.com:5432/medusa"
    assert not run_module("ssm_parameters", **OPTIONS)["changed"]


def test_a_change_by_hand_is_mended(run_module, ssm, password):
    run_module("ssm_parameters", **OPTIONS)
    ssm.put_parameter(Name=f"{PATH}/S3_REGION", Value="eu-west-3", Type="String", Overwrite=True)

    assert run_module("ssm_parameters", **OPTIONS)["changed"]
    assert value(ssm, "S3_REGION") == "auto"


def test_tags_are_mended_and_others_stay(run_module, account, ssm, password):
    run_module("ssm_parameters", **OPTIONS)
    jwt = {"ResourceType": "Parameter", "ResourceId": f"{PATH}/JWT_SECRET"}
    ssm.remove_tags_from_resource(**jwt, TagKeys=["Project"])
    ssm.add_tags_to_resource(**jwt, Tags=[{"Key": "Team", "Value": "shop"}])

    mark = account.mark()
    assert run_module("ssm_parameters", check_mode=True, **OPTIONS)["changed"]
    run_module("ssm_parameters", **OPTIONS)
    assert [request["action"] for request in account.writes(mark)] == ["AddTagsToResource"]
    assert {tag["Key"]: tag["Value"] for tag in ssm.list_tags_for_resource(**jwt)["TagList"]} == {**OPTIONS["tags"], "Team": "shop"}
    assert not run_module("ssm_parameters", **OPTIONS)["changed"]


def test_a_look_is_few_calls(run_module, account, password):
    run_module("ssm_parameters", **OPTIONS)

    mark = account.mark()
    run_module("ssm_parameters", **OPTIONS)
    assert [request["action"] for request in account.requests(mark)] == ["DescribeParameters", "GetParameters", "DescribeParameters"]


def test_more_than_a_batch(assert_converges, run_module, account, ssm):
    parameters = [{"name": f"SECRET_{number}", "generate": {}} for number in range(23)]
    assert_converges("ssm_parameters", **only(*parameters, tags={"Project": "greenleaf"}))
    assert len({value(ssm, parameter["name"]) for parameter in parameters}) == 23

    mark = account.mark()
    run_module("ssm_parameters", **only(*parameters, state="absent"))
    assert [len(request["parameters"]["Names"]) for request in account.writes(mark)] == [10, 10, 3]


@pytest.mark.parametrize(("old", "new"), [("String", "SecureString"), ("SecureString", "String")])
def test_a_type_is_changed(assert_converges, run_module, ssm, old, new):
    parameter = {"name": "HOST", "template": "db.example.com"}
    run_module("ssm_parameters", **only({**parameter, "type": old}))

    assert_converges("ssm_parameters", **only({**parameter, "type": new}))
    found = ssm.get_parameter(Name=f"{PATH}/HOST", WithDecryption=True)["Parameter"]
    assert (found["Type"], found["Value"]) == (new, "db.example.com")


def test_a_key(assert_converges, run_module, account, ssm):
    parameter = {"name": "JWT_SECRET", "generate": {}}
    run_module("ssm_parameters", **only(parameter))
    secret = value(ssm, "JWT_SECRET")

    assert_converges("ssm_parameters", **only(parameter, key_id="alias/greenleaf"))
    assert value(ssm, "JWT_SECRET") == secret
    run_module("ssm_parameters", **only({**parameter, "description": "Signs sessions"}))
    (metadata,) = ssm.describe_parameters()["Parameters"]
    assert (metadata["KeyId"], metadata["Description"]) == ("alias/greenleaf", "Signs sessions")


def test_purge(assert_converges, run_module, ssm, password):
    run_module("ssm_parameters", **OPTIONS)
    ssm.put_parameter(Name=f"{PATH}/below/KEPT", Value="v", Type="String")

    assert not run_module("ssm_parameters", **only(OPTIONS["parameters"][0]))["changed"]
    options = only({"name": "COPY", "template": "{url}", "from": {"url": f"{PATH}/REDIS_URL"}}, OPTIONS["parameters"][0], purge=True)
    plan = run_module("ssm_parameters", check_mode=True, **options)
    assert (plan["diff"]["before"]["undeclared"], plan["diff"]["after"]["undeclared"]) == (["DATABASE_URL", "S3_REGION"], [])
    assert_converges("ssm_parameters", **options)
    left = {parameter["Name"] for parameter in ssm.describe_parameters()["Parameters"]}
    assert left == {f"{PATH}/{name}" for name in ("COPY", "JWT_SECRET", "REDIS_URL", "below/KEPT")} | {PASSWORD}


def test_delete(run_module, account, ssm, password):
    run_module("ssm_parameters", **OPTIONS)
    ssm.put_parameter(Name=f"{PATH}/OTHER", Value="v", Type="String")
    options = only(*({"name": parameter["name"]} for parameter in OPTIONS["parameters"]), {"name": "GONE"}, state="absent")

    mark = account.mark()
    assert run_module("ssm_parameters", check_mode=True, **options)["changed"]
    assert account.writes(mark) == []
    assert run_module("ssm_parameters", **options)["resource"] == {}
    assert not run_module("ssm_parameters", **options)["changed"]
    assert {parameter["Name"] for parameter in ssm.describe_parameters()["Parameters"]} == {f"{PATH}/OTHER", PASSWORD}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (only(path="/aws/app"), "path:"),
        (only(path="/greenleaf/"), "path:"),
        (only({"name": "a/b", "generate": {}}), "parameters: 'a/b' is not a name"),
        (only({"name": "A"}), "parameters: A: give exactly one of value, generate, template."),
        (only({"name": "A", "value": "x" * 4097}), "parameters: A: its value has 4097 bytes"),
    ],
)
def test_what_ssm_refuses_is_refused_before_any_write(run_module, account, options, message):
    mark = account.mark()
    assert run_module("ssm_parameters", fails=True, **options)["msg"].startswith(message)
    assert account.writes(mark) == []
