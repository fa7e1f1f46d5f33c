#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
#
# usage: rules.sh FILE "VARIANT..." SOURCE...
#
# Writes make's rules for the objects of all sources, for each variant: build/VARIANT/core/bus.o of
# core/bus.c, by the command in the variable COMPILE_VARIANT; and those of the fuzzers. No rule for
# files in any directory is understood by both makes.
#
# An object depends on every header, so that one that changed is never missed, and on the command
# that made it. What the compiler said of it is shown, and kept beside it for `make check`.

# shellcheck disable=SC2016 # make's variables

set -eu
file=$1
variants=$2
shift 2
mkdir -p build

# VARIANT SOURCE
object() {
	needs=build/$1/command
	flags=
	case $2 in
	tests/* | testing/* | fuzz/* | bench/*)
		flags=' $(TEST_INCLUDES)'
		;;
	cli/version.c | daemon/answer.c)
		needs="$needs build/source-digest"
		flags=' $(DIGEST)'
		;;
	esac
	printf '%s: %s %s $(HEADERS)
	@mkdir -p $(@D)
	$(COMPILE_%s)%s -c -o $@ %s 2>$@.says || { cat $@.says >&2; exit 1; }
	@cat $@.says >&2

' "build/$1/${2%.c}.o" "$2" "$needs" "$1" "$flags" "$2"
}

# SOURCE
fuzzer() {
	name=${1#fuzz/fuzz_}
	name=$(echo "${name%.c}" | tr _ -)
	dictionary=
	[ ! -f "fuzz/$name.dict" ] || dictionary=" -dict=fuzz/$name.dict"
	object fuzz "$1"
	printf 'build/fuzz-%s: build/flags $(FUZZED:%%.c=build/fuzz/%%.o) build/fuzz/%s.o
	$(LINK_fuzz) -o $@ $(FUZZED:%%.c=build/fuzz/%%.o) build/fuzz/%s.o $(LOADING)

fuzz-%s: build/fuzz-%s
	@mkdir -p build/corpus/%s
	./build/fuzz-%s $(RUN_FUZZ)%s build/corpus/%s fuzz/corpus/%s

' "$name" "${1%.c}" "${1%.c}" "$name" "$name" "$name" "$name" "$dictionary" "$name" "$name"
	fuzzers="$fuzzers fuzz-$name"
}

{
	echo "HEADERS = $(find . -path ./build -prune -o -name '*.h' -print | sed 's,^\./,,' | sort | tr '\n' ' ')"
	sources=$(printf '%s\n' "$@" | sort -u)
	for variant in $variants; do
		# The command that is installed has the compiler's flags in it.
		needs=always
		[ "$variant" != objects ] || needs='always build/flags'
		printf 'build/%s/command: %s
	@mkdir -p $(@D)
	@new=$@.$$$$; echo $(COMPILE_%s) >$$new; if cmp -s $$new $@; then rm $$new; else mv -f $$new $@; fi

' "$variant" "$needs" "$variant"
		for source in $sources; do
			object "$variant" "$source"
		done
	done
	fuzzers=
	for source in fuzz/fuzz_*.c; do
		fuzzer "$source"
	done
	echo "FUZZERS =$fuzzers"
} >"$file.$$"
mv -f "$file.$$" "$file"
