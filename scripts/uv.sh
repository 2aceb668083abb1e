#!/usr/bin/env bash
# Print the path of uv: the system's own, or one that pip puts into .cache/uv.
set -euo pipefail
cd "$(dirname "$0")/.."

if command -v uv; then
  exit
fi
if [[ ! -x .cache/uv/bin/uv ]]; then
  for python in python3 python3.1{4,3,2,1,0} /usr/bin/python3; do
    if "$python" -m pip --version &> /dev/null; then
      "$python" -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target .cache/uv uv >&2
      break
    fi
  done
fi
if [[ ! -x .cache/uv/bin/uv ]]; then
  echo "Neither uv nor a Python with pip to fetch it is here: install Python 3.12 or newer, uv, or python3-pip." >&2
  exit 1
fi
echo "$PWD/.cache/uv/bin/uv"
