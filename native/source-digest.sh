#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
#
# Prints the digest that names a state of the sources: the SHA-256 of the lines
# "<SHA-256 of the file>  <its path>", sorted by path, for every file below the directory $1
# (default: this script's) but those in build/. Needs one of sha256sum (Linux), sha256 (BSD),
# cksum -a sha256 (NetBSD) or openssl.

set -eu
LC_ALL=C
export LC_ALL
cd -- "${1:-$(dirname -- "$0")}"

if command -v sha256sum >/dev/null 2>&1; then
	sum() { sha256sum; }
elif command -v sha256 >/dev/null 2>&1; then
	sum() { sha256; }
elif printf '' | cksum -a sha256 >/dev/null 2>&1; then
	sum() { cksum -a sha256; }
elif command -v openssl >/dev/null 2>&1; then
	sum() { openssl dgst -sha256 | sed 's/.* //'; }
else
	echo "source-digest.sh: none of sha256sum, sha256, cksum -a sha256 and openssl is here" >&2
	exit 1
fi

digest() {
	line=$(sum)
	printf '%s' "${line%% *}"
}

find . -path ./build -prune -o -type f -print | sed 's,^\./,,' | sort |
    while IFS= read -r file; do
	printf '%s  %s\n' "$(digest <"$file")" "$file"
    done | digest
echo
