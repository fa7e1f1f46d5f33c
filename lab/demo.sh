#!/bin/sh
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The demonstration: a fresh embedded dom0, site.yml twice. Called by `make demo`, which sets the environment.
set -eu
dom0=build/lab/dom0
log=build/demo.log

step() {
	printf '\n=== %s\n\n' "$*"
}

recap_is() { # PATTERN: what the last recap must say
	if ! grep -Eq "^dom0 .*$1" "$log"; then
		echo "The recap does not say '$1'; the output is in $log." >&2
		exit 1
	fi
}

step "A fresh embedded dom0: a PC with nine network cards, two guests defined, nothing hidden"
python lab/dom0.py create "$dom0" --force --bus pc-nine-nics --firmware native/build/pcibackctl \
	--guest firewall --guest storage
cat "$dom0/root/boot.cfg"

step "First run: plan, build pcibackctl, hide three devices, predict, reboot, start the guests, verify"
ansible-playbook -i inventories/lab site.yml --diff >"$log" 2>&1 || { cat "$log"; exit 1; }
cat "$log"
recap_is 'unreachable=0 +failed=0'

step "Second run: nothing to do"
rm -f build/demo-verbose.log
ANSIBLE_LOG_PATH=build/demo-verbose.log ANSIBLE_LOG_VERBOSITY=3 \
	ansible-playbook -i inventories/lab site.yml >"$log" 2>&1 || { cat "$log"; exit 1; }
cat "$log"
recap_is 'changed=0 +unreachable=0 +failed=0'
echo "Modules that were executed on the host: $(grep -c 'Using module file' build/demo-verbose.log)"

step "What is where"
sed -n 's/^ *"\(.*\)",*$/\1/; /^address /,/as wanted/p' "$log"
echo
lab/enter "$dom0/root" -- /usr/pkg/sbin/xl list
