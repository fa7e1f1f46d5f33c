# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A dom0 that hid its devices already: not rebooted, boot.cfg untouched, the guest owns them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import testinfra

sys.path.insert(0, str(Path(__file__).parents[2] / "shared"))
from dom0 import guests, held

BOOT_CFG = (Path(__file__).parents[1] / "boot.cfg").read_text()


@pytest.fixture(scope="module")
def host():
    inventory = os.environ["MOLECULE_INVENTORY_FILE"]
    (found,) = testinfra.get_hosts(["dom0"], connection="ansible", ansible_inventory=inventory, force_ansible=True)
    return found


def test_boot_configuration_is_untouched(host):
    assert host.check_output("cat /boot.cfg") == BOOT_CFG.rstrip("\n")


def test_the_host_was_not_rebooted(host):
    assert host.check_output("cat /.machine/console.log").count("NetBSD/x86 BIOS Boot") == 1


def test_the_guest_owns_the_devices(host):
    assert held(host) == ["0000:00:05.0", "0000:00:09.0"]
    assert guests(host) == {"firewall": ["0000:00:05.0", "0000:00:09.0"]}


def test_the_unmanaged_guest_is_left_alone(host):
    assert "pci" not in host.check_output("cat /usr/pkg/etc/xen/storage")


def test_the_native_component_is_verified(host):
    assert host.run("/usr/local/sbin/pcibackctl selftest").rc == 0
    digest = host.check_output("sha256sum /usr/local/sbin/pcibackctl").split()[0]
    assert digest in host.check_output("cat /var/db/xen-pciback/native.json")
