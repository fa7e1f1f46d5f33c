# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dom0 from nothing: rebooted once, its devices are where the owner wants them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import testinfra

sys.path.insert(0, str(Path(__file__).parents[2] / "shared"))
from dom0 import guests, held

BOOT_CFG = (Path(__file__).parents[1] / "boot.cfg").read_text()
HIDDEN = ["0000:00:05.0", "0000:00:06.0", "0000:00:09.0", "0000:00:0a.0"]


@pytest.fixture(scope="module")
def host():
    inventory = os.environ["MOLECULE_INVENTORY_FILE"]
    (found,) = testinfra.get_hosts(["dom0"], connection="ansible", ansible_inventory=inventory, force_ansible=True)
    return found


def test_rebooted_exactly_once(host):
    """By default on trial, which costs no further boot once it is confirmed."""
    console = host.check_output("cat /.machine/console.log")
    assert console.count("NetBSD/x86 BIOS Boot") == 2
    assert console.count("trial: Xen resets this host in 600 seconds") == 1
    assert not host.file("/etc/xen-pciback").exists


def test_the_kernel_holds_exactly_the_wanted_devices(host):
    assert held(host) == HIDDEN


def test_the_model_predicts_the_same_for_the_next_boot(host):
    prediction = json.loads(host.check_output("/usr/local/sbin/pcibackctl boot --config /boot.cfg --json"))
    assert (prediction["outcome"], sorted(prediction["claims"])) == ("registered", HIDDEN)


def test_each_guest_owns_its_devices(host):
    assert guests(host) == {"firewall": ["0000:00:05.0", "0000:00:0a.0"], "storage": ["0000:00:09.0"]}


def test_everything_else_of_the_boot_configuration_survives(host):
    now = host.check_output("cat /boot.cfg").splitlines()
    before = BOOT_CFG.splitlines()
    assert [line for line in before if not line.startswith("menu=Boot Xen")] == [
        line for line in now if not line.startswith("menu=Boot Xen")
    ]


def test_the_previous_list_stays_bootable_and_is_not_the_default(host):
    prediction = json.loads(host.check_output("/usr/local/sbin/pcibackctl boot --config /boot.cfg --json"))
    previous = [entry for entry in prediction["entries"] if entry["title"].endswith("(previous pciback)")]
    assert [entry["default"] for entry in previous] == [False]
    number = previous[0]["number"]
    again = host.run(f"/usr/local/sbin/pcibackctl boot --config /boot.cfg --entry {number} --json")
    assert json.loads(again.stdout)["outcome"] == "empty"


def test_backups_hold_what_was_there(host):
    (name,) = host.check_output("ls /").split("boot.cfg.")[1:]
    assert host.check_output(f"cat /boot.cfg.{name.split()[0]}") == BOOT_CFG.rstrip("\n")
