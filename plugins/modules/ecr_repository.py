#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_repository
short_description: Keep ECR repositories of the same settings in their declared state
version_added: 0.1.0
description:
  - Creates, configures or deletes private image repositories.
  - Unlike M(community.aws.ecs_ecr) it tells in check mode, with a diff, what it would do, a new repository's lifecycle policy included.
  - An option that is not given leaves what it stands for as it is.
  - Needs C(ecr:DescribeRepositories) on C(*), C(ecr:CreateRepository), C(ecr:DeleteRepository), C(ecr:PutImageScanningConfiguration),
    C(ecr:PutImageTagMutability), C(ecr:GetLifecyclePolicy), C(ecr:PutLifecyclePolicy), C(ecr:ListTagsForResource) and C(ecr:TagResource);
    C(ecr:ListImages) to delete without O(force).
options:
  names:
    description: Names, each 2 to 256 lower-case letters and digits, with single C(.), C(_), C(/) or hyphens between them.
    type: list
    elements: str
    required: true
  state:
    description: Whether the repositories are there.
    type: str
    choices: [present, absent]
    default: present
  scan_on_push:
    description: Whether each pushed image is scanned for known vulnerabilities. The registry's own scanning rules go before it.
    type: bool
  tag_mutability:
    description: Whether a pushed tag can be moved to another image.
    type: str
    choices: [MUTABLE, IMMUTABLE]
  keep_images:
    description:
      - Images, at least 1, that are kept; older ones expire.
      - With O(untagged_days) it is the repository's whole lifecycle policy; rules made by others are replaced.
    type: int
  untagged_days:
    description: Days, at least 1, after its push when an image without a tag expires.
    type: int
  tags:
    description: Tags that the repositories must have. Others that they have stay.
    type: dict
  force:
    description: Whether O(state=absent) deletes a repository with its images. Without it one that holds images is refused.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Tells what a run would change; writes nothing.
  diff_mode:
    support: full
    description: Shows the declared fields before and after.
author: GreenLeaf (@greenleaf)
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Keep the last ten images of the shop's two halves
  greenleaf.cloud.ecr_repository:
    names:
      - greenleaf-prod/backend
      - greenleaf-prod/storefront
    scan_on_push: true
    tag_mutability: IMMUTABLE
    keep_images: 10
    untagged_days: 7

- name: Delete them and their images
  greenleaf.cloud.ecr_repository:
    names:
      - greenleaf-prod/backend
      - greenleaf-prod/storefront
    state: absent
    force: true
"""

RETURN = r"""
resource:
  description: The repositories after the run; empty once they are deleted.
  returned: success
  type: dict
  contains:
    repositories:
      description: ARN and URI by name. In check mode, one that does not exist has them with the account 000000000000.
      type: dict
      sample:
        greenleaf-prod/backend:
          arn: arn:aws:ecr:eu-west-3:123456789012:repository/greenleaf-prod/backend
          uri: 123456789012.dkr.ecr.eu-west-3.amazonaws.com/greenleaf-prod/backend
    settings:
      description: The declared options by name.
      type: dict
      sample:
        greenleaf-prod/backend:
          scan_on_push: true
          tag_mutability: IMMUTABLE
          keep_images: 10
          untagged_days: 7
"""

import json
import re
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, run, set_fields, tags_from, tags_to
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State, differences

NAME = re.compile(r"(?=.{2,256}$)[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
LIFECYCLE = ("keep_images", "untagged_days")
SETTINGS = ("scan_on_push", "tag_mutability", *LIFECYCLE, "tags")
UNKNOWN_ACCOUNT = "000000000000"


class Repositories(Resource):
    def __init__(self, module: AnsibleAWSModule, ecr: t.Any) -> None:
        self.module = module
        self.params = module.params
        self.client = ecr
        self.names = list(dict.fromkeys(module.params["names"]))
        self.found: dict[str, State] = {}
        self.observed: dict[str, State] = {}

    @property
    def label(self) -> str:
        return f"repositories {', '.join(self.names)}"

    def declared(self) -> State:
        return {"settings": {name: set_fields(self.params, SETTINGS) for name in self.names}}

    def read(self) -> State | None:
        pages = self.client.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 1000})
        repositories = {repository["repositoryName"]: repository for page in pages for repository in page["repositories"]}
        self.found = {name: repositories[name] for name in self.names if name in repositories}
        if not self.found:
            return None
        account = next(iter(self.found.values()))["registryId"]
        state: State = {"repositories": self._addresses(account)}
        state["repositories"] |= {
            name: {"arn": repository["repositoryArn"], "uri": repository["repositoryUri"]} for name, repository in self.found.items()
        }
        if self.params["state"] == "absent":
            self._refuse_to_lose_images()
            return state
        self.observed = {name: self._settings(repository) for name, repository in self.found.items()}
        return {**state, "settings": self.observed}

    def unknown(self) -> State:
        return {"repositories": self._addresses(UNKNOWN_ACCOUNT)}

    def create(self) -> None:
        self.update(self.declared())

    def update(self, changes: State) -> None:
        for name, settings in changes["settings"].items():
            if name in self.found:
                self._configure(name, differences(settings, self.observed[name]))
            else:
                self._create(name, settings)

    def delete(self) -> None:
        for name in self.found:
            try:
                self.client.delete_repository(repositoryName=name, force=self.params["force"], aws_retry=True)
            except is_boto3_error_code("RepositoryNotFoundException"):
                pass

    def _addresses(self, account: str) -> dict[str, State]:
        region, partition = self.client.meta.region_name, self.client.meta.partition
        return {
            name: {
                "arn": f"arn:{partition}:ecr:{region}:{account}:repository/{name}",
                "uri": f"{account}.dkr.ecr.{region}.amazonaws.com/{name}",
            }
            for name in self.names
        }

    def _settings(self, repository: State) -> State:
        settings = {
            "scan_on_push": repository["imageScanningConfiguration"]["scanOnPush"],
            "tag_mutability": repository["imageTagMutability"],
        }
        if set_fields(self.params, LIFECYCLE):
            settings |= lifecycle_from(self._lifecycle_policy(repository["repositoryName"]))
        if self.params["tags"] is not None:
            answer = self.client.list_tags_for_resource(resourceArn=repository["repositoryArn"], aws_retry=True)
            settings["tags"] = tags_from(answer["tags"])
        return settings

    def _lifecycle_policy(self, name: str) -> State:
        try:
            policy = self.client.get_lifecycle_policy(repositoryName=name, aws_retry=True)["lifecyclePolicyText"]
        except is_boto3_error_code("LifecyclePolicyNotFoundException"):
            return {}
        return dict(json.loads(policy))

    def _create(self, name: str, settings: State) -> None:
        arguments: State = {"tags": tags_to(settings.get("tags", {}))}
        if "scan_on_push" in settings:
            arguments["imageScanningConfiguration"] = {"scanOnPush": settings["scan_on_push"]}
        if "tag_mutability" in settings:
            arguments["imageTagMutability"] = settings["tag_mutability"]
        try:
            self.client.create_repository(repositoryName=name, aws_retry=True, **arguments)
        except is_boto3_error_code("RepositoryAlreadyExistsException"):
            pass  # an earlier try's answer was lost
        self._configure(name, {field: settings[field] for field in LIFECYCLE if field in settings})

    def _configure(self, name: str, changes: State) -> None:
        if "scan_on_push" in changes:
            scanning = {"scanOnPush": changes["scan_on_push"]}
            self.client.put_image_scanning_configuration(repositoryName=name, imageScanningConfiguration=scanning, aws_retry=True)
        if "tag_mutability" in changes:
            self.client.put_image_tag_mutability(repositoryName=name, imageTagMutability=changes["tag_mutability"], aws_retry=True)
        if changes.keys() & set(LIFECYCLE):
            policy = lifecycle_to({**self.observed.get(name, {}), **changes})
            self.client.put_lifecycle_policy(repositoryName=name, lifecyclePolicyText=json.dumps(policy), aws_retry=True)
        if "tags" in changes:
            arn = self.found[name]["repositoryArn"]
            self.client.tag_resource(resourceArn=arn, tags=tags_to(changes["tags"]), aws_retry=True)

    def _refuse_to_lose_images(self) -> None:
        for name in self.found if not self.params["force"] else ():
            if self.client.list_images(repositoryName=name, maxResults=1, aws_retry=True)["imageIds"]:
                self.module.fail_json(msg=f"Repository {name} holds images: set force to delete it with them.")


def lifecycle_to(settings: State) -> State:
    """The lifecycle policy of `keep_images` and `untagged_days`, as far as they are set."""
    rules = []
    if days := settings.get("untagged_days"):
        rules.append(("untagged", {"countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}))
    if images := settings.get("keep_images"):
        # A rule for any image must be the last.
        rules.append(("any", {"countType": "imageCountMoreThan", "countNumber": images}))
    return {
        "rules": [
            {"rulePriority": priority, "selection": {"tagStatus": status, **selection}, "action": {"type": "expire"}}
            for priority, (status, selection) in enumerate(rules, start=1)
        ]
    }


def lifecycle_from(policy: State) -> State:
    """`keep_images` and `untagged_days` of a policy that says these and nothing else, otherwise nothing."""
    counts = {rule["selection"]["tagStatus"]: rule["selection"]["countNumber"] for rule in policy.get("rules", [])}
    settings = {field: counts[status] for field, status in zip(LIFECYCLE, ("any", "untagged"), strict=True) if status in counts}
    return settings if lifecycle_to(settings) == policy else {}


def problem(params: State) -> str | None:
    """What ECR would refuse about the options, and the mend."""
    for name in params["names"]:
        if not NAME.fullmatch(name):
            return f"names: ECR refuses {name!r}. Use 2 to 256 lower-case letters and digits, between them single '.', '_', '/' or hyphens."
    for option in LIFECYCLE:
        if params[option] is not None and params[option] < 1:
            return f"{option}: {params[option]} is too few, the least is 1."
    return None


def build(module: AnsibleAWSModule) -> Repositories:
    if text := problem(module.params):
        module.fail_json(msg=text)
    return Repositories(module, client(module, "ecr"))


def main() -> None:
    run(
        build,
        {
            "names": {"type": "list", "elements": "str", "required": True},
            "scan_on_push": {"type": "bool"},
            "tag_mutability": {"type": "str", "choices": ["MUTABLE", "IMMUTABLE"]},
            "keep_images": {"type": "int"},
            "untagged_days": {"type": "int"},
            "tags": {"type": "dict"},
            "force": {"type": "bool", "default": False},
        },
    )


if __name__ == "__main__":
    main()
