#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
#
# usage: layers.sh DIRECTORY...
#
# Checks that the calls between the C files of these directories, which are named from the bottom up, go one way: none
# to a directory above, and no file calls another that calls it, by whatever way. A function is known by its definition,
# whose name begins a line. Prints the calls that go up, and the files of each circle.

set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

find "$@" -name '*.c' | sort >"$work/files"
# Which file defines what, without comments; `s` for static ones.
# shellcheck disable=SC2016 # awk's variables
xargs awk <"$work/files" '
FNR == 1 { comment = 0; last = "" }
{
	line = $0
	while (1) {
		if (comment) {
			if (!match(line, /\*\//)) { line = ""; break }
			line = substr(line, RSTART + 2)
			comment = 0
		}
		if (!match(line, /\/\*/)) break
		rest = substr(line, RSTART + 2)
		line = substr(line, 1, RSTART - 1)
		if (match(rest, /\*\//)) line = line " " substr(rest, RSTART + 2)
		else comment = 1
	}
	gsub(/"([^"\\]|\\.)*"/, "", line)
	if (match(line, /^[a-z_][a-z0-9_]*\(/) && line !~ /;$/ && line !~ /^__attribute__/) {
		name = substr(line, 1, RLENGTH - 1)
		print (last ~ /(^|[ ])static( |$)/ ? "static" : "global"), FILENAME, name
	}
	if (line !~ /^(#|__attribute__)/ && line !~ /^[ \t]*$/) last = line
	while (match(line, /[A-Za-z_][A-Za-z0-9_]*/)) {
		print "uses", FILENAME, substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
	}
}' >"$work/words"
awk '
$1 == "global" { definers[$3] = definers[$3] " " $2 }
# Its own is not called elsewhere: a static one, or one of several for different systems.
$1 != "uses" { own[$2, $3] = 1 }
$1 == "uses" { uses[$2, $3] = 1 }
END {
	for (pair in uses) {
		split(pair, part, SUBSEP)
		if (own[part[1], part[2]]) continue
		n = split(definers[part[2]], files, " ")
		for (i = 1; i <= n; i++)
			if (files[i] != part[1]) print part[1], files[i]
	}
}' "$work/words" | sort -u >"$work/calls"
test -s "$work/calls" || { echo "layers.sh: no calls between files; it reads them wrongly" >&2; exit 1; }
failed=0
awk -v directories="$*" '
BEGIN { n = split(directories, names, " "); for (i = 1; i <= n; i++) height[names[i]] = i }
{
	split($1, caller, "/")
	split($2, called, "/")
	if (height[called[1]] > height[caller[1]]) print "  " $1 " calls " $2
}' "$work/calls" >"$work/up"
if [ -s "$work/up" ]; then
	echo "these calls go up:" >&2
	cat "$work/up" >&2
	failed=1
fi
tsort "$work/calls" >/dev/null 2>"$work/circles" || :
if [ -s "$work/circles" ]; then
	echo "these files call each other in a circle:" >&2
	sed -n 's/^tsort: \(.*\.c\)$/  \1/p' "$work/circles" >&2
	failed=1
fi
exit $failed
