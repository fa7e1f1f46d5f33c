# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Buses of a host with pcibackd are numbered anew: its start gives away nothing else, and a run follows the card."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.conftest import Dom0, guest

OLD, NEW = "01:03.0", "02:03.0"


def variables(**more: Any) -> dict[str, Any]:
    """A card by its address, which can't be reset."""
    return {
        "pciback_backend": "native",
        "pciback_guests": [guest("firewall", {"address": OLD})],
        "pciback_allow": [
            {"code": code, "address": address} for address in (OLD, NEW) for code in ("no-reset", "shared-irq")
        ],
        **more,
    }


def status(host: Dom0) -> str:
    return host.command("/usr/local/sbin/pcibackctl", "status").stdout


@pytest.mark.soak(instead="tests/safety/test_renumbering.py::test_following_moves_list_pins_and_files")
def test_the_newcomer_stays_dom0_s_and_the_card_is_followed_without_a_reboot(dom0: Dom0, pcibackd: Dom0) -> None:
    host = dom0.create("--management", "0000:00:09.0", bus="pc-bridge").borrow_native(pcibackd)
    first = host.playbook(variables())
    assert first.status == 0, first.output
    assert f"0000:{OLD}" in status(host)

    host.lab("add-card", "00/03.0/03.0")
    said = f"pcibackd-guests: 0000:{OLD} stays dom0's: its wm0 has the Ethernet address "
    deadline = time.monotonic() + 60
    while said not in host.lab("console"):
        assert time.monotonic() < deadline, host.lab("console")
        time.sleep(0.5)
    assert status(host) == "no guest has devices\n"

    refused = host.playbook(variables())
    assert (refused.status, refused.changed()) == (2, [])
    assert f"identity-changed: guest firewall: {OLD} is pinned as 8086:100e" in refused.output

    follow = variables(pciback_follow_moves=True)
    followed = host.playbook(follow)
    assert followed.status == 0, followed.output
    assert "xen.pciback.reboot" not in followed.changed()
    assert f"0000:{NEW}" in status(host)
    assert f"0000:{OLD}" not in (host.root / "var/db/xen-pciback/attachments").read_text()
    assert host.playbook(follow).changed() == []
