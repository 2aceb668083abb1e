# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ansible-test's get-pip, without a download: the pip that Python brings installs what is asked for."""

from __future__ import annotations

import ensurepip
import runpy
import sys

ensurepip.bootstrap()
sys.argv = ["pip", "install", *(argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel"))]
runpy.run_module("pip", run_name="__main__")
