#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What tests/native.sh and tests/soak_native.sh are made of; they source it with `work` set to a directory to work in.
# Two rows of steps run side by side, and each build has a copy of the sources of its own.
# shellcheck disable=SC2154 # work

top=$PWD
started=$(date +%s)
rm -rf "$work"
mkdir -p "$work"

# Run a command; print how long it took, or what it printed and the end of its row. Its output is kept in $work.
step() { # NAME COMMAND...
	name=$1
	shift
	begin=$(date +%s)
	log=$work/$(printf %s "$name" | tr -c 'a-zA-Z0-9' '-').log
	# In the background, because a command of a condition would not end at its first failure.
	(
		set -eu
		"$@"
	) >"$log" 2>&1 &
	if wait $!; then
		printf '%5d s  %s\n' $(($(date +%s) - begin)) "$name"
	else
		cat "$log"
		printf 'FAILED   %s\n' "$name"
		exit 1
	fi
}

# Run two functions, each a row of steps, side by side.
side_by_side() { # ROW ROW
	# Processes in the background ignore an interrupt by themselves.
	trap 'trap - INT; kill -INT 0' INT
	("$1") &
	first=$!
	("$2") &
	second=$!
	failed=0
	wait $first || failed=1
	wait $second || failed=1
	trap - INT
	[ $failed = 0 ] || exit 1
}

total() { # NAME
	printf '%5d s  %s altogether\n' $(($(date +%s) - started)) "$1"
}

# The sources as they are, in $work/NAME.
copy() { # NAME
	mkdir -p "$work/$1"
	(cd "$top/native" && tar -cf - --exclude=./build .) | tar -xf - -C "$work/$1"
}

build_check_install() { # MAKE CC
	copy "$1-$2"
	cd "$work/$1-$2"
	"$1" CC="$2"
	"$1" check CC="$2"
	"$1" install CC="$2" PREFIX=/usr/pkg DESTDIR="$PWD/stage"
	test -x stage/usr/pkg/sbin/pcibackctl
	test ! -e stage/usr/pkg/sbin/pcibackd-simulated
	build/pcibackd --version
}

# A user's compiler warns of what nobody here has seen: that is shown, and ends only what developers run.
build_with_warnings() { # MAKE CC
	copy "warns-$1"
	cd "$work/warns-$1"
	"$1" control CC="$2 -Wpadded" CFLAGS=-O0
	grep -q Wpadded build/objects/core/json.o.says
	"$1" check-control CC="$2 -Wpadded" CFLAGS=-O0
	"$1" install CC="$2 -Wpadded" CFLAGS=-O0 PREFIX=/usr/pkg DESTDIR="$PWD/stage"
	test -x stage/usr/pkg/sbin/pcibackctl
	if "$1" check CC="$2 -Wpadded" CFLAGS=-O0 >check.log 2>&1; then
		echo "make check takes warnings"
		exit 1
	fi
	grep -q "^these are warnings, and none is allowed" check.log
}

# NetBSD's own compiler is a gcc, which warns of other things than clang and only when it optimizes: its objects, with
# the C library's headers that zig has of NetBSD, linked to nothing.
netbsd_objects() { # MAKE LEVEL
	copy "gcc-netbsd$2"
	cd "$work/gcc-netbsd$2"
	headers=$(python -c 'import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), "lib/libc/include"))')
	compiler="gcc -U__linux__ -U__linux -U__gnu_linux__ -D__NetBSD__ -nostdinc -isystem $headers/x86_64-netbsd-none"
	compiler="$compiler -isystem $headers/generic-netbsd -isystem $(gcc -print-file-name=include)"
	objects=$(find core model os cli daemon trial -name '*.c' | sed 's,\(.*\)\.c$,build/objects/\1.o,')
	# shellcheck disable=SC2086 # a list of objects
	"$1" CC="$compiler" CFLAGS="$2" $objects
	test -s build/objects/os/bus_netbsd.o
	warnings=$(find build/objects -name '*.says' -size +0)
	[ -z "$warnings" ] || {
		echo "gcc warns of $warnings"
		exit 1
	}
}

cross_build() { # MAKE TARGET
	copy "zig-$2"
	cd "$work/zig-$2"
	"$1" CC="python -m ziglang cc -target $2" all build/unit-tests build/backend-tests
}

# In the copy NAME.
make_in() { # NAME ARGUMENT...
	name=$1
	shift
	make -C "$work/$name" "$@"
}

lives() { # SEED LIVES PCIBACKD
	cd "$top"
	python -m tests.simulator --seed "$1" --lives "$2" --pcibackd "$3"
}

valgrind_lives() { # SEED LIVES NAME
	lives "$1" "$2" "valgrind --quiet --error-exitcode=9 --leak-check=full $work/$3/build/pcibackd-valgrind"
}
