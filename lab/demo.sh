#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The demonstration: a fresh embedded dom0 and site.yml, without a reboot, then with the kernel's backend. Called by
# `make demo`, which sets the environment.
set -eu
dom0=build/lab/dom0
before=build/demo-boot.cfg
log=build/demo.log

step() {
	printf '\n=== %s\n\n' "$*"
}

run() { # what the recap must say, and options of ansible-playbook: a whole run, whose output is in $log
	says=$1
	shift
	# Its compiler has no time to lose on programs that run for seconds.
	ansible-playbook -i inventories/lab site.yml --extra-vars pciback_native_cflags=-O0 "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }
	if ! grep -Eq "^dom0 .*$says" "$log"; then
		cat "$log"
		echo "The recap does not say '$says'." >&2
		exit 1
	fi
}

report() { # what the run says in the end
	sed -n 's/^ *"\(.*\)",*$/\1/; /^address /,/as wanted\|undone/p' "$log" | grep -v '^warning: '
	sed -n '/^PLAY RECAP/,$p' "$log"
}

boots_are() { # NUMBER: how often the machine has booted until now
	python lab/dom0.py status "$dom0" --json | grep "\"boot\": $1[,}]" >/dev/null || {
		echo "The machine has not booted $1 times." >&2
		exit 1
	}
}

on_dom0() {
	lab/enter "$dom0/root" -- "$@"
}

guests_are_served() { # wait until both guests have connected to pcibackd
	for _ in $(seq 150); do
		[ "$(on_dom0 /usr/local/sbin/pcibackctl status 2>/dev/null | grep -c connected)" = 2 ] && return
		sleep 0.2
	done
	python lab/dom0.py console "$dom0" | tail -20
	echo "The guests have not got their devices." >&2
	exit 1
}

step "A fresh embedded dom0: a PC with nine network cards, two guests defined, nothing hidden"
# Without the arguments for a serial console, so that the entry has room for a second list.
mkdir -p build
cat >"$before" <<'END'
menu=Boot Xen dom0:load /netbsd-XEN3_DOM0.gz console=xencons;multiboot /xen.gz dom0_mem=512M
menu=Boot NetBSD:boot netbsd
menu=Drop to boot prompt:prompt
default=1
timeout=5
clear=1
END
python lab/dom0.py create "$dom0" --force --bus pc-nine-nics --firmware native/build/pcibackctl \
	--guest firewall --guest storage --boot-cfg "$before"
# The host starts both guests by itself when it boots.
echo 'xendomains="firewall storage"' >>"$dom0/root/etc/rc.conf"
cat "$before"

step "First run: plan, build and start pcibackd, take three devices from dom0, start the guests with them, verify"
run 'unreachable=0 +failed=0' --diff
cat "$log"
boots_are 1

step "Second run: nothing to do"
rm -f build/demo-verbose.log
ANSIBLE_LOG_PATH=build/demo-verbose.log ANSIBLE_LOG_VERBOSITY=3 run 'changed=0 +unreachable=0 +failed=0'
report
echo "Modules that were executed on the host: $(grep -c 'Using module file' build/demo-verbose.log)"

step "One device moves from the firewall to the storage guest; both run on"
run 'unreachable=0 +failed=0' --extra-vars @lab/demo-moved.yml
report
boots_are 1

step "A power failure; then, without the controller"
python lab/dom0.py reboot "$dom0"
guests_are_served
on_dom0 /usr/local/sbin/pcibackctl status

step "The same with pciback(4), the backend in NetBSD's kernel: one reboot, a trial that the run confirms"
run 'unreachable=0 +failed=0' --extra-vars "pciback_backend=kernel pciback_reboot=when_needed"
grep -A 1 '^TASK .* Confirm the trial, and hide' "$log"
report
boots_are 3

step "All given back"
run 'unreachable=0 +failed=0' --extra-vars "pciback_state=absent pciback_reboot=when_needed"
report
cmp "$before" "$dom0/root/boot.cfg"
echo "boot.cfg is what it was, byte for byte."
