# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ecr_repository: its lifecycle policies, what it refuses, and the requests that it sends."""

from __future__ import annotations

import json
import types
from unittest.mock import Mock

import botocore.exceptions
import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules.ecr_repository import Repositories, lifecycle_from, lifecycle_to, problem

UNSET = dict.fromkeys(["scan_on_push", "tag_mutability", "keep_images", "untagged_days", "tags"])
REPOSITORY = {
    "repositoryName": "backend",
    "registryId": "123456789012",
    "repositoryArn": "arn:aws:ecr:eu-west-3:123456789012:repository/backend",
    "repositoryUri": "123456789012.dkr.ecr.eu-west-3.amazonaws.com/backend",
    "imageScanningConfiguration": {"scanOnPush": False},
    "imageTagMutability": "MUTABLE",
}


def error(code):
    return botocore.exceptions.ClientError({"Error": {"Code": code}}, "Operation")


def repositories(*observed, **params):
    ecr = Mock()
    ecr.meta.region_name = "eu-west-3"
    ecr.meta.partition = "aws"
    ecr.get_paginator.return_value.paginate.return_value = [{"repositories": list(observed)}]
    ecr.get_lifecycle_policy.side_effect = error("LifecyclePolicyNotFoundException")
    ecr.list_tags_for_resource.return_value = {"tags": []}
    module = types.SimpleNamespace(params={"names": ["backend"], "state": "present", "force": False, **UNSET, **params})
    return Repositories(module, ecr)


def writes(client):
    return [name for name, _args, _options in client.method_calls if not name.startswith(("get_", "list_"))]


@pytest.mark.parametrize("settings", [{"keep_images": 5}, {"untagged_days": 7}, {"keep_images": 5, "untagged_days": 7}])
def test_a_lifecycle_policy_is_read_as_it_was_written(settings):
    policy = lifecycle_to(settings)
    assert lifecycle_from(policy) == settings
    assert [rule["rulePriority"] for rule in policy["rules"]] == list(range(1, len(settings) + 1))


def test_the_rule_for_any_image_is_the_last():
    assert [rule["selection"]["tagStatus"] for rule in lifecycle_to({"keep_images": 5, "untagged_days": 7})["rules"]] == ["untagged", "any"]


def test_a_policy_that_says_more_does_not_count():
    policy = lifecycle_to({"keep_images": 5})
    (rule,) = policy["rules"]
    tagged = {"tagStatus": "tagged", "tagPrefixList": ["v"], "countType": "imageCountMoreThan", "countNumber": 3}
    assert lifecycle_from({"rules": [{**rule, "rulePriority": 1, "selection": tagged}, {**rule, "rulePriority": 2}]}) == {}
    assert lifecycle_from({"rules": [{**rule, "selection": {**rule["selection"], "countType": "sinceImagePushed"}}]}) == {}
    assert lifecycle_from({}) == {}


def test_a_create_whose_answer_was_lost_is_finished():
    resource = repositories(keep_images=5)
    resource.client.create_repository.side_effect = error("RepositoryAlreadyExistsException")
    resource.create()
    assert writes(resource.client) == ["create_repository", "put_lifecycle_policy"]


def test_it_is_created_with_what_can_be_set_then():
    resource = repositories(scan_on_push=True, tag_mutability="IMMUTABLE", tags={"Project": "greenleaf"})
    resource.create()
    resource.client.create_repository.assert_called_once_with(
        repositoryName="backend",
        imageScanningConfiguration={"scanOnPush": True},
        imageTagMutability="IMMUTABLE",
        tags=[{"Key": "Project", "Value": "greenleaf"}],
        aws_retry=True,
    )
    assert writes(resource.client) == ["create_repository"]


def test_a_changed_rule_keeps_the_other():
    resource = repositories(REPOSITORY, keep_images=5)
    resource.client.get_lifecycle_policy.side_effect = None
    resource.client.get_lifecycle_policy.return_value = {
        "lifecyclePolicyText": json.dumps(lifecycle_to({"keep_images": 9, "untagged_days": 7}))
    }
    assert converge(resource, present=True, check_mode=False)["changed"]
    policy = json.loads(resource.client.put_lifecycle_policy.call_args.kwargs["lifecyclePolicyText"])
    assert policy == lifecycle_to({"keep_images": 5, "untagged_days": 7})


def test_a_name_that_stands_there_twice_is_one_repository():
    resource = repositories(names=["backend", "backend"])
    resource.create()
    assert writes(resource.client) == ["create_repository"]


def test_one_that_is_gone_meanwhile_is_deleted():
    resource = repositories(REPOSITORY, state="absent", force=True)
    resource.client.delete_repository.side_effect = error("RepositoryNotFoundException")
    assert converge(resource, present=False, check_mode=False)["changed"]
    resource.client.delete_repository.assert_called_once_with(repositoryName="backend", force=True, aws_retry=True)


@pytest.mark.parametrize("name", ["ab", "a" * 256, "team/app", "a.b_c__d-e--f/g0"])
def test_names_that_ecr_takes(name):
    assert problem({**UNSET, "names": [name]}) is None


@pytest.mark.parametrize("name", ["a", "a" * 257, "Team/app", "a..b", "a/", "-a", "a b"])
def test_names_that_ecr_refuses(name):
    assert problem({**UNSET, "names": ["fine", name]}).startswith("names: ")
