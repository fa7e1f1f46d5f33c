#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: all.sh MAKE
#
# All tests, for `make test`. The emulated machine of test-xen takes one processor and much patience, so that it runs
# beside the others; what it says is shown at its end.
set -eu
make=$1
log=$PWD/build/test-xen.log
mkdir -p build
$make test-xen >"$log" 2>&1 &
xen=$!
# Without its machine the scenario ends at once.
trap 'python3 lab/xen_lab.py destroy; kill "$xen"; exit 130' INT TERM

failed=
for part in test-native test-conformance test-unit test-safety test-lab; do
	$make "$part" || { failed=$part; break; }
done
[ -n "$failed" ] && echo "$failed has failed." >&2
echo "=== test-xen, which began with the others; until it ends, see $log"
wait "$xen" || failed="$failed test-xen"
cat "$log"
case $failed in
*test-xen) # Who sees no more than the end of all this sees the reason.
	grep -aE 'FAILED|fatal:|LabError|\[0m E  ' "$log" | tail -n 20 || true
	;;
esac
[ -z "$failed" ] || { echo "failed: $failed" >&2; exit 1; }
