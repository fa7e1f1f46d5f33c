#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: preflight.sh run|test|lint|soak|xen [PYTHON]
#
# Says which system packages are missing, with the command that installs them on Debian. What only tests and
# checkers need is installed right away if this is root on a system with apt-get.
set -eu
purpose=$1
python=${2:-python3}
missing=

want() { # PACKAGE COMMAND...
	package=$1
	shift
	"$@" >/dev/null 2>&1 || missing="$missing $package"
}

want_command() { # PACKAGE COMMAND
	want "$1" sh -c "command -v $2"
}

want python3 "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'
want python3-venv "$python" -c 'import ensurepip, venv'
want gcc sh -c 'command -v cc || command -v gcc'
want_command util-linux unshare
want_command mount mount
if [ -n "$missing" ] || [ "$purpose" = run ]; then
	[ -z "$missing" ] && exit 0
	echo "Missing on this machine:$missing" >&2
	echo "Install it with: apt-get install$missing" >&2
	exit 1
fi

case $purpose in
test)
	want_command bmake bmake
	want_command ccache ccache
	want_command clang clang
	want libclang-rt-14-dev ls /usr/lib/llvm-14/lib/clang/*/lib/linux/libclang_rt.fuzzer-x86_64.a
	want_command valgrind valgrind
	want_command grub-common grub-editenv
	want libxen-dev ls /usr/include/xenctrl.h
	want libc6-dbg sh -c 'ls -d /usr/lib/debug/.build-id'
	;;
soak)
	want_command mmdebstrap mmdebstrap
	;;
lint)
	want_command cppcheck cppcheck
	want_command shellcheck shellcheck
	want_command git git
	;;
xen)
	want_command e2fsprogs mke2fs
	want_command mmdebstrap mmdebstrap
	want_command openssh-client ssh
	want_command qemu-system-x86 qemu-system-x86_64
	want_command qemu-utils qemu-img
	;;
*)
	echo "preflight.sh: unknown purpose '$purpose'" >&2
	exit 2
	;;
esac
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
	echo "Installing what make needs for this ($purpose):$missing"
	# shellcheck disable=SC2086 # a list of package names
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
	echo "Missing on this machine:$missing" >&2
	echo "Install it with: apt-get install$missing" >&2
	exit 1
fi
