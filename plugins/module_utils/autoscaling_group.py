# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An Auto Scaling group with its hooks, policies, metrics and instance refresh (API reference 2011-01-01)."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.amazon.aws.plugins.module_utils.botocore import is_boto3_error_code
from ansible_collections.greenleaf.cloud.plugins.module_utils.aws import client, set_fields, tags_from
from ansible_collections.greenleaf.cloud.plugins.module_utils.launching import once_profile_is_known
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import Resource, State, differences, satisfied

# The module's name of a field, and UpdateAutoScalingGroup's.
FIELDS = {
    "min_size": "MinSize",
    "max_size": "MaxSize",
    "subnet_ids": "VPCZoneIdentifier",
    "health_check_type": "HealthCheckType",
    "health_check_grace_period": "HealthCheckGracePeriod",
    "default_instance_warmup": "DefaultInstanceWarmup",
    "max_instance_lifetime": "MaxInstanceLifetime",
    "termination_policies": "TerminationPolicies",
}

PREFERENCES = {
    "min_healthy_percentage": "MinHealthyPercentage",
    "instance_warmup": "InstanceWarmup",
    "auto_rollback": "AutoRollback",
    "skip_matching": "SkipMatching",
}

UNDERWAY = {"Pending", "InProgress", "Baking"}
ENDING = {"Cancelling", "RollbackInProgress"}

CANCELLING = 300  # seconds that a cancelled instance refresh may take to end


class AutoScalingGroup(Resource):
    def __init__(self, module: t.Any) -> None:
        self.module = module
        self.params = module.params
        self.client = client(module, "autoscaling")
        self.name: str = module.params["name"]
        self.group: State | None = None
        self.refresh: State = {}
        self.observed: State = {}

    @property
    def label(self) -> str:
        return f"Auto Scaling group {self.name}"

    def declared(self) -> State:
        fields = set_fields(self.params, [*FIELDS, "tags"])
        for name, value in set_fields(self.params, ["subnet_ids", "target_group_arns", "metrics"]).items():
            fields[name] = sorted(value)
        for name, value in set_fields(self.params, ["lifecycle_hooks", "target_tracking"]).items():
            fields[name] = {item["name"]: {key: item[key] for key in _set(item) if key != "name"} for item in value}
        if self.params["launch_template"]:
            fields["launch_template"] = _set(self.params["launch_template"])
        if self.group is None:
            fields |= set_fields(self.params, ["desired_capacity"])
            self._require(fields)
        elif "launch_template" in differences(fields, self.observed):
            self._foretell(fields["launch_template"])
        return fields

    def read(self) -> State | None:
        self.refresh = self._last_refresh()  # before the group, which a refresh that succeeds in between has updated
        groups = self.client.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name], aws_retry=True)["AutoScalingGroups"]
        self.group = groups[0] if groups else None
        if self.group is None:
            return None
        if self.group.get("Status"):
            if self.params["state"] == "absent":
                return None
            self.module.fail_json(msg=f"{self.label} is being deleted: run again when it is gone, or choose another name.")
        self.observed = from_api(self.group, self.refresh, self._hooks(), self._policies())
        return self.observed

    def unknown(self) -> State:
        meta = self.client.meta
        group_id = "00000000-0000-0000-0000-000000000000"
        return {
            "name": self.name,
            "arn": f"arn:{meta.partition}:autoscaling:{meta.region_name}:000000000000"
            f":autoScalingGroup:{group_id}:autoScalingGroupName/{self.name}",
            "instances": [],
            "refresh": {},
        }

    def create(self) -> None:
        fields = self.declared()
        lists = {
            "LifecycleHookSpecificationList": to_hooks(fields.get("lifecycle_hooks", {})),
            "TargetGroupARNs": fields.get("target_group_arns", []),
            "Tags": to_tags(self.name, fields.get("tags", {})),
        }
        request = to_api(fields) | {name: items for name, items in lists.items() if items}
        request |= {"AutoScalingGroupName": self.name, "LaunchTemplate": to_launch_template(fields["launch_template"])}
        if "desired_capacity" in fields:
            request["DesiredCapacity"] = fields["desired_capacity"]
        try:
            once_profile_is_known(lambda: self.client.create_auto_scaling_group(**request, aws_retry=True))
        except is_boto3_error_code("AlreadyExists"):
            pass  # made since it was looked for: it is adopted

    def update(self, changes: State) -> None:
        refreshed = "launch_template" in changes and self._is_refreshed()
        request = to_api(changes)
        if "launch_template" in changes and not refreshed:
            request["LaunchTemplate"] = to_launch_template(changes["launch_template"])
        if request:
            once_profile_is_known(lambda: self.client.update_auto_scaling_group(AutoScalingGroupName=self.name, **request, aws_retry=True))
        if "tags" in changes:
            self.client.create_or_update_tags(Tags=to_tags(self.name, changes["tags"]), aws_retry=True)
        if "target_group_arns" in changes:
            self._attach(changes["target_group_arns"])
        if "metrics" in changes:
            self._collect(changes["metrics"])
        for hook in to_hooks(self._differing("lifecycle_hooks", changes)):
            self.client.put_lifecycle_hook(AutoScalingGroupName=self.name, **hook, aws_retry=True)
        for policy in to_policies(self._differing("target_tracking", changes)):
            self.client.put_scaling_policy(AutoScalingGroupName=self.name, **policy, aws_retry=True)
        if refreshed:
            self._start_refresh(changes["launch_template"])

    def delete(self) -> None:
        self.client.delete_auto_scaling_group(AutoScalingGroupName=self.name, ForceDelete=True, aws_retry=True)

    def _last_refresh(self) -> State:
        try:
            answer = self.client.describe_instance_refreshes(AutoScalingGroupName=self.name, MaxRecords=1, aws_retry=True)
        except is_boto3_error_code("ValidationError"):
            return {}  # there is no such group
        return next(iter(answer["InstanceRefreshes"]), {})

    def _hooks(self) -> list[State]:
        if self.params["lifecycle_hooks"] is None:
            return []
        hooks: list[State] = self.client.describe_lifecycle_hooks(AutoScalingGroupName=self.name, aws_retry=True)["LifecycleHooks"]
        return hooks

    def _policies(self) -> list[State]:
        if self.params["target_tracking"] is None:
            return []
        policies: list[State] = self.client.describe_policies(
            AutoScalingGroupName=self.name, PolicyTypes=["TargetTrackingScaling"], aws_retry=True
        )["ScalingPolicies"]
        return policies

    def _require(self, fields: State) -> None:
        if missing := [name for name in ("launch_template", "min_size", "max_size", "subnet_ids") if name not in fields]:
            self.module.fail_json(msg=f"{self.label} does not exist yet: set {', '.join(missing)} to create it.")

    def _foretell(self, template: State) -> None:
        """Say how a new launch template fares with the last instance refresh, in check mode too."""
        if not self.refresh:
            return
        status, reason = self.refresh["Status"], self.refresh.get("StatusReason", "no reason is given")
        told = f"Instance refresh {self.refresh['InstanceRefreshId']} of {self.label}"
        if status in ENDING:
            self.module.fail_json(msg=f"{told} is {status} ({reason}): run again when it has ended.")
        if not self._is_refreshed():
            return
        if status in UNDERWAY:
            percentage = self.refresh.get("PercentageComplete", 0)
            self.module.warn(f"{told} to another launch template is {status} ({percentage} %): it is cancelled.")
        elif status != "Successful" and satisfied(template, from_launch_template(_target(self.refresh))):
            self.module.warn(f"{told} to this launch template ended {status} ({reason}): it is tried again.")

    def _is_refreshed(self) -> bool:
        """Whether a new launch template comes by an instance refresh, after which AWS itself updates the group."""
        return self.params["instance_refresh"] is not None and bool(self.group and self.group["DesiredCapacity"])

    def _start_refresh(self, template: State) -> None:
        if self.refresh.get("Status") in UNDERWAY:
            self._cancel_refresh()
        self.client.start_instance_refresh(
            AutoScalingGroupName=self.name,
            Strategy="Rolling",
            DesiredConfiguration={"LaunchTemplate": to_launch_template(template)},
            Preferences={PREFERENCES[name]: value for name, value in _set(self.params["instance_refresh"]).items()},
            aws_retry=True,
        )

    def _cancel_refresh(self) -> None:
        try:
            self.client.cancel_instance_refresh(AutoScalingGroupName=self.name, WaitForTransitioningInstances=False, aws_retry=True)
        except is_boto3_error_code("ActiveInstanceRefreshNotFound"):
            return  # it has ended meanwhile
        refresh_id = self.refresh["InstanceRefreshId"]
        until = time.monotonic() + CANCELLING
        while time.monotonic() < until:
            answer = self.client.describe_instance_refreshes(
                AutoScalingGroupName=self.name, InstanceRefreshIds=[refresh_id], aws_retry=True
            )
            if answer["InstanceRefreshes"][0]["Status"] not in UNDERWAY | ENDING:
                return
            time.sleep(5)
        self.module.fail_json(msg=f"Instance refresh {refresh_id} of {self.label} is still being cancelled: run again when it has ended.")

    def _attach(self, arns: list[str]) -> None:
        observed = self.observed["target_group_arns"]
        if added := [arn for arn in arns if arn not in observed]:
            self.client.attach_load_balancer_target_groups(AutoScalingGroupName=self.name, TargetGroupARNs=added, aws_retry=True)
        if removed := [arn for arn in observed if arn not in arns]:
            self.client.detach_load_balancer_target_groups(AutoScalingGroupName=self.name, TargetGroupARNs=removed, aws_retry=True)

    def _collect(self, metrics: list[str]) -> None:
        observed = self.observed["metrics"]
        if added := [metric for metric in metrics if metric not in observed]:
            self.client.enable_metrics_collection(AutoScalingGroupName=self.name, Metrics=added, Granularity="1Minute", aws_retry=True)
        if removed := [metric for metric in observed if metric not in metrics]:
            self.client.disable_metrics_collection(AutoScalingGroupName=self.name, Metrics=removed, aws_retry=True)

    def _differing(self, field: str, changes: State) -> State:
        return differences(changes.get(field, {}), self.observed[field])


def from_api(group: State, refresh: State, hooks: list[State], policies: list[State]) -> State:
    """What the module tells of a group."""
    return {name: group.get(api_name) for name, api_name in FIELDS.items()} | {
        "arn": group["AutoScalingGroupARN"],
        "name": group["AutoScalingGroupName"],
        "desired_capacity": group["DesiredCapacity"],
        "default_instance_warmup": group.get("DefaultInstanceWarmup", -1),
        "max_instance_lifetime": group.get("MaxInstanceLifetime", 0),
        "subnet_ids": sorted(filter(None, group.get("VPCZoneIdentifier", "").split(","))),
        "target_group_arns": sorted(group.get("TargetGroupARNs", [])),
        "metrics": sorted(metric["Metric"] for metric in group.get("EnabledMetrics", [])),
        "launch_template": from_launch_template(_aim(group, refresh)),
        "lifecycle_hooks": {hook["LifecycleHookName"]: from_hook(hook) for hook in hooks},
        "target_tracking": {policy["PolicyName"]: from_policy(policy) for policy in policies},
        # A tag that new machines would not get counts as missing.
        "tags": tags_from(tag for tag in group.get("Tags", []) if tag["PropagateAtLaunch"]),
        "instances": [from_instance(instance) for instance in group.get("Instances", [])],
        "refresh": from_refresh(refresh),
    }


def from_launch_template(specification: State) -> State:
    version = specification.get("Version", "$Default")
    return {
        "id": specification.get("LaunchTemplateId"),
        "name": specification.get("LaunchTemplateName"),
        "version": int(version) if version.isdigit() else version,
    }


def from_hook(hook: State) -> State:
    return {
        "transition": hook["LifecycleTransition"],
        "heartbeat_timeout": hook.get("HeartbeatTimeout"),
        "default_result": hook.get("DefaultResult"),
    }


def from_policy(policy: State) -> State:
    tracking = policy["TargetTrackingConfiguration"]
    return {
        "predefined_metric": tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType"),
        "target_value": tracking["TargetValue"],
    }


def from_instance(instance: State) -> State:
    return {
        "id": instance["InstanceId"],
        "zone": instance["AvailabilityZone"],
        "lifecycle_state": instance["LifecycleState"],
        "health_status": instance["HealthStatus"],
        "launch_template_version": from_launch_template(instance["LaunchTemplate"])["version"] if "LaunchTemplate" in instance else None,
    }


def from_refresh(refresh: State) -> State:
    if not refresh:
        return {}
    return {
        "id": refresh["InstanceRefreshId"],
        "status": refresh["Status"],
        "status_reason": refresh.get("StatusReason"),
        "percentage": refresh.get("PercentageComplete", 0),
    }


def to_api(fields: State) -> State:
    """UpdateAutoScalingGroup's parameters, which CreateAutoScalingGroup takes too."""
    request = {api_name: fields[name] for name, api_name in FIELDS.items() if name in fields}
    return request | ({"VPCZoneIdentifier": ",".join(fields["subnet_ids"])} if "subnet_ids" in fields else {})


def to_launch_template(template: State) -> State:
    names = {"id": "LaunchTemplateId", "name": "LaunchTemplateName"}
    return {names[key]: template[key] for key in names if key in template} | {"Version": str(template["version"])}


def to_hooks(hooks: State) -> list[State]:
    names = {"transition": "LifecycleTransition", "heartbeat_timeout": "HeartbeatTimeout", "default_result": "DefaultResult"}
    return [{"LifecycleHookName": name} | {names[key]: value for key, value in hook.items()} for name, hook in hooks.items()]


def to_policies(policies: State) -> list[State]:
    return [
        {
            "PolicyName": name,
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingConfiguration": {
                "PredefinedMetricSpecification": {"PredefinedMetricType": policy["predefined_metric"]},
                "TargetValue": policy["target_value"],
            },
        }
        for name, policy in policies.items()
    ]


def to_tags(group: str, tags: dict[str, str]) -> list[State]:
    return [
        {"ResourceId": group, "ResourceType": "auto-scaling-group", "Key": key, "Value": value, "PropagateAtLaunch": True}
        for key, value in sorted(tags.items())
    ]


def _aim(group: State, refresh: State) -> State:
    """The launch template that the group has, or will have when the refresh that is under way succeeds."""
    own: State = group.get("LaunchTemplate", {})
    return (_target(refresh) or own) if refresh.get("Status") in UNDERWAY else own


def _target(refresh: State) -> State:
    target: State = refresh.get("DesiredConfiguration", {}).get("LaunchTemplate", {})
    return target


def _set(options: State) -> State:
    return {key: value for key, value in options.items() if value is not None}
