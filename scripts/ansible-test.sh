#!/usr/bin/env bash
# Run ansible-test's sanity and unit tests on a built collection: ansible-test.sh dist/greenleaf-cloud-0.1.0.tar.gz
set -euo pipefail
cd "$(dirname "$0")/.."

# ansible-test wants a real path that ends so, and the collections that ours builds on beside it.
collections=$PWD/.cache/ansible_collections
version=$(.venv/bin/python -c 'import sys; print("{}.{}".format(*sys.version_info))')
ansible_test=$PWD/.venv/bin/ansible-test
bundled=$(.venv/bin/python -c 'import ansible_collections; print(*ansible_collections.__path__)')
rm -rf "$collections"
mkdir -p "$collections/greenleaf/cloud"
tar --extract --file "$1" --directory "$collections/greenleaf/cloud"
ln -s "$bundled/amazon" "$bundled/community" "$collections"

# A home of its own, for the bootstrap of pip below; pip's own settings still hold.
real_home=$HOME
export HOME=$PWD/.cache/home
mkdir -p "$HOME/.ansible/test/cache"
ln -sfn "$real_home/.config" "$HOME/.config"
cp scripts/get_pip.py "$HOME/.ansible/test/cache/get_pip_25_2.py"

# Without this, the git repository around it would be taken for the collection's.
export ANSIBLE_TEST_CONTENT_ROOT=$collections/greenleaf/cloud
cd "$ANSIBLE_TEST_CONTENT_ROOT"
"$ansible_test" sanity --color no --python "$version"
"$ansible_test" units --color no --python "$version"
