# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""EC2's instances and their spot requests (API reference 2016-11-15)."""

from __future__ import annotations

import collections.abc as c
import typing as t

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError, InvalidParameterCombination
from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.instances import Instance, InstanceBackend, InstanceState, Reservation
from moto.ec2.models.spot_requests import LaunchSpecification, SpotInstanceRequest, SpotRequestBackend
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.utils import convert_tag_spec, random_spot_request_id
from moto.iam.models import iam_backends

from sandbox.patch import wraps

State = dict[str, t.Any]


class SpotRequest(SpotInstanceRequest):
    """The request that RunInstances makes for an instance with spot market options."""

    def __init__(self, instance: Instance, options: State, tags: dict[str, str], launch: c.Callable[[int], Reservation]) -> None:
        spot = options.get("SpotOptions", {})
        self.ec2_backend = instance.ec2_backend
        self.id = random_spot_request_id()
        self.type = spot.get("SpotInstanceType", "one-time")
        self.price = f"{float(spot['MaxPrice']):.6f}" if "MaxPrice" in spot else ""
        self.instance_interruption_behaviour = spot.get("InstanceInterruptionBehavior", "terminate")
        self.valid_from = None
        self.valid_until = spot.get("ValidUntil")
        self.launch_group = self.availability_zone_group = None
        self.launched_availability_zone = instance.availability_zone
        self.launch_specification = LaunchSpecification(
            kernel_id=None,
            ramdisk_id=None,
            image_id=instance.image_id,
            key_name=instance.key_name,
            instance_type=instance.instance_type,
            placement=instance.availability_zone,
            monitored=instance.monitored,
            subnet_id=instance.subnet_id or "",
        )
        self.launch_specification.groups = instance.security_groups
        self.launch = launch
        self.fulfil(instance)
        self.add_tags(tags)

    def fulfil(self, instance: Instance) -> None:
        self.instance = instance
        self.state, self._status_code, self.status_message = "active", "fulfilled", "Your spot request is fulfilled."
        instance.lifecycle = "spot"
        instance.spot_instance_request_id = self.id  # type: ignore[attr-defined]

    def on_termination(self) -> None:
        """A persistent request that still stands launches another instance; a one-time one is closed."""
        if self.state == "active" and self.type == "persistent":
            self.fulfil(self.launch(1).instances[0])
        elif self.state == "active":
            self.state, self._status_code = "closed", "instance-terminated-by-user"


@wraps(SpotRequestBackend)
def describe_spot_instance_requests(moto: t.Any, self: t.Any, filters: t.Any = None, spot_instance_ids: list[str] | None = None) -> t.Any:
    """DescribeSpotInstanceRequests: an unknown id is an error."""
    for request_id in spot_instance_ids or []:
        _spot_request(self, request_id)
    return moto(self, filters, spot_instance_ids)


@wraps(SpotRequestBackend)
def cancel_spot_instance_requests(moto: t.Any, self: t.Any, request_ids: list[str]) -> list[SpotInstanceRequest]:
    """CancelSpotInstanceRequests: the request can still be described, and its instance runs on."""
    requests = [_spot_request(self, request_id) for request_id in request_ids]
    for request in requests:
        request.state, request._status_code = "cancelled", "request-canceled-and-instance-running"
    return requests


def _spot_request(self: t.Any, request_id: str) -> SpotInstanceRequest:
    if request_id not in self.spot_instance_requests:
        raise EC2ClientError("InvalidSpotInstanceRequestID.NotFound", f"The spot instance request ID '{request_id}' does not exist")
    return t.cast(SpotInstanceRequest, self.spot_instance_requests[request_id])


@wraps(InstanceResponse, "run_instances")
def _run_instances_request(moto: t.Any, self: InstanceResponse) -> ActionResult:
    """RunInstances: only instance profiles that exist; network interfaces exclude an instance-level subnet and security groups."""
    template = _template(self.ec2_backend, self._get_param("LaunchTemplate"))
    _check_profile(self.ec2_backend, self._get_param("IamInstanceProfile", {}))
    if self._get_param("NetworkInterfaces") or template.get("NetworkInterfaces"):
        for parameter, name in {"SubnetId": "subnet ID", "SecurityGroupIds": "security groups"}.items():
            if self._get_param(parameter):
                message = f"Network interfaces and an instance-level {name} may not be specified on the same request"
                raise InvalidParameterCombination(message)
    if options := self._get_param("InstanceMarketOptions"):
        self.params["InstanceMarketOptions"] = {"MarketType": options}  # moto hands the type on; the launch wants the whole
    return t.cast(ActionResult, moto(self))


@wraps(InstanceBackend)
def run_instances(
    moto: t.Any, self: t.Any, image_id: str, count: int, user_data: t.Any, security_group_names: list[str], **request: t.Any
) -> Reservation:
    """RunInstances: a client token launches once; what the request leaves open, the launch template says."""
    if launched := _launched_with(self, request.get("client_token")):
        return launched
    template = _template(self, request.get("launch_template"))
    image_id = image_id or template.get("ImageId", "")
    tags, own_tags = convert_tag_spec(template.get("TagSpecifications", [])), request.get("tags", {})
    request["tags"] = {kind: tags.get(kind, {}) | own_tags.get(kind, {}) for kind in tags | own_tags}
    request["nics"] = request.get("nics") or template.get("NetworkInterfaces", [])
    request["metadata_options"] = template.get("MetadataOptions", {}) | request.get("metadata_options", {})
    mappings = request.get("block_device_mappings") or template.get("BlockDeviceMappings", [])
    request["block_device_mappings"] = _block_devices(self, image_id, mappings)
    if template.get("Monitoring", {}).get("Enabled"):
        request["monitoring_state"] = "enabled"
    options = request.pop("instance_market_options", None) or template.get("InstanceMarketOptions")

    own_profile = request.get("iam_instance_profile_name") or request.get("iam_instance_profile_arn")
    profile = {} if own_profile else template.get("IamInstanceProfile", {})
    _check_profile(self, profile)

    def launch(count: int) -> Reservation:
        reservation = t.cast(Reservation, moto(self, image_id, count, user_data, security_group_names, **request))
        for instance in reservation.instances:
            if profile:
                self.associate_iam_instance_profile(instance.id, profile.get("Name"), profile.get("Arn"))
            for interface in instance.nics.values():
                interface.add_tags(request["tags"].get("network-interface", {}))
        return reservation

    known = set(self.reservations)
    try:
        reservation = launch(count)
    except EC2ClientError:
        for identifier in self.reservations.keys() - known:
            del self.reservations[identifier]  # moto keeps a reservation that it could not fill
        raise
    if options:
        for instance in reservation.instances:
            spot = SpotRequest(instance, options, request["tags"].get("spot-instances-request", {}), launch)
            self.spot_instance_requests[spot.id] = spot
    return reservation


def _launched_with(ec2: t.Any, token: str | None) -> Reservation | None:
    for reservation in ec2.reservations.values():
        tokens = {instance.client_token for instance in reservation.instances}
        if token in tokens - {None, "ABCDE"}:  # which is what moto makes of no token
            if all(instance.state == "terminated" for instance in reservation.instances):
                message = f"The instance launched with the client token {token} has been terminated."
                raise EC2ClientError("IdempotentInstanceTerminated", message)
            return t.cast(Reservation, reservation)
    return None


def _template(ec2: t.Any, specification: State | None) -> State:
    return t.cast(State, ec2._get_template_from_args(specification).data if specification else {})


def _check_profile(ec2: t.Any, specification: State) -> None:
    profiles = iam_backends[ec2.account_id][ec2.partition].instance_profiles.values()
    for field, value in specification.items():
        by = field.lower()  # name or arn
        if value not in {getattr(profile, by) for profile in profiles}:
            message = f"Value ({value}) for parameter iamInstanceProfile.{by} is invalid. Invalid IAM Instance Profile {by}"
            raise EC2ClientError("InvalidParameterValue", message)


def _block_devices(ec2: t.Any, image_id: str, mappings: list[State]) -> list[State]:
    """The image's root volume, with what `mappings` say of it, and the other volumes of `mappings`."""
    image = ec2.amis.get(image_id)
    root = image.root_device_name if image else "/dev/xvda"
    devices = {root: {"VolumeSize": 8, "VolumeType": "gp3", "DeleteOnTermination": True}}
    for mapping in mappings:
        devices[mapping["DeviceName"]] = devices.get(mapping["DeviceName"], {"VolumeSize": 8}) | mapping.get("Ebs", {})
    return [{"DeviceName": name, "Ebs": volume} for name, volume in devices.items()]


@wraps(Instance)
def prep_nics(moto: t.Any, self: Instance, nic_spec: list[State], *args: t.Any, **kwargs: t.Any) -> None:
    """RunInstances: an interface made at the launch goes with the instance unless the request says otherwise."""
    specified = {int(spec["DeviceIndex"]): spec for spec in nic_spec}
    moto(self, nic_spec, *args, **kwargs)
    for index, interface in self.nics.items():
        spec = specified.get(index, {})
        if "NetworkInterfaceId" not in spec:
            interface.delete_on_termination = spec.get("DeleteOnTermination", True)


@wraps(Instance)
def terminate(moto: t.Any, self: Instance) -> InstanceState:
    """TerminateInstances: again is no error; interfaces that outlive the instance are free; a standing spot request goes on."""
    if self.state == "terminated":
        return self.instance_state
    previous = moto(self)
    for interface in [interface for interface in self.nics.values() if not interface.delete_on_termination]:
        self.detach_eni(interface)
    if request := self.ec2_backend.spot_instance_requests.get(getattr(self, "spot_instance_request_id", None)):
        request.on_termination()
    return t.cast(InstanceState, previous)


# DescribeNetworkInterfaces: an interface's groups are its own, not those of the instance that it is attached to.
NetworkInterface.group_set = property(lambda self: self._group_set)  # type: ignore[assignment]


@wraps(InstanceBackend)
def modify_instance_security_groups(moto: t.Any, self: t.Any, instance_id: str, new_group_id_list: list[str]) -> Instance:
    """ModifyInstanceAttribute (Groups): the groups are those of the instance's first network interface."""
    instance = t.cast(Instance, moto(self, instance_id, new_group_id_list))
    instance.nics[0]._group_set = list(instance.security_groups)
    return instance
