# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the other backend lets go of while dom0 runs; tests/unit/test_linux_backends.py does what is planned here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.observe import resolve_wanted
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.module_utils.planning.choose import choose_devices
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import RunningGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.release import refuse_busy_backend, release
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted
from tests.unit.planning.hosts import ONE, guest, host

CARD, OTHER = map(parse_address, ("00:05.0", "00:04.0"))


def draft(backend: str, wanted: Wanted = ONE, **observed: Any) -> Draft:
    """A plan of a Linux host whose devices are chosen."""
    seen = host(claims=None, **observed)
    made = Draft(wanted, seen, resolve_wanted(wanted, seen, units=False), Linux.backends[backend])
    choose_devices(made)
    return made


@pytest.mark.parametrize(
    ("backend", "other", "holder", "more"),
    [("native", "kernel", "pciback", ", and unload xen-pciback"), ("kernel", "native", "pcibackd", "")],
)
def test_guests_end_before_their_devices_are_let_go_of(backend: str, other: str, holder: str, more: str) -> None:
    running = (RunningGuest("firewall", 3, (CARD,)), RunningGuest("mail", 4, ()))
    made = draft(backend, other_claims=(OTHER, CARD), running=running)
    assert list(release(made)) == ["firewall"]
    shut_down, let_go = made.actions
    assert shut_down.summary == f"shut down firewall before {holder} lets go of what they have"
    assert shut_down.arguments == {"domains": [{"name": "firewall", "state": "stopped"}], "backend": other}
    assert let_go.summary == f"let {holder} let go of 00:04.0 00:05.0{more}"
    assert let_go.arguments == {
        "backend": other,
        "devices": [{"address": "0000:00:04.0"}, {"address": "0000:00:05.0"}],
    }


@pytest.mark.parametrize(("backend", "claims"), [("native", None), ("kernel", None), ("kernel", ())])
def test_nothing_is_in_the_way(backend: str, claims: Any) -> None:
    made = draft(backend, other_claims=claims)
    refuse_busy_backend(made)
    assert (list(release(made)), made.actions, made.refusals) == ([], [], [])


def test_an_idle_module_is_in_the_way_of_devices_alone() -> None:
    made = draft("native", other_claims=())
    release(made)
    (action,) = made.actions
    assert (action.summary, action.arguments["devices"]) == ("unload xen-pciback", [])
    nothing = draft("native", replace(ONE, guests=(guest(),)), other_claims=())
    assert (list(release(nothing)), nothing.actions) == ([], [])


def test_where_a_boot_parts_them_nothing_is_let_go_of() -> None:
    made = draft("kernel", other_claims=(CARD,))
    made.reasons.append("a reboot shows whether that works")
    assert (made.reboots, made.released) == (True, None)
    assert draft("kernel", replace(ONE, state="absent"), other_claims=(CARD,)).released is None
    made = draft("native", other_claims=(CARD,))
    made.backend = Netbsd.backends["native"]
    assert made.released is None
