# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Auto Scaling (API reference 2011-01-01).

An instance refresh keeps each state until it has been described in it once, and so does a group that is being deleted.
What a group with the tag `sandbox:launches` = `unhealthy` launches in a refresh is unhealthy, so that the refresh fails.
"""

from __future__ import annotations

import collections.abc as c
import datetime
import typing as t
import uuid

from moto.autoscaling.exceptions import AutoscalingClientError, ValidationError
from moto.autoscaling.models import (
    ASG_NAME_TAG,
    AutoScalingBackend,
    FakeAutoScalingGroup,
    FakeScalingPolicy,
    InstanceState,
    LifecycleHook,
    TargetTrackingConfiguration,
)
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.exceptions import EC2ClientError
from moto.elbv2.exceptions import TargetGroupNotFoundError

from sandbox.patch import adds, wraps

State = dict[str, t.Any]

METRICS = [
    "GroupMinSize",
    "GroupMaxSize",
    "GroupDesiredCapacity",
    "GroupInServiceInstances",
    "GroupPendingInstances",
    "GroupStandbyInstances",
    "GroupTerminatingInstances",
    "GroupTotalInstances",
    "GroupInServiceCapacity",
    "GroupPendingCapacity",
    "GroupStandbyCapacity",
    "GroupTerminatingCapacity",
    "GroupTotalCapacity",
]
DELETING = "Delete in progress"

# Settings, their parameters, and the value that takes them away.
REMOVABLE = {"default_instance_warmup": ("DefaultInstanceWarmup", -1), "max_instance_lifetime": ("MaxInstanceLifetime", 0)}


@wraps(AutoScalingBackend, "__init__")
def _backend(moto: t.Any, self: AutoScalingBackend, *args: t.Any, **kwargs: t.Any) -> None:
    moto(self, *args, **kwargs)
    self.instance_refreshes = []  # type: ignore[attr-defined]


# Groups


@wraps(AutoScalingResponse)
def create_auto_scaling_group(moto: t.Any, self: AutoScalingResponse) -> ActionResult:
    """CreateAutoScalingGroup: a name is taken once, sizes and references are checked, hooks are there before the first instance."""
    backend, name = self.autoscaling_backend, self._get_param("AutoScalingGroupName")
    if name in backend.autoscaling_groups:
        message = f"AutoScalingGroup by this name already exists - A group with the name {name} already exists"
        raise AutoscalingClientError("AlreadyExists", message)
    least, greatest = self._get_int_param("MinSize"), self._get_int_param("MaxSize")
    _check_sizes(least, self._get_int_param("DesiredCapacity", least), greatest)
    _check_request(self)
    for hook in self._get_param("LifecycleHookSpecificationList", []):
        _put_hook(backend, name, hook)
    answer = moto(self)
    group = backend.autoscaling_groups[name]
    group.health_check_grace_period = self._get_int_param("HealthCheckGracePeriod", 0)
    _keep_settings(self, group)
    return t.cast(ActionResult, answer)


@wraps(AutoScalingResponse)
def update_auto_scaling_group(moto: t.Any, self: AutoScalingResponse) -> ActionResult:
    """UpdateAutoScalingGroup: what a refresh under way is about to set cannot be set beside it."""
    group = _group(self)
    if self._get_param("LaunchTemplate") and any(refresh["DesiredConfiguration"] for refresh in _active(self, group.name)):
        raise ValidationError(
            "An active instance refresh with a desired configuration exists. All configuration options derived from the desired "
            "configuration are not available for update while the instance refresh is active."
        )
    least = self._get_int_param("MinSize", t.cast(int, group.min_size))
    greatest = self._get_int_param("MaxSize", t.cast(int, group.max_size))
    _check_sizes(least, self._get_int_param("DesiredCapacity", least), greatest)
    _check_request(self)
    answer = moto(self)
    _keep_settings(self, group)
    return t.cast(ActionResult, answer)


def _check_sizes(least: int, desired: int, greatest: int) -> None:
    if least > greatest:
        raise ValidationError(f"Max bound, {greatest}, must be greater than or equal to min bound, {least}")
    if not least <= desired <= greatest:
        raise ValidationError(f"Desired capacity:{desired} must be between the specified min size:{least} and max size:{greatest}")


def _check_request(self: AutoScalingResponse) -> None:
    backend = self.autoscaling_backend
    for subnet_id in (self._get_param("VPCZoneIdentifier") or "").split(","):
        if subnet_id and not any(subnet_id in subnets for subnets in backend.ec2_backend.subnets.values()):
            raise ValidationError(f"The subnet ID '{subnet_id}' does not exist")
    if template := self._get_param("LaunchTemplate"):
        _check_template(backend, template)
    lifetime = self._get_int_param("MaxInstanceLifetime")
    if lifetime and lifetime < 86400:
        raise ValidationError(f"MaxInstanceLifetime must be greater than or equal to 86400 seconds, or 0, but is {lifetime}.")
    try:
        if arns := self._get_param("TargetGroupARNs"):
            backend.elbv2_backend.describe_target_groups(None, arns, None)
    except TargetGroupNotFoundError:
        raise ValidationError("Provided Target Groups may not be valid. Please ensure they exist and try again.") from None


def _check_template(backend: AutoScalingBackend, template: State) -> None:
    try:
        version = backend.ec2_backend._get_template_from_args(template)
        backend.ec2_backend.describe_images(ami_ids=[version.image_id])
    except EC2ClientError as error:
        raise ValidationError(f"You must use a valid fully-formed launch template. {error.message}") from None


def _keep_settings(self: AutoScalingResponse, group: FakeAutoScalingGroup) -> None:
    for setting, (parameter, none) in REMOVABLE.items():
        value = self._get_int_param(parameter)
        if value is not None:
            setattr(group, setting, None if value == none else value)
    group.termination_policies = self._get_param("TerminationPolicies") or group.termination_policies
    group.default_cooldown = self._get_int_param("DefaultCooldown", group.default_cooldown)


@wraps(AutoScalingResponse)
def set_desired_capacity(moto: t.Any, self: AutoScalingResponse) -> ActionResult:
    """SetDesiredCapacity: within the group's sizes."""
    group, desired = _group(self), self._get_int_param("DesiredCapacity")
    least, greatest = t.cast(int, group.min_size), t.cast(int, group.max_size)
    if not least <= desired <= greatest:
        bound = f"below min value {least}" if desired < least else f"above max value {greatest}"
        raise ValidationError(f"New SetDesiredCapacity value {desired} is {bound} for the AutoScalingGroup.")
    return t.cast(ActionResult, moto(self))


@wraps(AutoScalingResponse)
def describe_auto_scaling_groups(moto: t.Any, self: AutoScalingResponse) -> ActionResult:
    """DescribeAutoScalingGroups: a group that is being deleted is told once more."""
    answer = moto(self)
    for group in t.cast(State, answer.result)["AutoScalingGroups"]:
        if getattr(group, "status", None) == DELETING:
            del self.autoscaling_backend.autoscaling_groups[group.name]
    return t.cast(ActionResult, answer)


@adds(AutoScalingResponse)
def delete_auto_scaling_group(self: AutoScalingResponse) -> ActionResult:
    """DeleteAutoScalingGroup: with instances only by force, and then in progress for a while; policies, hooks and actions go with it."""
    backend, group = self.autoscaling_backend, _group(self)
    if group.instance_states and not self._get_bool_param("ForceDelete", False):
        raise AutoscalingClientError(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.",
        )
    busy = bool(group.instance_states)
    for kept in (backend.policies, backend.lifecycle_hooks, backend.scheduled_actions):
        for key in [key for key, item in kept.items() if item.auto_scaling_group_name == group.name]:
            del kept[key]
    backend.instance_refreshes = [  # type: ignore[attr-defined]
        refresh
        for refresh in backend.instance_refreshes  # type: ignore[attr-defined]
        if refresh["AutoScalingGroupName"] != group.name
    ]
    group.min_size = 0
    group.target_group_arns = []
    group.set_desired_capacity(0)
    if busy:
        group.status = DELETING  # type: ignore[attr-defined]
    else:
        del backend.autoscaling_groups[group.name]
    return EmptyResult()


def _group(self: AutoScalingResponse, parameter: str = "AutoScalingGroupName") -> FakeAutoScalingGroup:
    name = self._get_param(parameter)
    if name not in self.autoscaling_backend.autoscaling_groups:
        raise ValidationError(f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return self.autoscaling_backend.autoscaling_groups[name]


@wraps(AutoScalingResponse)
def create_or_update_tags(moto: t.Any, self: AutoScalingResponse) -> ActionResult:
    """CreateOrUpdateTags: of groups that exist."""
    for tag in self._get_param("Tags", []):
        if tag["ResourceId"] not in self.autoscaling_backend.autoscaling_groups:
            raise ValidationError("AutoScalingGroup name not found - null")
    return t.cast(ActionResult, moto(self))


# Instances


@adds(FakeAutoScalingGroup)
def replace_autoscaling_group_instances(self: FakeAutoScalingGroup, count_needed: int, propagated_tags: dict[str, str]) -> None:
    """Instances stand in the subnet, or zone, that has fewest of the group, and know the template version they come from."""
    for _ in range(count_needed):
        state = InstanceState(_launch(self, propagated_tags), protected_from_scale_in=self.new_instances_protected_from_scale_in)
        state.template = self.ec2_launch_template and (  # type: ignore[attr-defined]
            self.ec2_launch_template,
            self.ec2_launch_template.get_version(self.launch_template_version).number,
        )
        self.instance_states.append(state)


def _launch(group: FakeAutoScalingGroup, tags: dict[str, str]) -> t.Any:
    where: State
    if group.vpc_zone_identifier:
        occupied = [state.instance.subnet_id for state in group.instance_states]
        where = {"subnet_id": min(group.vpc_zone_identifier.split(","), key=occupied.count)}
    else:
        occupied = [state.availability_zone for state in group.instance_states]
        where = {"placement": min(group.availability_zones, key=occupied.count)}
    template = group.ec2_launch_template
    reservation = group.ec2_backend.run_instances(
        group.image_id,
        1,
        group.user_data,
        group.security_groups,
        instance_type=group.instance_type,
        is_instance_type_default=False,
        tags={"instance": tags | {ASG_NAME_TAG: group.name}},
        launch_config=group.launch_config,
        launch_template={"LaunchTemplateId": template.id, "Version": str(group.launch_template_version)} if template else None,
        associate_public_ip=group.launch_config.associate_public_ip_address if group.launch_config else None,
        **where,
    )
    instance = reservation.instances[0]
    instance.autoscaling_group = group  # type: ignore[attr-defined]
    return instance


@property  # type: ignore[misc]
def _launch_template(self: InstanceState) -> State | None:
    """DescribeAutoScalingGroups (Instances): the template and version that the instance was launched from."""
    template, version = getattr(self, "template", None) or (None, None)
    if template is None:
        return None
    return {"LaunchTemplateId": template.id, "LaunchTemplateName": template.name, "Version": str(version)}


InstanceState.launch_template = _launch_template  # type: ignore[method-assign]


@wraps(FakeAutoScalingGroup, "set_desired_capacity")
def _set_desired_capacity(moto: t.Any, self: FakeAutoScalingGroup, new_capacity: int | None) -> None:
    """Instances that are terminated leave their target groups."""
    before = {state.instance.id for state in self.instance_states}
    moto(self, new_capacity)
    self.autoscaling_backend.elbv2_backend.notify_terminate_instances(list(before - {state.instance.id for state in self.instance_states}))


@wraps(AutoScalingBackend)
def notify_terminate_instances(moto: t.Any, self: AutoScalingBackend, instance_ids: list[str]) -> None:
    """An instance that takes the place of a terminated one joins the group's target groups."""
    moto(self, instance_ids)
    for name in self.autoscaling_groups:
        self.update_attached_target_groups(name)


# Lifecycle hooks


@adds(AutoScalingResponse)
def put_lifecycle_hook(self: AutoScalingResponse) -> ActionResult:
    """PutLifecycleHook: what is not given stays as it is."""
    group = _group(self)
    _put_hook(self.autoscaling_backend, group.name, self.params)
    return EmptyResult()


def _put_hook(backend: AutoScalingBackend, group: str, given: c.Mapping[str, t.Any]) -> None:
    timeout = given.get("HeartbeatTimeout")
    if timeout is not None and not 30 <= int(timeout) <= 7200:
        raise ValidationError("HeartbeatTimeout must be between 30 and 7200 seconds.")
    name = given["LifecycleHookName"]
    old = next(iter(backend.describe_lifecycle_hooks(group, [name])), None)
    backend.create_lifecycle_hook(
        name,
        group,
        given.get("LifecycleTransition") or (old.lifecycle_transition if old else None),  # type: ignore[arg-type]
        int(timeout) if timeout is not None else (old.heartbeat_timeout if old else None),
        given.get("DefaultResult") or (old.default_result if old else None),  # type: ignore[arg-type]
    )


@wraps(LifecycleHook, "__init__")
def _lifecycle_hook(moto: t.Any, self: LifecycleHook, *args: t.Any, **kwargs: t.Any) -> None:
    """DescribeLifecycleHooks: no notification target where none was given."""
    moto(self, *args, **kwargs)
    self.role_arn = self.notification_target_arn = None  # type: ignore[assignment]


# Scaling policies


@wraps(AutoScalingBackend)
def put_scaling_policy(moto: t.Any, self: AutoScalingBackend, name: str, *args: t.Any, **kwargs: t.Any) -> FakeScalingPolicy:
    """PutScalingPolicy: a name is unique in its group only."""
    if kwargs["as_name"] not in self.autoscaling_groups:
        raise ValidationError("Group " + kwargs["as_name"] + " not found")
    others = dict(self.policies)
    policy = t.cast(FakeScalingPolicy, moto(self, name, *args, **kwargs))
    self.policies.clear()
    self.policies.update(others | {f"{policy.auto_scaling_group_name}/{name}": policy})
    return policy


@wraps(AutoScalingResponse)
def delete_policy(moto: t.Any, self: AutoScalingResponse) -> ActionResult:
    """DeletePolicy: by the name in its group, or by the ARN."""
    self.params["PolicyName"] = _policy_key(self)
    return t.cast(ActionResult, moto(self))


@wraps(AutoScalingResponse)
def execute_policy(moto: t.Any, self: AutoScalingResponse) -> ActionResult:
    """ExecutePolicy: by the name in its group, or by the ARN."""
    self.params["PolicyName"] = _policy_key(self)
    return t.cast(ActionResult, moto(self))


def _policy_key(self: AutoScalingResponse) -> str:
    name, group = self._get_param("PolicyName"), self._get_param("AutoScalingGroupName")
    for key, policy in self.autoscaling_backend.policies.items():
        if policy.arn == name or (policy.name == name and group in (None, policy.auto_scaling_group_name)):
            return key
    raise ValidationError(f"No scaling policy found with name {name}")


@wraps(TargetTrackingConfiguration, "__init__")
def _target_tracking(moto: t.Any, self: TargetTrackingConfiguration, data: State | None) -> None:
    """DescribePolicies: DisableScaleIn is false unless it was given."""
    moto(self, {"DisableScaleIn": False} | (data or {}))


# Metrics


@adds(AutoScalingResponse)
def enable_metrics_collection(self: AutoScalingResponse) -> ActionResult:
    """EnableMetricsCollection: these beside those that are on; all where none is named."""
    group, named = _group(self), self._get_param("Metrics") or METRICS
    if unknown := [metric for metric in named if metric not in METRICS]:
        raise ValidationError(f"Metric type not supported: {unknown[0]}")
    group.metrics += [metric for metric in named if metric not in group.metrics]
    return EmptyResult()


@adds(AutoScalingResponse)
def disable_metrics_collection(self: AutoScalingResponse) -> ActionResult:
    """DisableMetricsCollection: these; all where none is named."""
    group, named = _group(self), self._get_param("Metrics") or METRICS
    group.metrics = [metric for metric in group.metrics if metric not in named]
    return EmptyResult()


# Instance refreshes

ACTIVE = {"Pending", "InProgress", "Baking", "Cancelling", "RollbackInProgress"}


@adds(AutoScalingResponse)
def start_instance_refresh(self: AutoScalingResponse) -> ActionResult:
    """StartInstanceRefresh: one at a time; a rollback wants a template version by number."""
    group = _group(self)
    if list(_active(self, group.name)):
        raise AutoscalingClientError(
            "InstanceRefreshInProgress",
            "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.",
        )
    preferences, desired = self._get_param("Preferences", {}), self._get_param("DesiredConfiguration", {})
    if template := desired.get("LaunchTemplate"):
        _check_template(self.autoscaling_backend, template)
    if preferences.get("AutoRollback"):
        _check_rollback(group, desired)
    refresh = {
        "InstanceRefreshId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "Strategy": self._get_param("Strategy", "Rolling"),
        "Status": "Pending",
        "told": False,
        "StartTime": datetime.datetime.now(datetime.UTC),
        "PercentageComplete": 0,
        "InstancesToUpdate": len(group.instance_states),
        "DesiredConfiguration": dict(desired),
        "Preferences": {"MinHealthyPercentage": 90, "SkipMatching": False, "AutoRollback": False} | dict(preferences),
    }
    self.autoscaling_backend.instance_refreshes.insert(0, refresh)  # type: ignore[attr-defined]
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def _check_rollback(group: FakeAutoScalingGroup, desired: State) -> None:
    if not desired:
        raise ValidationError(
            "The AutoRollback parameter cannot be set to true when the DesiredConfiguration parameter is empty. "
            "Set AutoRollback to false or specify a desired configuration and try again."
        )
    wanted = desired.get("LaunchTemplate", {}).get("Version", "$Default")
    for version in (str(wanted), str(group.launch_template_version)):
        if version.startswith("$"):
            raise ValidationError(f"The AutoRollback parameter cannot be set to true with the launch template version {version}.")


@adds(AutoScalingResponse)
def describe_instance_refreshes(self: AutoScalingResponse) -> ActionResult:
    """DescribeInstanceRefreshes: the newest first."""
    group, wanted = _group(self), self._get_param("InstanceRefreshIds")
    found = [
        refresh
        for refresh in self.autoscaling_backend.instance_refreshes  # type: ignore[attr-defined]
        if refresh["AutoScalingGroupName"] == group.name and (not wanted or refresh["InstanceRefreshId"] in wanted)
    ]
    start, count = int(self._get_param("NextToken") or 0), self._get_int_param("MaxRecords", 50)
    shown = found[start : start + count]
    for refresh in shown:
        if refresh["told"]:
            _advance(group, refresh)
        refresh["told"] = True
    more = {"NextToken": str(start + count)} if len(found) > start + count else {}
    return ActionResult({"InstanceRefreshes": shown} | more)


@adds(AutoScalingResponse)
def cancel_instance_refresh(self: AutoScalingResponse) -> ActionResult:
    """CancelInstanceRefresh: what was replaced stays so."""
    refresh = _active_one(self)
    refresh.update(Status="Cancelling", StatusReason="Cancelled due to user request.", told=False)
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


@adds(AutoScalingResponse)
def rollback_instance_refresh(self: AutoScalingResponse) -> ActionResult:
    """RollbackInstanceRefresh: only of one with a desired configuration."""
    refresh = _active_one(self)
    if not refresh["DesiredConfiguration"]:
        raise AutoscalingClientError("IrreversibleInstanceRefresh", "The desired configuration of the instance refresh is empty.")
    _roll_back(refresh, "Rollback requested by the user.")
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


def _active(self: AutoScalingResponse, group: str) -> c.Iterator[State]:
    for refresh in self.autoscaling_backend.instance_refreshes:  # type: ignore[attr-defined]
        if refresh["AutoScalingGroupName"] == group and refresh["Status"] in ACTIVE:
            yield refresh


def _active_one(self: AutoScalingResponse) -> State:
    refresh = next(_active(self, _group(self).name), None)
    if refresh is None:
        raise AutoscalingClientError("ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found.")
    return refresh


def _advance(group: FakeAutoScalingGroup, refresh: State) -> None:
    status = refresh["Status"]
    if status == "Pending":
        refresh["Status"] = "InProgress"
    elif status == "InProgress":
        _finish(group, refresh)
    elif status == "Cancelling":
        _end(refresh, "Cancelled")
    elif status == "RollbackInProgress":
        _end(refresh, "RollbackSuccessful")


def _finish(group: FakeAutoScalingGroup, refresh: State) -> None:
    if {"sandbox:launches": "unhealthy"}.items() <= {tag["Key"]: tag["Value"] for tag in group.tags}.items():
        reason = "New instances failed their health checks."
        if refresh["Preferences"]["AutoRollback"]:
            _roll_back(refresh, reason)
        else:
            refresh["StatusReason"] = reason
            _end(refresh, "Failed")
        return
    if template := refresh["DesiredConfiguration"].get("LaunchTemplate"):
        group._set_launch_configuration("", template, None)
    _replace(group, skip_matching=refresh["Preferences"]["SkipMatching"])
    refresh.update(PercentageComplete=100, InstancesToUpdate=0)
    _end(refresh, "Successful")


def _roll_back(refresh: State, reason: str) -> None:
    refresh.update(
        Status="RollbackInProgress",
        StatusReason=reason,
        told=False,
        RollbackDetails={
            "RollbackReason": reason,
            "RollbackStartTime": datetime.datetime.now(datetime.UTC),
            "PercentageCompleteOnRollback": refresh["PercentageComplete"],
            "InstancesToUpdateOnRollback": refresh["InstancesToUpdate"],
        },
    )


def _end(refresh: State, status: str) -> None:
    refresh.update(Status=status, EndTime=datetime.datetime.now(datetime.UTC))


def _replace(group: FakeAutoScalingGroup, skip_matching: bool) -> None:
    template = group.ec2_launch_template
    wanted = template and (template, template.get_version(group.launch_template_version).number)
    kept = [state for state in group.instance_states if skip_matching and state.template == wanted]  # type: ignore[attr-defined]
    old = [state.instance.id for state in group.instance_states if state not in kept]
    group.instance_states = kept
    group.replace_autoscaling_group_instances(len(old), group.get_propagated_tags())
    if old:
        group.ec2_backend.terminate_instances(old)
        group.autoscaling_backend.elbv2_backend.notify_terminate_instances(old)
    group.autoscaling_backend.update_attached_target_groups(group.name)
