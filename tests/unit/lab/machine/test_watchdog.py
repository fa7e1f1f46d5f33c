# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A trial boot in the lab: pciback-trial itself, in the machine that boots, loses its dom0, and is reset by its Xen."""

from __future__ import annotations

import json
import shutil
import time
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import render_record
from tests.unit.lab.conftest import Host
from tests.unit.product import NATIVE

# 04.0 has the line of the management card, 05.0 one of its own.
BOOT_CFG = (
    "menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /t dom0_mem=512M -- pciback.hide=({});multiboot /xen.gz dom0_mem=512M\n"
    "timeout=5\n"
)


def armed(host: Host, device: str, *options: str, seconds: int = 600) -> Host:
    """A machine whose next boot tries to hide a device."""
    host.create("--lost-lines", *options)
    shutil.copy(NATIVE / "build/pciback-trial", host.root / "sbin")
    shutil.copy(NATIVE / "service/pciback_trial.rc", host.root / "etc/rc.d/pciback_trial")
    (host.root / "etc/rc.d/pciback_trial").chmod(0o755)
    (host.root / "boot.cfg").write_text(BOOT_CFG.format(device))
    (host.root / "etc/xen-pciback").mkdir()
    record = host.root / "etc/xen-pciback/trial"
    record.write_bytes(render_record("/t", "/xen.gz", seconds))
    record.chmod(0o600)
    (host.root / "t").hardlink_to(host.root / "xen.gz")
    return host


def asked(host: Host) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(host.run("/sbin/pciback-trial", "status", "--json").stdout)
    return found


def test_a_trial_that_is_confirmed(host: Host) -> None:
    armed(host, "00:05.0")
    assert asked(host)["state"] == "armed"
    host.run("/sbin/shutdown", "-r", "now")
    assert host.claims() == ["0000:00:05.0"]
    assert (asked(host)["state"], (host.root / "t").exists()) == ("running", False)
    assert "trial: Xen resets this host in 600 seconds" in host.console
    assert host.run("/sbin/pciback-trial", "confirm").returncode == 0
    host.dom0("wait", "700")
    assert host.status()["boot"] == 2
    host.run("/sbin/shutdown", "-r", "now")
    assert (host.claims(), asked(host)["state"]) == (["0000:00:05.0"], "confirmed")


def test_a_network_that_is_lost(host: Host) -> None:
    armed(host, "00:04.0")
    host.run("/sbin/shutdown", "-r", "now")
    assert host.status()["power"] == "lost"
    done = host.run("/usr/bin/true")
    assert (done.returncode, "gets no interrupts, because 0000:00:04.0" in done.stderr) == (255, True)
    host.dom0("wait", "590")
    assert host.status()["boot"] == 2
    host.dom0("wait", "10")
    assert host.claims() == []
    assert asked(host)["state"] == "undone"
    assert "Watchdog timer fired for domain 0" in host.console
    assert (host.status()["boot"], host.status()["power"]) == (3, "up")
    # A second late.
    late = host.run("/sbin/pciback-trial", "confirm")
    assert (late.returncode, "the trial is undone" in late.stderr) == (1, True)


def test_a_network_that_is_lost_for_good(host: Host) -> None:
    """Without a trial nothing brings it back."""
    armed(host, "00:04.0")
    (host.root / "etc/xen-pciback/trial").unlink()
    host.run("/sbin/shutdown", "-r", "now")
    host.dom0("wait", "100000")
    assert (host.status()["boot"], host.status()["power"]) == (2, "lost")


@pytest.mark.parametrize(
    ("ends", "boot", "said"), [("hang", 2, "db{0}> "), ("panic", 3, "Hardware Dom0 shutdown: rebooting machine")]
)
def test_a_dom0_that_ends(host: Host, ends: str, boot: int, said: str) -> None:
    armed(host, "00:06.0", "--hidden-fault", f"0000:00:06.0={ends}")
    host.run("/sbin/shutdown", "-r", "now")
    assert host.status()["boot"] == boot
    assert said in host.console
    host.dom0("wait", "600")
    assert (host.status()["boot"], host.claims(), asked(host)["state"]) == (3, [], "undone")


def test_a_panic_in_each_boot(host: Host) -> None:
    armed(host, "00:06.0", "--hidden-fault", "0000:00:06.0=panic")
    (host.root / "etc/xen-pciback/trial").unlink()
    host.run("/sbin/shutdown", "-r", "now")
    assert "its kernel panics in each boot" in host.run("/usr/bin/true").stderr


def test_whoever_comes_next_finds_it_reset(host: Host) -> None:
    armed(host, "00:04.0", "--watchdog-second", "0.001")
    host.run("/sbin/shutdown", "-r", "now")
    deadline = time.monotonic() + 30
    while host.run("/usr/bin/true").returncode != 0 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (host.claims(), asked(host)["state"]) == ([], "undone")


def test_a_confirmation_that_lets_the_time_pass(host: Host) -> None:
    """It is asked for inside before, and comes to Xen behind."""
    armed(host, "00:05.0")
    host.run("/sbin/shutdown", "-r", "now")
    script = "echo 1 >/.machine/watchdog; exec /sbin/pciback-trial confirm"
    assert "the machine was reset meanwhile" in host.sh(script).stderr
    assert (host.claims(), asked(host)["state"]) == ([], "undone")


def test_what_is_no_fault(host: Host) -> None:
    done = host.dom0("create", "--firmware", str(host.firmware), "--hidden-fault", "00:06.0=sulk")
    assert "it is an address and what dom0 does" in done.stderr
