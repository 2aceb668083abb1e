# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs of playbooks on a sandbox, as a person starts them, and what they told."""

from __future__ import annotations

import collections.abc as c
import dataclasses
import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import typing as t

import boto3
import yaml

from sandbox import Sandbox

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.executable).parent
TIMEOUT = 900  # seconds; a run that hangs is a failure

Client = c.Callable[[str], t.Any]

STATE = [
    (service, operation)
    for service, operations in {
        "autoscaling": ["describe_auto_scaling_groups", "describe_policies"],
        "cloudwatch": ["describe_alarms", "list_dashboards"],
        "dynamodb": ["list_tables"],
        "ec2": [
            "describe_addresses",
            "describe_instances",
            "describe_internet_gateways",
            "describe_launch_templates",
            "describe_nat_gateways",
            "describe_network_interfaces",
            "describe_route_tables",
            "describe_security_groups",
            "describe_spot_instance_requests",
            "describe_subnets",
            "describe_volumes",
            "describe_vpc_endpoints",
            "describe_vpcs",
        ],
        "ecr": ["describe_repositories"],
        "elasticache": ["describe_cache_subnet_groups", "describe_replication_groups"],
        "elbv2": ["describe_load_balancers", "describe_target_groups"],
        "iam": ["list_instance_profiles", "list_roles"],
        "logs": ["describe_log_groups"],
        "rds": ["describe_db_instances", "describe_db_snapshots", "describe_db_subnet_groups"],
        "resourcegroupstaggingapi": ["get_resources"],
        "s3": ["list_buckets"],
        "sns": ["list_topics"],
        "ssm": ["describe_parameters"],
    }.items()
    for operation in operations
]

GONE = re.compile(r'"State": (\{"Code": 48, "Name": "terminated"\}|"deleted")')


@dataclasses.dataclass(frozen=True)
class Told:
    """The result of a task, or of one item of its loop."""

    component: str
    task: str
    action: str
    item: str | None
    failed: bool
    result: dict[str, t.Any]

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def name(self) -> tuple[str, str, str | None]:
        return self.component, self.task, self.item


@dataclasses.dataclass(frozen=True)
class Run:
    """One ansible-playbook that has ended. `record` is what every task told, `requests` what the cloud was asked meanwhile."""

    code: int
    output: str
    record: str
    requests: list[dict[str, t.Any]]

    @functools.cached_property
    def told(self) -> list[Told]:
        return [Told(**json.loads(line)) for line in self.record.splitlines()]

    @functools.cached_property
    def changes(self) -> list[Told]:
        return [told for told in self.told if told.changed]

    @property
    def components(self) -> set[str]:
        """The components that took part."""
        return {told.component for told in self.told}

    @property
    def changed(self) -> set[str]:
        """The components that reported a change."""
        return {told.component for told in self.changes}

    @property
    def writes(self) -> list[str]:
        return [f"{request['service']}:{request['action']}" for request in self.requests if request["kind"] == "write"]

    @property
    def message(self) -> str:
        """What the task that failed says."""
        return "\n".join(str(told.result["msg"]) for told in self.told if told.failed)


@dataclasses.dataclass(frozen=True)
class Converged:
    """The run that made an environment, and the run after it."""

    first: Run
    second: Run


State = dict[str, list[t.Any]]


@dataclasses.dataclass(frozen=True)
class Beside:
    """prod as it was before there was anything beside it, and what was made there then."""

    prod_before: State
    preprod: Converged
    dev: Converged


def run(sandbox: Sandbox, *command: str | pathlib.Path, cwd: pathlib.Path = ROOT, fails: bool = False, **environ: str) -> Run:
    """Runs one of ansible's commands, whose name comes first, as it is called on a command line."""
    mark = sandbox.mark()
    with tempfile.NamedTemporaryFile("r", suffix=".jsonl") as record:
        process = subprocess.run(
            [BIN / command[0], *command[1:]],
            cwd=cwd,
            env={
                **sandbox.environ(),
                "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
                "ANSIBLE_CALLBACK_PLUGINS": str(pathlib.Path(__file__).with_name("callback_plugins")),
                "ANSIBLE_CALLBACKS_ENABLED": "record",
                "ANSIBLE_INJECT_INVOCATION": "true",
                "RECORD": record.name,
                **environ,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
            text=True,
            check=False,
        )
        done = Run(process.returncode, process.stdout, record.read(), sandbox.requests(mark))
    assert bool(done.code) == fails, done.message or done.output[-4000:]
    return done


def client(sandbox: Sandbox) -> Client:
    """boto3 clients by service, without regard to this process's environment."""
    session = boto3.Session(sandbox.env["AWS_ACCESS_KEY_ID"], sandbox.env["AWS_SECRET_ACCESS_KEY"], region_name=sandbox.env["AWS_REGION"])
    return functools.cache(functools.partial(session.client, endpoint_url=sandbox.env["AWS_ENDPOINT_URL"]))


class Site:
    """An account of its own, and every run that was made there: with `--diff` and `-vvv`, so that each could betray a secret."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.aws = client(sandbox)
        self.runs: list[Run] = []

    def play(self, playbook: str, environment: str, *arguments: str, fails: bool = False) -> Run:
        command = ("ansible-playbook", playbook, "-i", f"inventories/{environment}", "--diff", "-vvv", *arguments)
        self.runs.append(run(self.sandbox, *command, fails=fails))
        return self.runs[-1]

    def converge(self, environment: str) -> Run:
        return self.play("site.yml", environment)

    def make(self, environment: str) -> Converged:
        return Converged(self.converge(environment), self.converge(environment))

    def plan(self, environment: str) -> Run:
        return self.play("site.yml", environment, "--check")

    def state(self, environment: str) -> State:
        """Everything in the account that an environment's name or tag stands on, but for what is gone and still shown for a while."""
        ours = re.compile(rf'\bgreenleaf[-/]{environment}\b|"Value": "{environment}"')
        gone: set[str] = set()
        found: State = {}
        for service, operation in STATE:
            for item in items(self.aws(service), operation):
                text = json.dumps(item, default=str)
                if GONE.search(text):
                    gone.update(re.findall(r'"(?:InstanceId|VpcEndpointId)": "(.+?)"', text))
                elif ours.search(text) and not ("ResourceARN" in item and item["ResourceARN"].rpartition("/")[2] in gone):
                    found.setdefault(f"{service}:{operation}", []).append(item)
        return found


def items(api: t.Any, operation: str) -> list[t.Any]:
    """What a listing operation lists, all pages of it."""
    pages = api.get_paginator(operation).paginate() if api.can_paginate(operation) else [getattr(api, operation)()]
    listed = [item for page in pages for value in page.values() if isinstance(value, list) for item in value]
    for item in listed:
        if isinstance(item, dict):
            item.pop("LatestRestorableTime", None)  # RDS's clock
    return listed


def bill(environment: str) -> set[str]:
    """The components that an environment's hosts.yml lists."""
    return set(yaml.safe_load((ROOT / "inventories" / environment / "hosts.yml").read_text())["components"]["hosts"])


def copy_inventory(environment: str, folder: pathlib.Path, /, **edits: dict[str, t.Any]) -> pathlib.Path:
    """A copy of an inventory whose files, named by their stem, are changed: `vpc={"vpc_zones": []}`, `environment={…}`."""
    copy = folder / environment
    shutil.copytree(ROOT / "inventories" / environment, copy)
    for stem, edit in edits.items():
        path = next(copy.rglob(f"{stem}.yml"), copy / "host_vars" / f"{stem}.yml")
        declared = yaml.safe_load(path.read_text()) if path.exists() else {}
        path.write_text(yaml.safe_dump(declared | edit))
    return copy
