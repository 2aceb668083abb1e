# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Stand up prod from nothing, run again, and show what is there: what `make demo` does in a sandbox."""

from __future__ import annotations

import collections
import os
import pathlib
import re
import subprocess
import sys
import time

import boto3

PLAYBOOK = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "--inventory", "inventories/prod"]
RECAP = re.compile(r"^(\w+) +: ok=\d+ +changed=(\d+)", re.MULTILINE)
COLOR = re.compile(r"\x1b\[[\d;]*m")


def play(title: str, playbook: str) -> dict[str, int]:
    """Run a playbook before the user's eyes. Returns how much each component changed."""
    print(f"\n==> {title}\n", flush=True)
    environment = {"ANSIBLE_FORCE_COLOR": "1"} if sys.stdout.isatty() else {}
    start = time.monotonic()
    told = ""
    with subprocess.Popen([*PLAYBOOK, playbook], env=os.environ | environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            told += line
    if process.returncode:
        sys.exit(f"\nansible-playbook {playbook} ended with {process.returncode}: its error stands above.")
    changes = {component: int(changed) for component, changed in RECAP.findall(COLOR.sub("", told))}
    print(f"{sum(changes.values())} changes by {len(changes)} components in {time.monotonic() - start:.0f} s")
    return changes


def resources() -> collections.Counter[str]:
    """How many resources of each type carry the project's tag, and the groups of machines, which the tagging API leaves out."""
    pages = boto3.client("resourcegroupstaggingapi").get_paginator("get_resources")
    tagged = pages.paginate(TagFilters=[{"Key": "Project", "Values": ["greenleaf"]}])
    kinds = collections.Counter(kind(item["ResourceARN"]) for page in tagged for item in page["ResourceTagMappingList"])
    kinds["autoscaling group"] = len(boto3.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"])
    return kinds


def kind(arn: str) -> str:
    """`ec2 subnet` of arn:aws:ec2:eu-west-3:…:subnet/subnet-0a1b."""
    service, resource = arn.split(":", 5)[2::3]
    untyped = {"s3": "bucket", "sns": "topic"}
    return f"{service} {untyped.get(service) or re.split('[:/]', resource)[0]}"


def main() -> None:
    first = play("Prod, from nothing", "site.yml")
    second = play("Prod again: nothing may change", "site.yml")

    print("\n==> What stands now\n")
    for name, count in sorted(resources().items()):
        print(f"{count:5}  {name}")

    if not sum(first.values()):
        sys.exit("\nThe first run changed nothing: was the account not empty?")
    if restless := {component: changed for component, changed in second.items() if changed}:
        sys.exit(f"\nThe second run changed something: {restless}")
    print(f"\nThe first run made {sum(first.values())} changes, the second none. `make sandbox` keeps such a cloud, to try things on.")


if __name__ == "__main__":
    main()
