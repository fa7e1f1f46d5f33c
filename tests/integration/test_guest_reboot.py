# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that the role has given a device by pcibackd reboots itself: it has it again, and the role has nothing to do."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.conftest import Dom0, guest

CARD = "0000:00:05.0"
WANTED = {
    "pciback_backend": "native",
    "pciback_guests": [guest("firewall", {"address": CARD})],
    "pciback_allow": [{"code": code, "address": CARD} for code in ("no-reset", "shared-irq")],
    "pciback_restart_guests": "when_needed",
}


def served(host: Dom0) -> list[dict[str, Any]]:
    done = host.command("/usr/local/sbin/pcibackctl", "status", "--json")
    assert done.returncode == 0, done.stderr
    guests: list[dict[str, Any]] = json.loads(done.stdout)["guests"]
    return guests


@pytest.mark.soak(instead="tests/integration/test_pcibackd_watch.py::test_a_guest_that_reboots_gets_its_devices_again")
def test_the_role_has_nothing_to_do_after_a_guests_reboot(dom0: Dom0, pcibackd: Dom0) -> None:
    host = dom0.create(bus="q35-captured").borrow_native(pcibackd)
    first = host.playbook(WANTED)
    assert first.status == 0, first.output
    (before,) = served(host)
    assert host.command("/usr/pkg/sbin/xl", "reboot", "firewall").returncode == 0
    end = time.monotonic() + 40
    while True:
        now = [each for each in served(host) if each["domain"] != before["domain"] and each["frontend_state"] == 4]
        if now:
            break
        assert time.monotonic() < end, served(host)
        time.sleep(0.3)
    assert [each["address"] for each in now[0]["devices"]] == [CARD]
    second = host.playbook(WANTED)
    assert (second.status, second.changed()) == (0, []), second.output
