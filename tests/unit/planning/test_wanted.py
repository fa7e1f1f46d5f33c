# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of a host, as resolving asks for it."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted
from tests.unit.planning.hosts import device, guest


def test_requests_are_the_guests_first_and_then_the_extra_devices() -> None:
    one, two, three, extra = (device(address=bdf) for bdf in ("00:04.0", "00:05.0", "00:06.0", "00:07.0"))
    wanted = Wanted(guests=(guest(one, two), guest(name="idle"), guest(three, name="storage")), extra_devices=(extra,))
    assert wanted.requests == (
        ("firewall", one.selector),
        ("firewall", two.selector),
        ("storage", three.selector),
        (None, extra.selector),
    )
    assert Wanted().requests == ()
