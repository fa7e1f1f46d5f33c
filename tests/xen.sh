#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: xen.sh NAME COMMAND...
#
# Runs what needs the Xen lab. Called by `make test-xen` and `make bench-xen`, which set the environment; NAME is for
# messages. Where the machine can't do it, it says why and is skipped; with CI=true or XEN_LAB=required that is a failure.
set -eu
target=$1
shift

lacks() { # REASON
	if [ "${CI:-}" = true ] || [ "${XEN_LAB:-}" = required ]; then
		echo "$target can't run here: $1." >&2
		exit 1
	fi
	echo "$target is skipped: $1."
	exit 0
}

[ "$(id -u)" -eq 0 ] || lacks "only root can build dom0's disk"
command -v apt-get >/dev/null || lacks "dom0 is made of packages that apt gets, and this machine has no apt"
[ "$(uname -m)" = x86_64 ] || lacks "dom0's packages run on x86_64, and this is $(uname -m)"
memory=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)
[ "$memory" -ge 3000 ] || lacks "it needs a machine of 4 GiB with 3000 MiB to spare, and $memory MiB are"
sh tests/preflight.sh xen
if ! python lab/xen_lab.py check; then
	apt-get update -qq
	python lab/xen_lab.py check || lacks "apt does not know the packages"
fi
# Here one sees how far it is; what follows finds it built.
python lab/xen_lab.py build
exec "$@"
