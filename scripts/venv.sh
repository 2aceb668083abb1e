#!/usr/bin/env bash
# Make .venv from requirements.txt, or renew it when that file has changed.
set -euo pipefail
cd -P "$(dirname "$0")/.."

# The scripts of a virtual environment hold absolute paths, so a moved folder wants a new one.
stamp="$PWD $(cksum < requirements.txt)"
if [[ "$(cat .venv/stamp 2> /dev/null)" == "$stamp" ]]; then
  exit
fi

# A name on the PATH may be a shim of nothing, and a Debian python3 may lack its venv module.
usable() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' &> /dev/null
}

find_python() {
  local python
  for python in python3.1{4,3,2} python3 ~/.pyenv/versions/3.1{4,3,2}*/bin/python; do
    if usable "$python"; then
      command -v "$python"
      return
    fi
  done
  return 1
}

if ! command -v git > /dev/null; then
  echo "git is missing: install it first (Debian: apt-get install git)." >&2
  exit 1
fi

if ! usable .venv/bin/python || ! grep -qsF "$PWD/.venv" .venv/bin/activate; then
  rm -rf .venv
  if ! python=$(find_python); then
    echo "No Python of 3.12 or newer runs here: uv fetches one." >&2
    "$(scripts/uv.sh)" python install 3.13
    python=$("$(scripts/uv.sh)" python find --no-project 3.13)
  fi
  echo "Making .venv with $("$python" --version), from $python"
  if "$python" -c 'import ensurepip' &> /dev/null; then
    "$python" -m venv .venv
  else
    "$(scripts/uv.sh)" venv --quiet --python "$python" .venv
  fi
fi

echo "Installing requirements.txt"
if command -v uv > /dev/null || [[ -x .cache/uv/bin/uv ]] || ! .venv/bin/python -m pip --version &> /dev/null; then
  "$(scripts/uv.sh)" pip install --quiet --python .venv/bin/python --require-hashes --requirement requirements.txt
else
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
fi
echo "$stamp" > .venv/stamp
