#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
#
# Prints how many lines of each file below core/ the unit tests run, and fails when it is less than
# 95 of 100 altogether. $1 is the directory where they were compiled with --coverage; they ran.

set -eu
cd -- "$1"
${GCOV:-gcov} -n ./*.gcda 2>/dev/null | awk '
	/^File / { file = $2; gsub("\047", "", file) }
	/^Lines executed:/ && sub(".*/core/", "core/", file) {
		split($0, number, "[:%]")
		lines = $NF
		run += number[2] * lines / 100
		all += lines
		printf "%-28s %6.1f %% of %4d lines\n", file, number[2], lines
		file = ""
	}
	END {
		if (all == 0) { print "nothing was measured"; exit 1 }
		printf "%-28s %6.1f %% of %4d lines\n", "core/", 100 * run / all, all
		exit run < 0.95 * all
	}'
