#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
#
# usage: flags.sh COMPILER [ARGUMENT...]
#
# Prints three lines, each a list of flags that this compiler knows: what hardens an object, what hardens a
# program, and the libraries that a program needs to load others. A flag that is not known, that the
# compiler says anything about, or with which it links nothing is left out; no compiler fails here.

set -u
directory=$(mktemp -d) || exit 1
trap 'rm -rf "$directory"' EXIT
# Calls that are replaced by checked ones, and an array that wants a guard.
cat >"$directory/probe.c" <<'END'
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int
main(int argc, char **argv)
{
	char text[64], copy[64];
	ssize_t n = read(0, text, (size_t)argc);

	memcpy(copy, text, n > 0 ? (size_t)n : 0);
	snprintf(text, sizeof(text), "%s %s", argv[0], copy);
	return puts(text);
}
END

# Whether a program is made with these flags, without a word more than without them.
links() { # FLAGS...
	"$@" -o "$directory/probe" "$directory/probe.c" >"$directory/says" 2>&1 &&
		cmp -s "$directory/says" "$directory/said"
}

"$@" -o "$directory/probe" "$directory/probe.c" >"$directory/said" 2>&1

objects=
programs=
# The first two belong together: code that may lie anywhere, and a program that does.
if links "$@" -fPIE -pie; then
	objects=" -fPIE"
	programs=" -pie"
fi
for flag in -fstack-protector-strong "-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"; do
	# shellcheck disable=SC2086 # lists of flags
	links "$@" $objects $programs $flag && objects="$objects $flag"
done
for flag in -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack; do
	# shellcheck disable=SC2086
	links "$@" $objects $programs $flag && programs="$programs $flag"
done
# dlopen() has a library of its own in older C libraries. Xen's libraries have threads, which NetBSD loads
# into no program that was not linked with them.
libraries=
for flag in -ldl -lpthread; do
	# shellcheck disable=SC2086
	links "$@" $objects $programs $libraries $flag && libraries="$libraries $flag"
done
printf '%s\n' "${objects# }" "${programs# }" "${libraries# }"
