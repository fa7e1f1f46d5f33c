#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The native component with every compiler and make that it supports, under sanitizers and valgrind, 10,000 random lives
# of guests, and a minute of each fuzzer. Called by `make test-native`. Each build has a copy of the sources of its own.
set -eu
top=$PWD
work=$top/build/native
rm -rf "$work"
mkdir -p "$work"

step() {
	printf '=== %s\n' "$*"
}

copy() { # NAME
	mkdir -p "$work/$1"
	(cd native && tar -cf - --exclude=./build .) | tar -xf - -C "$work/$1"
}

for make in make bmake; do
	for cc in gcc clang; do
		step "$cc with $make: build, check, install"
		copy "$make-$cc"
		(
			cd "$work/$make-$cc"
			$make CC="$cc"
			$make check CC="$cc"
			$make install CC="$cc" PREFIX=/usr/pkg DESTDIR="$work/$make-$cc/stage"
			test -x stage/usr/pkg/sbin/pcibackctl
			build/pcibackd --version
		) >"$work/$make-$cc.log" 2>&1 || { cat "$work/$make-$cc.log"; exit 1; }
	done
done

for target in x86_64-netbsd aarch64-netbsd x86_64-linux-musl; do
	case $target in
	*-netbsd) make="bmake" ;;
	*) make="make" ;;
	esac
	step "zig cc -target $target with $make: build, tests too"
	copy "zig-$target"
	$make -C "$work/zig-$target" CC="python -m ziglang cc -target $target" all build/unit-tests build/backend-tests \
		>"$work/zig-$target.log" 2>&1 || { cat "$work/zig-$target.log"; exit 1; }
done

cd "$work/make-gcc"
for cc in gcc clang; do
	step "$cc with AddressSanitizer and UndefinedBehaviorSanitizer"
	make check-sanitize CC="$cc"
done
lives() { # SEED LIVES PCIBACKD
	(cd "$top" && python -m tests.simulator --seed "$1" --lives "$2" --pcibackd "$3")
}

# Of each process the last eight lives are those during which it is told to stop.
step "10,000 random lives of guests, with the sanitizers, from two seeds side by side"
lives 1 5040 "$work/make-gcc/build/pcibackd-sanitize" >"$work/lives-1.log" 2>&1 &
first=$!
lives 2 5040 "$work/make-gcc/build/pcibackd-sanitize"
wait $first || { cat "$work/lives-1.log"; exit 1; }
tail -n 20 "$work/lives-1.log"
step "valgrind"
make check-valgrind
make build/pcibackd-valgrind
lives 3 160 "valgrind --quiet --error-exitcode=9 --leak-check=full $work/make-gcc/build/pcibackd-valgrind"
step "lines that the tests run"
make coverage
step "fuzzers, a minute each, four at a time"
make -j4 fuzz FUZZ_SECONDS=60
