#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Says which system packages are missing, each with the command that installs it on Debian.
set -eu
python=${1:-python3}
missing=
want() { # PACKAGE COMMAND...
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}
want python3 "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'
want python3-venv "$python" -c 'import ensurepip, venv'
want gcc sh -c 'command -v cc || command -v gcc'
want util-linux sh -c 'command -v unshare'
want mount sh -c 'command -v mount'
if [ -n "$missing" ]; then
	echo "Missing on this machine:$missing" >&2
	echo "Install it with: apt-get install$missing" >&2
	exit 1
fi
