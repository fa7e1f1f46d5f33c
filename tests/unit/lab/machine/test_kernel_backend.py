# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's backend with NetBSD's own toolstack: what works with files of Linux, and what it costs."""

from __future__ import annotations

import pytest

from tests.unit.lab.conftest import Host

BOOT = "menu=Xen:load /netbsd-XEN3_DOM0.gz pciback.hide=(00:05.0)(00:09.0);multiboot /xen.gz\ntimeout=1\n"


@pytest.fixture
def hidden(host: Host) -> Host:
    """Two devices hidden, with the files that libxl opens."""
    host.create("--toolstack", "netbsd", "--guest", "firewall", boot_cfg=BOOT)
    for address, irq in (("0000:00:05.0", 10), ("0000:00:09.0", 17)):
        folder = host.root / "sys/bus/pci/devices" / address
        folder.mkdir(parents=True)
        (folder / "resource").write_text("")
        (folder / "irq").write_text(f"{irq}\n")
    return host


def create(host: Host, *options: str) -> str:
    done = host.run(
        "/usr/pkg/sbin/xl", "create", "-q", *options, "/usr/pkg/etc/xen/firewall", "pci=['00:05.0','00:09.0']"
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_of_two_devices_the_first_one_arrives(hidden: Host) -> None:
    said = create(hidden)
    assert said.count("doesn't support reset from sysfs") == 2
    domain = hidden.state["domains"][0]
    assert [entry["address"] for entry in domain["pci"]] == ["0000:00:05.0", "0000:00:09.0"]
    assert domain["sees"] == ["10ec:8139"]
    destroyed = hidden.tool("xl destroy firewall")
    assert destroyed.returncode == 0
    assert destroyed.stderr.count("Backend /local/domain/0/backend/pci/1/0 not ready") == 2


def test_a_guest_that_ends_before_it_has_connected_takes_dom0_down(hidden: Host) -> None:
    create(hidden, "-p")
    assert hidden.tool("xl destroy firewall").returncode == 255
    assert "panic: trap\n" in hidden.console
    assert hidden.status()["boot"] == 2
    # One that has been unpaused does no harm.
    create(hidden, "-p")
    assert hidden.tool("xl unpause firewall").returncode == 0
    assert hidden.tool("xl destroy firewall").returncode == 0
    assert hidden.status()["boot"] == 2


def test_without_the_interrupts_file_libxl_goes_on_and_with_a_wrong_number_it_does_not(hidden: Host) -> None:
    irq = hidden.root / "sys/bus/pci/devices/0000:00:05.0/irq"
    irq.unlink()
    assert "Couldn't open /sys/bus/pci/devices/0000:00:05.0/irq: No such file or directory" in create(hidden)
    hidden.tool("xl destroy firewall")
    irq.write_text("11\n")
    refused = hidden.run("/usr/pkg/sbin/xl", "create", "/usr/pkg/etc/xen/firewall", "pci=['00:05.0']")
    assert refused.returncode == 3
    assert "xc_domain_irq_permission irq=11 (error=-1): Operation not permitted" in refused.stderr
