#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
#
# Prints what each operation of the benchmark $1 costs, a name and a number a line: nanoseconds and,
# where valgrind is installed, instructions.

set -eu
repeats=2560
"$1"
command -v valgrind >/dev/null 2>&1 || exit 0
profile=$1.callgrind
valgrind --quiet --tool=callgrind --callgrind-out-file="$profile" "$1" "$repeats" >/dev/null
# Costs with those of all that is called; each operation runs in five rounds.
callgrind_annotate --inclusive=yes --threshold=100 "$profile" |
    sed -n 's/^ *\([0-9,]*\) .*:operation_\([a-z0-9_]*\).*/\1 \2/p' | tr -d , |
    awk -v runs="$((5 * repeats))" \
    '!($2 in seen) { seen[$2] = 1; printf "native.%s.instructions %.1f\n", $2, $1 / runs }'
