# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What converging, checking and destroying an environment costs on the sandbox: wall time, CPU and API calls.

CPU is that of ansible-playbook and everything that it starts; the sandbox's own is not counted, but shares the machine.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sandbox import Sandbox  # noqa: E402

PLAYBOOK = str(pathlib.Path(sys.executable).with_name("ansible-playbook"))


@dataclasses.dataclass(frozen=True)
class Cost:
    wall: float
    cpu: float
    reads: int
    writes: int


def phases(environment: str) -> dict[str, list[str]]:
    site = ["site.yml", "-i", f"inventories/{environment}"]
    destroy = ["playbooks/destroy.yml", *site[1:], "-e", f"confirm={environment}", "-e", "greenleaf_protect=false"]
    return {"first converge": site, "no-op converge": site, "no-op check": [*site, "--check", "--diff"], "destroy": destroy}


def measure(sandbox: Sandbox, arguments: list[str]) -> Cost:
    mark, before, start = sandbox.mark(), resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run([PLAYBOOK, *arguments], cwd=ROOT, env=sandbox.environ(), capture_output=True, text=True, check=False)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    kinds = collections.Counter(request["kind"] for request in sandbox.requests(mark))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, kinds["read"], kinds["write"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environment", default="prod", help="inventory to measure (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=1, help="times that everything is done; medians are told (default: %(default)s)")
    options = parser.parse_args()
    costs: dict[str, list[Cost]] = collections.defaultdict(list)
    for _ in range(options.runs):
        with Sandbox() as sandbox:
            for name, arguments in phases(options.environment).items():
                costs[name].append(measure(sandbox, arguments))
                print(f"{name}: {costs[name][-1].wall:.1f} s", file=sys.stderr, flush=True)

    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{options.environment}, medians of {options.runs}; {os.cpu_count()} cores, load {load}, Python {platform.python_version()}\n")
    print(f"{'':16}{'wall s':>8}{'CPU s':>8}{'reads':>8}{'writes':>8}")
    for name, runs in costs.items():
        wall, cpu, reads, writes = (statistics.median(values) for values in zip(*map(dataclasses.astuple, runs), strict=True))
        print(f"{name:16}{wall:8.1f}{cpu:8.1f}{reads:8.0f}{writes:8.0f}")


if __name__ == "__main__":
    main()
