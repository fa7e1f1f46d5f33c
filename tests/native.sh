#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The native component with both compilers and both makes, under sanitizers, for NetBSD, with some lives of guests and a
# second of each fuzzer. Called by `make test-native`; valgrind, and each compiler with each make and with its
# sanitizers, are in soak_native.sh.
set -eu
work=$PWD/build/native
. tests/native_steps.sh

of_gcc_and_for_other_systems() {
	step "gcc with make: build, check, install" build_check_install make gcc
	step "gcc -O2 for NetBSD: objects without a warning" netbsd_objects make -O2
	step "zig cc -target x86_64-netbsd with bmake: build, tests too" cross_build bmake x86_64-netbsd
}

of_clang() {
	copy bmake-clang
	step "clang with AddressSanitizer and UndefinedBehaviorSanitizer" make_in bmake-clang check-sanitize CC=clang
	step "200 random lives of guests, with the sanitizers" lives 1 200 "$work/bmake-clang/build/pcibackd-sanitize"
}

side_by_side of_gcc_and_for_other_systems of_clang
step "fuzzers, their corpora and a second each, two at a time" make_in make-gcc -j2 fuzz FUZZ_SECONDS=1
total "the native component"
