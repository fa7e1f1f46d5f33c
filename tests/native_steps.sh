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

# What a compiler for Linux needs to take the sources as NetBSD's.
FOR_NETBSD="-U__linux__ -U__linux -U__gnu_linux__ -D__NetBSD__"

# Where zig keeps the headers of C libraries.
netbsd_headers() {
	python -c 'import os, ziglang; print(os.path.join(os.path.dirname(ziglang.__file__), "lib/libc/include"))'
}

# NetBSD's headers instead of the system's, and the compiler's own.
of_netbsd() { # HEADERS OWN
	echo "-nostdinc -isystem $1/x86_64-netbsd-none -isystem $1/generic-netbsd -isystem $2"
}

# The sources of what is installed.
product_sources() {
	find core model os cli daemon trial -name '*.c'
}

# NetBSD's own compiler is a gcc, which warns of other things than clang and only when it optimizes: its objects, with
# the C library's headers that zig has of NetBSD, linked to nothing.
netbsd_objects() { # MAKE LEVEL
	copy "gcc-netbsd$2"
	cd "$work/gcc-netbsd$2"
	compiler="gcc $FOR_NETBSD $(of_netbsd "$(netbsd_headers)" "$(gcc -print-file-name=include)")"
	objects=$(product_sources | sed 's,\(.*\)\.c$,build/objects/\1.o,')
	# shellcheck disable=SC2086 # a list of objects
	"$1" CC="$compiler" CFLAGS="$2" $objects
	test -s build/objects/os/bus_netbsd.o
	warnings=$(find build/objects -name '*.says' -size +0)
	[ -z "$warnings" ] || {
		echo "gcc warns of $warnings"
		exit 1
	}
}

# The flags of a compiler that makes objects as users do, by the Makefile and native/flags.sh, and takes no warning: some
# are only seen by who optimizes.
making() {
	# shellcheck disable=SC2016 # make's variables
	flags=$(printf 'include Makefile\nnames:\n\t@echo $(STANDARD) $(WARNINGS) $(INCLUDES)\n' | make -s -f - names)
	flags="$flags -Werror -O2 -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
	printf '%s\n' "$flags -DPCIBACK_SOURCE_SHA256=\"\" -c"
}

# Objects of what is installed, by clang, for NetBSD.
clang_for_netbsd() {
	copy clang-netbsd
	cd "$work/clang-netbsd"
	# shellcheck disable=SC2046 # lists of flags and files
	clang -target x86_64-unknown-netbsd $(of_netbsd "$(netbsd_headers)" "$(clang -print-resource-dir)/include") \
		$(making) $(product_sources)
	test -s bus_netbsd.o
}

# A compiler that another release of Debian has, with its C library, unpacked and not installed. Where its packages can't be
# had there is none afterwards.
unpack_compiler() { # NAME-VERSION RELEASE
	# shellcheck disable=SC1091,SC2016 # says VERSION_CODENAME; the fields are apt-get's
	archive=$(. /etc/os-release && apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		'Component: main' "Release: $VERSION_CODENAME" | head -n 1) || archive=
	mmdebstrap --quiet --variant=extract --aptopt='APT::Install-Recommends "false"' \
		--dpkgopt='path-exclude=/usr/share/*' --dpkgopt='path-exclude=*/lto1' --dpkgopt='path-exclude=*.a' \
		--include="$1,libc6-dev" "$2" "$work/$1" "$archive" || rm -rf "${work:?}/$1"
}

# What such a compiler needs to take the sources as NetBSD's.
netbsd_of() { # NAME-VERSION
	case $1 in
	gcc-*) printf '%s ' "$FOR_NETBSD" && of_netbsd /headers "/usr/lib/gcc/x86_64-linux-gnu/${1#gcc-}/include" ;;
	clang-*)
		printf '%s ' -target x86_64-unknown-netbsd
		of_netbsd /headers "/usr/lib/llvm-${1#clang-}/lib/clang/${1#clang-}/include"
		;;
	esac
}

# Objects of what is installed, by that compiler, for Linux and for NetBSD.
without_warning() { # NAME-VERSION
	tree=$work/$1
	# Where the release has these below /usr, the package that links them is not there.
	[ -e "$tree/lib" ] || ln -s usr/lib "$tree/lib"
	[ -e "$tree/lib64" ] || ln -s usr/lib64 "$tree/lib64"
	copy "$1/native"
	mkdir "$tree/headers"
	for headers in x86_64-netbsd-none generic-netbsd; do
		cp -R "$(netbsd_headers)/$headers" "$tree/headers"
	done
	cd "$tree/native"
	sources=$(product_sources)
	test -n "$sources"
	entered=
	[ "$(id -u)" -eq 0 ] || entered=--map-root-user
	flags=$(making)
	for system in "" "$(netbsd_of "$1")"; do
		rm -f ./*.o
		# shellcheck disable=SC2086 # lists of flags and files
		unshare $entered --root="$tree" --wd=/native "/usr/bin/$1" $flags $system $sources
		test -s bus_netbsd.o
	done
	cd "$top"
	rm -rf "$tree"
}

# A compiler that the system has not; a release that its archive no longer has ends nothing, but is said.
other_compiler() { # NAME VERSION RELEASE
	step "$1 $2, of the packages of $3: unpack" unpack_compiler "$1-$2" "$3"
	if [ -d "$work/$1-$2" ]; then
		step "$1 $2: objects for Linux and for NetBSD, without a warning" without_warning "$1-$2"
	else
		printf 'not tried  %s %s: the packages of %s could not be had\n' "$1" "$2" "$3"
	fi
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
