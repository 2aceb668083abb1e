#!/usr/bin/env bash
# Run one make target, each line of its output under its name, and end with "ok" or "FAILED": gate.sh lint
set -euo pipefail
cd "$(dirname "$0")/.."

if make --keep-going --no-print-directory "$1" 2>&1 | while IFS= read -r line; do printf '%-11s | %s\n' "$1" "$line"; done; then
  echo "ok $1 in $SECONDS s"
else
  echo "FAILED $1 after $SECONDS s"
  exit 1
fi
