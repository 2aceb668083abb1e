# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2's images and launch templates (API reference 2016-11-15)."""

from __future__ import annotations

import typing as t

from moto.core.responses import ActionResult
from moto.ec2.exceptions import InvalidLaunchTemplateVersionNotFound
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateBackend, LaunchTemplateVersion
from moto.ec2.responses.launch_templates import LaunchTemplates
from moto.utilities.utils import load_resource

from sandbox.patch import adds, wraps

State = dict[str, t.Any]


@adds(AmiBackend)
def _load_amis(self: t.Any) -> None:
    """DescribeImages: the images that SSM's public parameters name, and not the thousand others that slow a reset."""
    for image in load_resource(f"ec2/resources/latest_amis/{self.region_name}.json"):
        self.amis[image["ami_id"]] = Ami(self, **image, owner_alias="amazon")


@wraps(LaunchTemplateBackend)
def create_launch_template(moto: t.Any, self: t.Any, name: str, description: str, template_data: State, tag_spec: State) -> LaunchTemplate:
    """CreateLaunchTemplate: the template's own tags are no part of its data."""
    if specifications := template_data.pop("TagSpecifications", []):
        template_data["TagSpecifications"] = [item for item in specifications if item["ResourceType"] != "launch-template"]
    return t.cast(LaunchTemplate, moto(self, name, description, template_data, tag_spec))


# DescribeLaunchTemplates: tags as CreateTags has left them, not as they were at the creation.
LaunchTemplate.tags = property(LaunchTemplate.get_tags, lambda self, tags: None)  # type: ignore[assignment]


@wraps(LaunchTemplates)
def create_launch_template_version(moto: t.Any, self: LaunchTemplates) -> ActionResult:
    """CreateLaunchTemplateVersion: data that is not given comes from SourceVersion."""
    if source := self._get_param("SourceVersion"):
        template = _template(self)
        self.params["LaunchTemplateData"] = template.get_version(source).data | self._get_param("LaunchTemplateData", {})
    return t.cast(ActionResult, moto(self))


@adds(LaunchTemplate)
def create_version(self: LaunchTemplate, data: State, description: str) -> LaunchTemplateVersion:
    """CreateLaunchTemplateVersion: numbers go on; that of a deleted version is not used again."""
    self.last_number = getattr(self, "last_number", 0) + 1  # type: ignore[attr-defined]
    version = LaunchTemplateVersion(self, self.last_number, data, description)  # type: ignore[attr-defined]
    self.versions.append(version)
    return version


@adds(LaunchTemplate)
def get_version(self: LaunchTemplate, num: t.Any) -> LaunchTemplateVersion:
    """DescribeLaunchTemplateVersions: by number, with gaps where versions were deleted."""
    named = {"$latest": self.latest_version_number, "$default": self.default_version_number}
    number = named.get(str(num).lower(), num)
    for version in self.versions:
        if version.number == int(number):
            return version
    raise InvalidLaunchTemplateVersionNotFound(template_id=self.id, version=num)


@adds(LaunchTemplate)
def default_version(self: LaunchTemplate) -> LaunchTemplateVersion:
    return self.get_version(self.default_version_number)


@adds(LaunchTemplates)
def delete_launch_template_versions(self: LaunchTemplates) -> ActionResult:
    """DeleteLaunchTemplateVersions: any but the default one; what cannot be deleted is told, not raised."""
    template = _template(self)
    self.error_on_dryrun()
    deleted, failed = [], []
    for number in self._get_param("Versions", []):
        item = {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "VersionNumber": int(number)}
        version = next((version for version in template.versions if version.number == int(number)), None)
        if version is None:
            error = {"Code": "launchTemplateVersionDoesNotExist", "Message": f"The launch template version {number} does not exist."}
            failed.append({**item, "ResponseError": error})
        elif template.is_default(version):
            error = {"Code": "unexpectedError", "Message": "The default version of a launch template cannot be deleted."}
            failed.append({**item, "ResponseError": error})
        else:
            template.versions.remove(version)
            deleted.append(item)
    return ActionResult({"SuccessfullyDeletedLaunchTemplateVersions": deleted, "UnsuccessfullyDeletedLaunchTemplateVersions": failed})


def _template(self: LaunchTemplates) -> LaunchTemplate:
    if name := self._get_param("LaunchTemplateName"):
        return t.cast(LaunchTemplate, self.ec2_backend.get_launch_template_by_name(name))
    return t.cast(LaunchTemplate, self.ec2_backend.get_launch_template(self._get_param("LaunchTemplateId")))
