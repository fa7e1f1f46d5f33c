#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: parts.sh NAME LIMIT MAKE [PART | --beside PART | --wait]...
#
# Runs targets of make one after the other, and says at its end how many seconds each took, and all of them beside
# LIMIT (seconds, 0 for none). What takes longer is said and is no failure: tests fail by what they find. The first part
# that fails ends the run.
#
# --beside runs a part in the background, with its output in build/logs/PART.log, which is shown at the end; --wait
# waits for it. That is for the Xen lab, whose emulated machine takes one processor at most.
#
# Each part says when it has ended how long it took: who sees a run that was cut off sees where its time went.
set -eu
name=$1
limit=$2
make=$3
shift 3
logs=$PWD/build/logs
times=$logs/$name.times
mkdir -p "$logs"
: >"$times"
begin=$(date +%s)
beside=
process=
failed=

interrupted() {
	[ -z "$process" ] || kill "$process" 2>/dev/null || true
	# Without its machine what it runs ends at once.
	[ "$beside" != ci-xen ] || python3 lab/xen_lab.py destroy || true
	exit 130
}
trap interrupted INT TERM

run() { # PART
	since=$(date +%s)
	status=0
	$make "$1" || status=$?
	now=$(date +%s)
	printf '%s %s %s\n' "$1" "$((now - since))" "$status" >>"$times"
	echo "=== $name: $1 took $((now - since)) s, and this run $((now - begin)) s so far"
	return "$status"
}

collect() {
	[ -n "$process" ] || return 0
	echo "=== waiting for $beside, which runs beside the others; see $logs/$beside.log"
	status=0
	wait "$process" || status=$?
	process=
	cat "$logs/$beside.log"
	echo "=== $name: $beside has ended, and this run took $(($(date +%s) - begin)) s so far"
	[ "$status" -eq 0 ] || failed="$failed $beside"
}

while [ $# -gt 0 ] && [ -z "$failed" ]; do
	case $1 in
	--beside)
		shift
		beside=$1
		run "$beside" >"$logs/$beside.log" 2>&1 &
		process=$!
		;;
	--wait) collect ;;
	*-setup)
		run "$1" || failed=" $1"
		# What follows may run beside each other, and builds nothing again.
		export SET_UP=1
		;;
	*) run "$1" || failed=" $1" ;;
	esac
	shift
done
collect
for part in $failed; do
	[ "$part" != "$beside" ] || # Who sees no more than the end of all this sees the reason.
		grep -aE 'FAILED|fatal:|LabError|\[0m E  ' "$logs/$beside.log" | tail -n 20 || true
done

total=$(($(date +%s) - begin))
echo
echo "$name: seconds"
while read -r part seconds status; do
	note=
	[ "$status" -eq 0 ] || note=failed
	[ "$part" != "$beside" ] || note="beside the others $note"
	printf '  %-20s %5d  %s\n' "$part" "$seconds" "$note"
done <"$times"
note=
if [ "$limit" -gt 0 ]; then
	note="of $limit"
	[ "$total" -le "$limit" ] || note="$note: TOO LONG for an idle machine of two processors"
fi
printf '  %-20s %5d  %s\n' total "$total" "$note"
[ -z "$failed" ] || { echo "failed:$failed" >&2; exit 1; }
