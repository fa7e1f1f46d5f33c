# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A device whose interrupt only its owner knows, on an embedded NetBSD dom0 with pcibackd, and with its own backend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conftest import Dom0, guest
from tests.safety.test_refusals import without_interrupt

CARD = "0000:00:09.0"


def wanted(irq: int | None, **more: Any) -> dict[str, Any]:
    stated = {} if irq is None else {"irq": irq}
    return {
        "pciback_guests": [guest("firewall", {"address": "00:09.0", **stated})],
        "pciback_backend": "native",
        **more,
    }


def given(host: Dom0) -> tuple[str, int, int]:
    """The device of the one guest: the interrupt that it reads, and that pcibackd was told."""
    (served,) = json.loads(host.command("/usr/local/sbin/pcibackctl", "status", "--json").stdout)["guests"]
    (device,) = served["devices"]
    return device["address"], device["line"], device["irq"]


def test_a_guest_gets_the_interrupt_that_its_owner_states(tmp_path: Path, pcibackd: Dom0) -> None:
    host = Dom0(tmp_path / "dom0", tmp_path).create(*without_interrupt(tmp_path)).borrow_native(pcibackd)
    before = host.files()
    check = host.playbook(wanted(20), "--check", "--diff")
    assert (check.status, host.files()) == (0, before), check.output
    first = host.playbook(wanted(20), "--diff")
    assert first.status == 0, first.output
    assert (check.changed(), check.diffs()) == (first.changed(), first.diffs())
    assert given(host) == (CARD, 20, 20)
    record = host.root / "var/db/xen-pciback/attachments"
    assert f"device\t{CARD},id=8086:1099,irq=20\n" in record.read_text().replace(",subsystem=1af4:1100", "")
    second = host.playbook(wanted(20))
    assert (second.changed(), second.module_calls) == ([], 1)

    # Another one is for the next guest; one that nobody states is nobody's.
    restarted = host.playbook(wanted(21, pciback_restart_guests="when_needed"))
    assert restarted.status == 0, restarted.output
    assert given(host) == (CARD, 21, 21)
    refused = host.playbook(wanted(None))
    assert refused.status == 2
    assert "interrupt-unknown: 00:09.0" in "".join(refused.failures())
    assert given(host) == (CARD, 21, 21)


def test_a_guest_of_the_kernels_backend_gets_it_where_the_kernel_tells_it_no_more(dom0: Dom0, native: Dom0) -> None:
    host = dom0.create().borrow_native(native)
    more = {
        "pciback_backend": "kernel",
        "pciback_reboot": "when_needed",
        "pciback_allow": [{"code": "no-reset", "address": "00:09.0"}],
    }
    assert host.playbook(wanted(None, **more)).status == 0
    contradicted = host.playbook(wanted(16, **more))
    assert (contradicted.status, contradicted.changed()) == (2, []), contradicted.output
    assert "which has 17, as the kernel itself says" in "".join(contradicted.failures())

    (host.root / "var/run/dmesg.boot").unlink()
    (host.directory / "machine/msgbuf").write_text("")
    assert host.command("/usr/pkg/sbin/xl", "shutdown", "-w", "firewall").returncode == 0
    refused = host.playbook(wanted(None, **more))
    assert refused.status == 2
    assert "don't tell any more; boot once more, and keep /var/run/dmesg.boot, or state it with irq=" in refused.output
    before = host.files()
    check = host.playbook(wanted(17, **more), "--check", "--diff")
    assert (check.status, host.files()) == (0, before), check.output
    stated = host.playbook(wanted(17, **more), "--diff")
    assert stated.status == 0, stated.output
    assert (check.changed(), check.diffs()) == (stated.changed(), stated.diffs())
    record = (host.root / "var/db/xen-pciback/attachments").read_text()
    assert f"device\t{CARD},id=8086:100e,subsystem=1af4:1100,irq=17,allow=" in record
    store = host.command("/usr/pkg/bin/xenstore-ls", "-f", "/local/domain/0/backend/pci").stdout
    assert 'opts-0 = "msitranslate=0,power_mgmt=0,permissive=0,irq=17"' in store
    second = host.playbook(wanted(17, **more))
    assert (second.status, second.changed(), second.module_calls) == (0, [], 1)

    other = host.playbook(wanted(18, **more))
    assert "guest firewall runs with interrupt 17 for 00:09.0 where the inventory says 18" in other.output
