# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""spot_instance: what it refuses, how it reads AWS's answers, the launch that it asks for, and what it leaves to AWS."""

from __future__ import annotations

import pytest
from ansible_collections.greenleaf.cloud.plugins.module_utils.resource import converge
from ansible_collections.greenleaf.cloud.plugins.modules import spot_instance as spot
from ansible_collections.greenleaf.cloud.tests.unit.recording import Failed, Module, error

TEMPLATE = {"id": "lt-1", "version": 3}
TAGS = [
    {"Key": "Name", "Value": "dev"},
    {"Key": "aws:ec2launchtemplate:id", "Value": "lt-1"},
    {"Key": "aws:ec2launchtemplate:version", "Value": "3"},
]
INSTANCE = {
    "InstanceId": "i-1",
    "InstanceLifecycle": "spot",
    "State": {"Name": "running"},
    "Placement": {"AvailabilityZone": "eu-west-3a"},
    "SubnetId": "subnet-1",
    "PublicIpAddress": "203.0.113.10",
    "PrivateIpAddress": "10.0.1.10",
    "SpotInstanceRequestId": "sir-1",
    "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": "vol-1"}}],
    "NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "Groups": [{"GroupId": "sg-b"}, {"GroupId": "sg-a"}]}],
    "Tags": TAGS,
}
REQUEST = {
    "SpotInstanceRequestId": "sir-1",
    "State": "active",
    "Status": {"Code": "fulfilled"},
    "SpotPrice": "0.015000",
    "InstanceInterruptionBehavior": "stop",
}
CARRIERS = ["i-1", "vol-1", "eni-1", "sir-1"]
WANTED = {"name": "dev", "launch_template": TEMPLATE, "subnet_id": "subnet-1"}
NONE = {"describe_instances": [{"Reservations": []}], "describe_spot_instance_requests": [{"SpotInstanceRequests": []}]}


def found(instance):
    return {"Reservations": [{"Instances": [instance]}]}


def there(**fields):
    request, carriers = fields.pop("request", REQUEST), fields.pop("carriers", CARRIERS)
    return {
        "describe_instances": [found({**INSTANCE, **fields})],
        "describe_spot_instance_requests": [{"SpotInstanceRequests": [request] if request else []}],
        "describe_tags": [{"Tags": [{"ResourceId": carrier, **TAGS[0]} for carrier in carriers]}],
    }


def created(*answers):
    """The account before and after a launch that gives `answers`."""
    return {
        "describe_instances": [*NONE["describe_instances"], found(INSTANCE)],
        "describe_spot_instance_requests": [*NONE["describe_spot_instance_requests"], {"SpotInstanceRequests": [REQUEST]}],
        "describe_tags": there()["describe_tags"],
        "run_instances": list(answers),
    }


def module(answers, **params):
    return Module(spot.ARGUMENTS, answers, **{**WANTED, **params})


def run(module, check_mode=False):
    return converge(spot.build(module), present=module.params["state"] == "present", check_mode=check_mode)


def asked(module):
    return [operation for operation, request in module.writes]


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"name": "dev*"}, "name"),
        ({"name": "d" * 256}, "name"),
        ({"max_price": "cheap"}, "max_price"),
        ({"max_price": "0.0"}, "max_price is 0"),
    ],
)
def test_a_bad_option_is_refused(options, names):
    refused = module({}, **options)
    with pytest.raises(Failed, match=names):
        spot.build(refused)
    assert refused.calls == []


@pytest.mark.parametrize("amount", ["0.015", "0.0150", ".015", "0.015000"])
def test_prices(amount):
    assert spot.price(amount) == "0.015"


def test_reads_a_machine():
    assert spot.from_api(INSTANCE, REQUEST) == {
        "id": "i-1",
        "state": "running",
        "availability_zone": "eu-west-3a",
        "public_ip_address": "203.0.113.10",
        "private_ip_address": "10.0.1.10",
        "launch_template_version": 3,
        "spot_instance_request_id": "sir-1",
        "launch_template": TEMPLATE,
        "subnet_id": "subnet-1",
        "security_group_ids": ["sg-a", "sg-b"],
        "max_price": "0.015",
        "interruption_behavior": "stop",
    }


def test_common_tags():
    assert spot.common([{"Name": "dev", "a": "1"}, {"Name": "dev", "a": "2"}, {"Name": "dev"}]) == {"Name": "dev"}


FIELDS = {"launch_template": TEMPLATE, "subnet_id": "subnet-1", "interruption_behavior": "stop", "tags": {"Name": "dev"}}


def test_the_launch():
    tags = [{"Key": "Name", "Value": "dev"}]
    assert spot.to_api(FIELDS | {"max_price": "0.015", "security_group_ids": ["sg-a"]}, None) == {
        "MinCount": 1,
        "MaxCount": 1,
        "LaunchTemplate": {"LaunchTemplateId": "lt-1", "Version": "3"},
        "InstanceMarketOptions": {
            "MarketType": "spot",
            "SpotOptions": {"SpotInstanceType": "persistent", "InstanceInterruptionBehavior": "stop", "MaxPrice": "0.015"},
        },
        "SubnetId": "subnet-1",
        "SecurityGroupIds": ["sg-a"],
        "TagSpecifications": [
            {"ResourceType": kind, "Tags": tags} for kind in ("instance", "volume", "network-interface", "spot-instances-request")
        ],
    }


def test_a_public_address_goes_with_the_interface():
    request = spot.to_api(FIELDS | {"security_group_ids": ["sg-a"]}, True)
    assert request["NetworkInterfaces"] == [
        {"DeviceIndex": 0, "SubnetId": "subnet-1", "AssociatePublicIpAddress": True, "Groups": ["sg-a"]}
    ]
    assert {"SubnetId", "SecurityGroupIds"}.isdisjoint(request)
    assert "MaxPrice" not in request["InstanceMarketOptions"]["SpotOptions"]
    assert "SecurityGroupIds" not in spot.to_api(FIELDS, None)


def test_launches_with_a_token_of_the_request():
    tokens = []
    for _unused in range(2):
        new = module(created({"Instances": [INSTANCE]}))
        assert run(new)["resource"]["id"] == "i-1"
        assert asked(new) == ["run_instances"]
        assert ("wait instance_exists", {"InstanceIds": ["i-1"], "WaiterConfig": {"Delay": 2, "MaxAttempts": 60}}) in new.calls
        tokens.append(new.writes[0][1]["ClientToken"])
    assert tokens[0] == tokens[1]
    assert spot.client_token(spot.to_api(FIELDS, None)) == tokens[0]
    assert spot.client_token(spot.to_api(FIELDS | {"subnet_id": "subnet-2"}, None)) != tokens[0]
    assert len(tokens[0]) == 64


@pytest.mark.parametrize("first", [error("IdempotentInstanceTerminated"), {"Instances": [{**INSTANCE, "State": {"Name": "terminated"}}]}])
def test_a_token_of_a_terminated_machine_is_not_used_again(first):
    again = module(created(first, {"Instances": [INSTANCE]}))
    run(again)
    tokens = [request["ClientToken"] for operation, request in again.writes if operation == "run_instances"]
    assert len(set(tokens)) == 2


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        ("InsufficientInstanceCapacity", "set subnet_id to a subnet of another zone"),
        ("SpotMaxPriceTooLow", "max_price is below the present spot price: raise it"),
        ("MaxSpotInstanceCountExceeded", "Service Quotas"),
    ],
)
def test_a_launch_that_aws_refuses_tells_the_mend(code, mend):
    with pytest.raises(Failed, match=mend):
        run(module(created(error(code))))


GROUPED = [{"LaunchTemplateVersions": [{"LaunchTemplateData": {"SecurityGroupIds": ["sg-a"]}}]}]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("account", "params"), [(NONE, {}), (there(), {"max_price": "0.02", "replace": True})])
def test_a_template_with_groups_excludes_a_public_address(check_mode, account, params):
    refused = module({**account, "describe_launch_template_versions": GROUPED}, associate_public_ip=True, **params)
    with pytest.raises(Failed, match="leave it out, and let subnet subnet-1 give public addresses"):
        run(refused, check_mode)
    assert refused.writes == []


def test_a_template_that_is_not_made_yet_is_planned_for():
    missing = error("InvalidLaunchTemplateId.NotFound")
    planned = module({**NONE, "describe_launch_template_versions": [missing]}, associate_public_ip=True)
    assert run(planned, check_mode=True)["changed"]


def test_what_it_has_just_launched_is_never_replaced():
    answers = created({"Instances": [INSTANCE]})
    answers["describe_instances"][1] = found({**INSTANCE, "SubnetId": "subnet-9"})
    new = module(answers, replace=True)
    run(new)
    assert asked(new) == ["run_instances"]


def test_asks_nothing_of_a_machine_that_is_right():
    same = module(there(), max_price="0.0150", security_group_ids=["sg-b", "sg-a"])
    assert not run(same)["changed"]
    assert same.writes == same.warnings == []


def test_repairs_groups_and_tags():
    other = module(there(carriers=CARRIERS[:2]), security_group_ids=["sg-c"])
    run(other)
    assert other.writes == [
        ("modify_instance_attribute", {"InstanceId": "i-1", "Groups": ["sg-c"]}),
        ("create_tags", {"Resources": CARRIERS, "Tags": [{"Key": "Name", "Value": "dev"}]}),
    ]


@pytest.mark.parametrize("check_mode", [True, False])
def test_keeps_a_machine_that_only_a_new_one_could_mend(check_mode):
    stale = module(there(), launch_template={"id": "lt-1", "version": 4}, subnet_id="subnet-2")
    assert not run(stale, check_mode)["changed"]
    assert stale.warnings == [
        "Spot machine dev, i-1, has another launch_template, subnet_id than declared and is kept for its disk: "
        "save its data and set replace to true for a new machine."
    ]
    assert stale.writes == []


def test_replaces_when_told_to_and_cancels_first():
    stale = module({**there(), "run_instances": [{"Instances": [{**INSTANCE, "InstanceId": "i-2"}]}]}, max_price="0.02", replace=True)
    run(stale)
    assert stale.warnings == []
    assert [operation for operation, request in stale.calls if not operation.startswith("describe_")] == [
        "cancel_spot_instance_requests",
        "terminate_instances",
        "wait instance_terminated",
        "run_instances",
        "wait instance_exists",
    ]


def test_a_request_that_aws_no_longer_tells_of_is_no_difference():
    assert not run(module(there(request=None, carriers=CARRIERS[:3]), max_price="0.02", replace=True))["changed"]


def test_a_stopped_machine_is_left_to_aws():
    reason = "Server.SpotInstanceShutdown: Instance was stopped due to interruption"
    stopped = module(there(State={"Name": "stopped"}, StateTransitionReason=reason))
    assert not run(stopped)["changed"]
    assert stopped.warnings == [f"Spot machine dev, i-1, is stopped ({reason}): it is left so, for AWS to start when there is capacity."]


def test_a_request_that_waits_is_left_to_aws():
    waiting = {**REQUEST, "State": "open", "Status": {"Code": "capacity-not-available"}}
    answers = {
        **NONE,
        "describe_spot_instance_requests": [{"SpotInstanceRequests": [waiting]}],
        "describe_tags": [{"Tags": [{"ResourceId": "sir-1", **TAGS[0]}]}],
    }
    pending = module(answers)
    result = run(pending)
    assert not result["changed"]
    assert (result["resource"]["id"], result["resource"]["state"]) == (None, "open")
    assert pending.warnings == ["Spot machine dev waits for capacity (capacity-not-available): AWS launches it when there is some."]
    gone = module(answers, state="absent")
    assert run(gone)["changed"]
    assert gone.writes == [("cancel_spot_instance_requests", {"SpotInstanceRequestIds": ["sir-1"]})]


def test_refuses_another_s_machines():
    with pytest.raises(Failed, match="i-1 carries the name dev and is no spot machine"):
        run(module(there(InstanceLifecycle=None)))
    two = {**there(), "describe_instances": [{"Reservations": [{"Instances": [INSTANCE, {**INSTANCE, "InstanceId": "i-0"}]}]}]}
    with pytest.raises(Failed, match="i-0, i-1 all carry the name dev"):
        run(module(two, state="absent"))


def test_cancels_before_it_terminates():
    old = module(there(), state="absent")
    assert run(old)["changed"]
    assert old.writes == [
        ("cancel_spot_instance_requests", {"SpotInstanceRequestIds": ["sir-1"]}),
        ("terminate_instances", {"InstanceIds": ["i-1"]}),
    ]
    assert old.calls[-1] == ("wait instance_terminated", {"InstanceIds": ["i-1"], "WaiterConfig": {"Delay": 5, "MaxAttempts": 120}})
