#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# What the native component has to stand for longer than `make test-native` takes: 10,080 random lives of guests, a minute
# of each fuzzer, every pair of a compiler and a make, gcc 10, 11 and 13 and clang 16 and 19 beside Debian 12's own, valgrind,
# other systems, a compiler that warns, and how many lines the unit tests run. Called by `make soak`.
set -eu
work=$PWD/build/soak-native
. tests/native_steps.sh

of_gcc() {
	step "gcc with make: build, check, install" build_check_install make gcc
	step "gcc with bmake: build, check, install" build_check_install bmake gcc
	step "gcc with AddressSanitizer and UndefinedBehaviorSanitizer" make_in bmake-gcc check-sanitize CC=gcc
	step "gcc -O1 for NetBSD: objects without a warning" netbsd_objects make -O1
	step "gcc -O3 for NetBSD: objects without a warning" netbsd_objects bmake -O3
	step "lines that the tests run" make_in make-gcc coverage
	step "zig cc -target x86_64-linux-musl with make: build, tests too" cross_build make x86_64-linux-musl
	step "gcc that warns: build, check and install of a user" build_with_warnings make gcc
	other_compiler gcc 10 bullseye
	other_compiler gcc 11 bookworm
	other_compiler gcc 13 trixie
}

of_clang() {
	step "clang with make: build, check, install" build_check_install make clang
	step "clang with bmake: build, check, install" build_check_install bmake clang
	step "pcibackd with the sanitizers and for valgrind" \
		make_in make-clang build/pcibackd-sanitize build/pcibackd-valgrind CC=gcc
	step "valgrind" make_in make-clang check-valgrind CC=gcc
	step "clang: objects for NetBSD, without a warning" clang_for_netbsd
	step "zig cc -target aarch64-netbsd with bmake: build, tests too" cross_build bmake aarch64-netbsd
	other_compiler clang 16 bookworm
	other_compiler clang 19 trixie
}

# Of each process the last eight lives are those during which it is told to stop.
first_lives() {
	step "5,040 random lives of guests, with the sanitizers" lives 1 5040 "$work/make-clang/build/pcibackd-sanitize"
}

other_lives() {
	step "5,040 others" lives 2 5040 "$work/make-clang/build/pcibackd-sanitize"
	step "160 random lives of guests, with valgrind" valgrind_lives 3 160 make-clang
}

side_by_side of_gcc of_clang
side_by_side first_lives other_lives
step "fuzzers, a minute each, four at a time" make_in make-gcc -j4 fuzz FUZZ_SECONDS=60
total "the native component"
