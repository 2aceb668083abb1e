# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json

import pytest

BACKEND, STOREFRONT = NAMES = ["greenleaf-test/backend", "greenleaf-test/storefront"]
SETTINGS = {
    "scan_on_push": True,
    "tag_mutability": "IMMUTABLE",
    "keep_images": 10,
    "untagged_days": 7,
    "tags": {"Project": "greenleaf"},
}
OPTIONS = {"names": NAMES, **SETTINGS}


def push(ecr, name):
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": f"sha256:{'0' * 64}"},
        "layers": [],
    }
    ecr.put_image(repositoryName=name, imageManifest=json.dumps(manifest), imageTag="v1")


def test_converges(assert_converges, aws):
    result = assert_converges("ecr_repository", **OPTIONS)

    ecr = aws("ecr")
    found = {repository["repositoryName"]: repository for repository in ecr.describe_repositories()["repositories"]}
    assert result["resource"]["repositories"] == {
        name: {"arn": found[name]["repositoryArn"], "uri": found[name]["repositoryUri"]} for name in NAMES
    }
    for name in NAMES:
        assert found[name]["imageTagMutability"] == "IMMUTABLE"
        assert found[name]["imageScanningConfiguration"] == {"scanOnPush": True}
        untagged, any_image = json.loads(ecr.get_lifecycle_policy(repositoryName=name)["lifecyclePolicyText"])["rules"]
        assert untagged["selection"] == {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7}
        assert any_image["selection"] == {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 10}
        assert ecr.list_tags_for_resource(resourceArn=found[name]["repositoryArn"])["tags"] == [{"Key": "Project", "Value": "greenleaf"}]


def test_check_mode_tells_the_plan(run_module):
    result = run_module("ecr_repository", check_mode=True, **OPTIONS)

    assert result["diff"] == {"before": {}, "after": {"settings": dict.fromkeys(NAMES, SETTINGS)}}
    assert result["resource"]["repositories"][BACKEND] == {
        "arn": f"arn:aws:ecr:eu-west-3:000000000000:repository/{BACKEND}",
        "uri": f"000000000000.dkr.ecr.eu-west-3.amazonaws.com/{BACKEND}",
    }


def test_one_more_is_created_beside_the_others(run_module, account):
    run_module("ecr_repository", **{**OPTIONS, "names": [BACKEND]})

    mark = account.mark()
    plan = run_module("ecr_repository", check_mode=True, **OPTIONS)
    assert account.writes(mark) == []
    result = run_module("ecr_repository", **OPTIONS)
    assert result["diff"] == plan["diff"]
    assert result["resource"] == plan["resource"]
    assert [(request["action"], request["parameters"]["repositoryName"]) for request in account.writes(mark)] == [
        ("CreateRepository", STOREFRONT),
        ("PutLifecyclePolicy", STOREFRONT),
    ]


def test_a_look_is_few_calls(run_module, account):
    run_module("ecr_repository", **OPTIONS)

    mark = account.mark()
    run_module("ecr_repository", **OPTIONS)
    assert [request["action"] for request in account.requests(mark)] == [
        "DescribeRepositories",
        *["GetLifecyclePolicy", "ListTagsForResource"] * 2,
    ]


@pytest.mark.parametrize(
    ("field", "drift"),
    [
        (
            "scan_on_push",
            lambda ecr: ecr.put_image_scanning_configuration(repositoryName=BACKEND, imageScanningConfiguration={"scanOnPush": False}),
        ),
        ("tag_mutability", lambda ecr: ecr.put_image_tag_mutability(repositoryName=BACKEND, imageTagMutability="MUTABLE")),
        ("keep_images", lambda ecr: ecr.delete_lifecycle_policy(repositoryName=BACKEND)),
        (
            "tags",
            lambda ecr: ecr.untag_resource(
                resourceArn=ecr.describe_repositories(repositoryNames=[BACKEND])["repositories"][0]["repositoryArn"], tagKeys=["Project"]
            ),
        ),
    ],
)
def test_drift_is_seen_and_mended(run_module, account, aws, field, drift):
    run_module("ecr_repository", **OPTIONS)
    drift(aws("ecr"))

    mark = account.mark()
    plan = run_module("ecr_repository", check_mode=True, **OPTIONS)
    before, after = (plan["diff"][side]["settings"] for side in ("before", "after"))
    assert before[STOREFRONT] == after[STOREFRONT]
    assert before[BACKEND].get(field) != after[BACKEND][field]
    assert account.writes(mark) == []
    assert run_module("ecr_repository", **OPTIONS)["changed"]
    assert len(account.writes(mark)) == 1
    assert not run_module("ecr_repository", **OPTIONS)["changed"]


def test_what_nobody_declared_stays(run_module, aws):
    run_module("ecr_repository", **OPTIONS)

    assert not run_module("ecr_repository", names=NAMES)["changed"]
    run_module("ecr_repository", names=NAMES, keep_images=5, tags={"Team": "shop"})
    ecr = aws("ecr")
    rules = json.loads(ecr.get_lifecycle_policy(repositoryName=BACKEND)["lifecyclePolicyText"])["rules"]
    assert [rule["selection"]["countNumber"] for rule in rules] == [7, 5]
    arn = ecr.describe_repositories(repositoryNames=[BACKEND])["repositories"][0]["repositoryArn"]
    assert {tag["Key"] for tag in ecr.list_tags_for_resource(resourceArn=arn)["tags"]} == {"Project", "Team"}


def test_delete(run_module, account, aws):
    run_module("ecr_repository", **{**OPTIONS, "names": [BACKEND]})

    mark = account.mark()
    assert run_module("ecr_repository", check_mode=True, names=NAMES, state="absent")["changed"]
    assert account.writes(mark) == []
    assert run_module("ecr_repository", names=NAMES, state="absent")["resource"] == {}
    assert not run_module("ecr_repository", names=NAMES, state="absent")["changed"]
    assert [request["action"] for request in account.writes(mark)] == ["DeleteRepository"]
    assert aws("ecr").describe_repositories()["repositories"] == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_repository_with_images_is_kept_unless_forced(run_module, account, aws, check_mode):
    run_module("ecr_repository", names=NAMES)
    push(aws("ecr"), STOREFRONT)

    mark = account.mark()
    message = run_module("ecr_repository", fails=True, check_mode=check_mode, names=NAMES, state="absent")["msg"]
    assert message == f"Repository {STOREFRONT} holds images: set force to delete it with them."
    assert account.writes(mark) == []

    assert run_module("ecr_repository", check_mode=check_mode, names=NAMES, state="absent", force=True)["changed"]
    assert len(aws("ecr").describe_repositories()["repositories"]) == (2 if check_mode else 0)


@pytest.mark.parametrize(("option", "value"), [("names", ["Upper"]), ("names", ["x"]), ("keep_images", 0), ("untagged_days", 0)])
def test_what_ecr_refuses_is_refused_before_any_call(run_module, account, option, value):
    mark = account.mark()
    assert run_module("ecr_repository", fails=True, **{"names": NAMES, option: value})["msg"].startswith(f"{option}:")
    assert account.requests(mark) == []
