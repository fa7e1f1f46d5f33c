#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
#
# usage: xen-flags.sh "$(WITH_XEN)" COMPILER [ARGUMENT...]
#
# Prints what the compiler and the linker need for Xen's libraries, a line each: nothing if it can't link
# them, or if the first argument is 0. With 1 it is an error that it can't.

set -eu
wanted=$1
shift
# Xen's headers want the compiler's extensions.
flags="-std=gnu11 -DPCIBACK_WITH_XEN"
libraries="-lxenstore -lxengnttab -lxenevtchn -lxencall -lxenctrl"

[ "$wanted" = 0 ] && exit 0
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cat >"$directory/probe.c" <<'END'
#include <sys/mman.h>
#include <stddef.h>
#include <stdint.h>
#include <xencall.h>
#include <xenctrl.h>
#include <xenevtchn.h>
#include <xengnttab.h>
#include <xenstore.h>
int
main(void)
{
	return xs_open(0) == NULL || xc_interface_open(NULL, NULL, 0) == NULL || xencall_open(NULL, 0) == NULL ||
	    xenevtchn_open(NULL, 0) == NULL || xengnttab_open(NULL, 0) == NULL;
}
END
# shellcheck disable=SC2086 # lists of options
if "$@" $flags -o "$directory/probe" "$directory/probe.c" $libraries >"$directory/log" 2>&1; then
	printf '%s\n%s\n' "$flags" "$libraries"
elif [ "$wanted" = 1 ]; then
	cat "$directory/log" >&2
	echo "xen-flags.sh: Xen's libraries can't be used (Debian: libxen-dev); see above" >&2
	exit 1
fi
