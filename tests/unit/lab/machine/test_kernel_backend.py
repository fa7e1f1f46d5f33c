# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's backend: what works with files of Linux, what pcibackctl can do, and what a guest costs that never connects."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from machine import kernel_backend
from machine.state import Machine

from tests.unit.lab.conftest import Host

BOOT = "menu=Xen:load /netbsd-XEN3_DOM0.gz pciback.hide=(00:05.0)(00:09.0);multiboot /xen.gz\ntimeout=1\n"


@pytest.fixture
def hidden(host: Host) -> Host:
    """Two devices hidden, with the files that libxl opens."""
    host.create("--guest", "firewall", boot_cfg=BOOT)
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


def test_an_interrupt_is_told_as_long_as_a_message_is_left(hidden: Host) -> None:
    machine = Machine.outside(str(hidden.directory))
    machine.load()
    assert kernel_backend.hidden(machine) == "0000:00:05.0=10 0000:00:09.0=17"
    (hidden.root / "var/run/dmesg.boot").unlink()
    assert kernel_backend.hidden(machine) == "0000:00:05.0=10 0000:00:09.0=17"
    (hidden.directory / "machine/msgbuf").write_text("")
    assert kernel_backend.hidden(machine) == "0000:00:05.0= 0000:00:09.0="


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


FIRST, SECOND = "0000:00:05.0", "0000:00:09.0"


@pytest.fixture
def with_pcibackctl(host: Host) -> Host:
    """The same two devices, without files of Linux but with pcibackctl; guest storage finds no devices."""
    host.create("--guest", "firewall", "--guest", "storage", "--no-frontend", "storage", boot_cfg=BOOT)
    shutil.copy(host.firmware, host.root / "usr/local/sbin/pcibackctl")
    return host


def ctl(host: Host, command: str, *words: str) -> subprocess.CompletedProcess[str]:
    return host.run("/usr/local/sbin/pcibackctl", command, "--backend", "kernel", *words)


def give(host: Host, guest: str, domain: int, *devices: str) -> None:
    made = host.run("/usr/pkg/sbin/xl", "create", "-q", "-p", f"/usr/pkg/etc/xen/{guest}", "pci=[]")
    assert made.returncode == 0, made.stderr
    given = ctl(host, "attach", "--domain", str(domain), "--allow", "no-reset,shared-irq", *devices)
    assert given.returncode == 0, given.stderr


def test_of_nodes_that_are_written_at_once_all_devices_arrive(with_pcibackctl: Host) -> None:
    give(with_pcibackctl, "firewall", 1, FIRST, SECOND)
    assert ctl(with_pcibackctl, "status").stdout.splitlines()[0] == "domain 1  running  backend 3 Initialised"
    assert with_pcibackctl.tool("xl unpause firewall").returncode == 0
    assert with_pcibackctl.state["domains"][0]["sees"] == ["10ec:8139", "8086:100e"]
    assert ctl(with_pcibackctl, "status").stdout.splitlines()[0] == "domain 1  running  backend 4 Connected"
    refused = ctl(with_pcibackctl, "attach", "--domain", "1", FIRST)
    assert "domain 1 has devices, and the kernel's backend takes no more" in refused.stderr
    # What it leaves is for pcibackctl to remove.
    destroyed = with_pcibackctl.tool("xl destroy firewall")
    assert destroyed.stderr.count("Backend /local/domain/0/backend/pci/1/0 not ready") == 2
    assert ctl(with_pcibackctl, "status").stdout.splitlines()[0] == "domain 1  gone  backend 6 Closed"
    detached = ctl(with_pcibackctl, "detach", "--domain", "1")
    assert detached.stdout == f"{FIRST} is detached from domain 1\n{SECOND} is detached from domain 1\n"
    assert ctl(with_pcibackctl, "status").stdout == "no guest has devices of the kernel's backend\n"
    assert with_pcibackctl.status()["boot"] == 1


@pytest.mark.parametrize("end", ["destroy", "shutdown"])
def test_a_guest_that_never_connects_takes_dom0_down_whichever_way_it_ends(with_pcibackctl: Host, end: str) -> None:
    give(with_pcibackctl, "storage", 1, FIRST)
    with_pcibackctl.tool("xl unpause storage")
    assert ctl(with_pcibackctl, "status").stdout.splitlines()[0] == "domain 1  running  backend 3 Initialised"
    command = with_pcibackctl.tool(f"xl {end} {'-w ' if end == 'shutdown' else ''}storage")
    assert command.returncode == 255
    assert with_pcibackctl.status()["boot"] == 2
    assert "panic: trap\n" in with_pcibackctl.console


def test_pcibackctl_needs_a_boot_that_hides(with_pcibackctl: Host) -> None:
    (with_pcibackctl.root / "boot.cfg").write_text("menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz\ntimeout=1\n")
    assert with_pcibackctl.dom0("reboot").returncode == 0
    assert "the kernel's backend is not at work: /kern/xen/pci is not there" in ctl(with_pcibackctl, "status").stderr
