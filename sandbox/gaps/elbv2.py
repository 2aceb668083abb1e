# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Elastic Load Balancing (API reference 2015-12-01)."""

from __future__ import annotations

import typing as t

from moto.core.responses import ActionResult
from moto.elbv2.exceptions import (
    DuplicateListenerError,
    DuplicateLoadBalancerName,
    ELBClientError,
    ValidationError,
)
from moto.elbv2.models import ELBv2Backend, FakeListener, FakeLoadBalancer, FakeTargetGroup
from moto.elbv2.responses import ELBV2Response

from sandbox.patch import wraps

# What an Application Load Balancer and a target group have from the start (LoadBalancerAttribute, TargetGroupAttribute).
BALANCER = {
    "access_logs.s3.bucket": "",
    "access_logs.s3.enabled": "false",
    "access_logs.s3.prefix": "",
    "client_keep_alive.seconds": "3600",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.prefix": "",
    "deletion_protection.enabled": "false",
    "idle_timeout.timeout_seconds": "60",
    "ipv6.deny_all_igw_traffic": "false",
    "load_balancing.cross_zone.enabled": "true",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
TARGET_GROUP = {
    "deregistration_delay.timeout_seconds": "300",
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "slow_start.duration_seconds": "0",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.app_cookie.duration_seconds": "86400",
    "stickiness.enabled": "false",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "stickiness.type": "lb_cookie",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}


@wraps(FakeLoadBalancer, "__init__")
def _load_balancer(moto: t.Any, self: FakeLoadBalancer, *args: t.Any, **kwargs: t.Any) -> None:
    """DescribeLoadBalancerAttributes: all attributes of an Application Load Balancer, with their defaults."""
    moto(self, *args, **kwargs)
    if self.type == "application":
        self.attrs = dict(BALANCER)


@wraps(FakeTargetGroup, "__init__")
def _target_group(moto: t.Any, self: FakeTargetGroup, *args: t.Any, **kwargs: t.Any) -> None:
    """DescribeTargetGroups, DescribeTargetGroupAttributes: the defaults of a target group for HTTP."""
    moto(self, *args, **kwargs)
    if self.protocol in ("HTTP", "HTTPS"):
        self.attributes = dict(TARGET_GROUP)
        self.health_check_path = self.health_check_path or "/"
        self.health_check_timeout_seconds = kwargs.get("healthcheck_timeout_seconds") or 5


@wraps(ELBv2Backend)
def create_load_balancer(
    moto: t.Any,
    self: ELBv2Backend,
    name: str,
    security_groups: list[str],
    subnet_ids: list[str],
    subnet_mappings: list[dict[str, str]] | None = None,
    **options: t.Any,
) -> FakeLoadBalancer:
    """CreateLoadBalancer: internet-facing by default; two zones for an ALB; the same again is the same, another of its name refused."""
    options["scheme"] = options.get("scheme") or "internet-facing"
    subnets = sorted([*subnet_ids, *(mapping["SubnetId"] for mapping in subnet_mappings or [])])
    zones = {self.ec2_backend.get_subnet(subnet).availability_zone for subnet in subnets}
    if (options.get("loadbalancer_type") or "application") == "application" and subnets and len(zones) < 2:
        raise ValidationError("At least two subnets in two different Availability Zones must be specified")
    for balancer in self.load_balancers.values():
        if balancer.name == name:
            same = (sorted(subnet.id for subnet in balancer.subnets), sorted(balancer.security_groups), balancer.scheme)
            if same != (subnets, sorted(security_groups), options["scheme"]):
                raise DuplicateLoadBalancerName
            return balancer
    return t.cast(FakeLoadBalancer, moto(self, name, security_groups, subnet_ids, subnet_mappings, **options))


@wraps(ELBv2Backend)
def delete_load_balancer(moto: t.Any, self: ELBv2Backend, arn: str) -> None:
    """DeleteLoadBalancer: not a protected one; its target groups are free again."""
    if (balancer := self.load_balancers.get(arn)) and balancer.attrs.get("deletion_protection.enabled") == "true":
        message = f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled"
        raise ELBClientError("OperationNotPermitted", message)
    moto(self, arn)
    for group in self.target_groups.values():
        group.load_balancer_arns = [balancer for balancer in group.load_balancer_arns if balancer != arn]


@wraps(ELBv2Backend)
def create_listener(
    moto: t.Any, self: ELBv2Backend, load_balancer_arn: str, protocol: str, port: str, *args: t.Any, **kwargs: t.Any
) -> FakeListener:
    """CreateListener: a load balancer has one listener on a port."""
    balancer = self.load_balancers.get(load_balancer_arn)
    if balancer and any(str(listener.port) == str(port) for listener in balancer.listeners.values()):
        raise DuplicateListenerError
    return t.cast(FakeListener, moto(self, load_balancer_arn, protocol, port, *args, **kwargs))


@wraps(ELBV2Response)
def modify_target_group_attributes(moto: t.Any, self: ELBV2Response) -> ActionResult:
    """ModifyTargetGroupAttributes: only attributes that there are."""
    group = self.elbv2_backend.target_groups.get(self._get_param("TargetGroupArn"))
    for attribute in self._get_param("Attributes", []):
        if group and group.protocol in ("HTTP", "HTTPS") and attribute["Key"] not in TARGET_GROUP:
            raise ValidationError(f"Target group attribute key '{attribute['Key']}' is not recognized")
    return t.cast(ActionResult, moto(self))
