#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Every checker, on a copy of the tree, because some of them leave files behind. Called by `make lint`.
set -eu
top=$PWD
copy=$top/build/lint
tree=$copy/ansible_collections/xen/pciback
failed=

check() { # NAME COMMAND...
	name=$1
	shift
	printf '=== %s\n' "$name"
	if ! "$@"; then
		failed="$failed $name"
	fi
}

import_artefact() ( # what Galaxy does when it gets the artefact; what it only warns of fails here
	unset ANSIBLE_COLLECTIONS_PATH
	cd "$copy/artefact"
	if ! GALAXY_IMPORTER_CONFIG=$tree/tests/galaxy-importer.cfg python -m galaxy_importer.main ./*.tar.gz >log 2>&1 ||
		grep -q -e ^WARNING -e ^ERROR log; then
		cat log
		return 1
	fi
)

rm -rf "$copy"
mkdir -p "$tree" "$copy/home/.ansible/test/cache"
git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -cf - 2>/dev/null | tar -xf - -C "$tree"

# ansible-test wants real interpreters on PATH, and a home directory for its cache.
python=$("$top/.venv/bin/python" -c 'import os, sys; print(os.path.dirname(os.path.realpath(sys.executable)))')
PATH=$top/.venv/bin:$python:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
HOME=$copy/home
ANSIBLE_COLLECTIONS_PATH=$copy
export PATH HOME ANSIBLE_COLLECTIONS_PATH
unset PYTHONPATH ANSIBLE_CONFIG
for version in 24_2 25_2; do
	cp "$tree/tests/sanity/get_pip.py" "$HOME/.ansible/test/cache/get_pip_$version.py"
done
cd "$tree"
git init -q . && git add -A

check ruff ruff check .
check ruff-format ruff format --check .
mkdir -p build/collections/ansible_collections/xen
ln -sfn ../../../.. build/collections/ansible_collections/xen/pciback
check mypy mypy -p ansible_collections.xen.pciback.plugins
check mypy-lab env MYPYPATH=lab mypy lab/dom0.py lab/machine lab/xen_lab.py lab/xen
check mypy-simulator mypy -p tests.simulator
check yamllint yamllint --strict .
git ls-files '*.sh' native/service/pcibackd-guests 'native/service/*.rc' 'native/service/*.rc.in' 'native/service/*.init.in' lab/enter 'lab/machine/files/*' lab/xen/image/guest_init lab/xen/image/guest_bench lab/xen/attack/in_dom0 lab/xen/attack/attack_init lab/xen/attack/watch_init 'lab/xen/image/dom0/usr/local/sbin/*' .ci/run >"$copy/shell-files"
check shellcheck xargs shellcheck <"$copy/shell-files"
check cppcheck cppcheck --quiet --std=c11 --error-exitcode=1 --enable=warning,performance,portability \
	--inline-suppr --suppress=missingIncludeSystem -I native/include native/core native/model native/os native/cli native/daemon native/trial lab/xen/attack
rm -rf build
check ansible-lint ansible-lint --offline --profile production --strict
check antsibull-changelog antsibull-changelog lint
check antsibull-docs antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck .
check ansible-test ansible-test sanity --local --color no \
	--python "$("$top/.venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
for module in assignable boot_hide device_info domain domain_pci native_backend plan reboot; do
	check "ansible-doc $module" sh -c "ansible-doc xen.pciback.$module >/dev/null"
done
check 'ansible-doc role' sh -c 'ansible-doc -t role xen.pciback.pciback | grep -q pciback_guests'
check 'ansible-doc test' sh -c 'ansible-doc -t test xen.pciback.predicts >/dev/null'
check 'ansible-doc lookup' sh -c 'ansible-doc -t lookup xen.pciback.native_source_digest xen.pciback.lost_hosts xen.pciback.variable_problems >/dev/null'
check 'ansible-doc connection' sh -c 'ansible-doc -t connection xen.pciback.lab >/dev/null'
check galaxy-build ansible-galaxy collection build --force --output-path "$copy/artefact"
check galaxy-importer import_artefact

if [ -n "$failed" ]; then
	echo "Failed:$failed" >&2
	exit 1
fi
echo "All checkers are content."
