#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
#
# Prints how many lines of each file below core/ the unit tests run, and fails when it is less than
# 95 of 100 altogether. The argument is the directory of the objects that were compiled with
# --coverage; what was linked of them ran.

set -eu
find "$1/core" -name '*.gcda' -exec "${GCOV:-gcov}" -n {} + 2>/dev/null | awk '
	/^File / { file = $2; gsub("\047", "", file) }
	/^Lines executed:/ && file ~ "^core/" {
		split($0, number, "[:%]")
		lines[file] = $NF
		percent[file] = number[2]
		file = ""
	}
	END {
		for (file in lines) {
			run += percent[file] * lines[file] / 100
			all += lines[file]
			printf "%-28s %6.1f %% of %4d lines\n", file, percent[file], lines[file] | "sort"
		}
		close("sort")
		if (all == 0) { print "nothing was measured"; exit 1 }
		printf "%-28s %6.1f %% of %4d lines\n", "core/", 100 * run / all, all
		exit run < 0.95 * all
	}'
