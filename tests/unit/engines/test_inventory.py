# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says, and what of it is refused before the host is looked at."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.inventory import read_wanted

DEFAULTS: dict[str, Any] = {
    "guests": [],
    "extra_devices": [],
    "state": "present",
    "reboot": "never",
    "restart_guests": "never",
    "trial": "never",
    "confirm": "auto",
    "confirm_within": 600,
    "retry_failed": False,
    "boot_entries": "xen",
    "previous": True,
    "native": True,
    "allow": [],
    "follow_moves": False,
    "problems": [],
}


def guest(**changes: Any) -> dict[str, Any]:
    return {"name": "firewall", "config": "/etc/xen/firewall", "state": "running", "devices": [], **changes}


def test_good_arguments() -> None:
    wanted = read_wanted({**DEFAULTS, "guests": [guest(name="fire wall $1", config="/etc/xen/fire wall")]})
    assert (wanted.guests[0].name, wanted.guests[0].config) == ("fire wall $1", "/etc/xen/fire wall")
    assert wanted.boot_entries == "xen"


@pytest.mark.parametrize(("irq", "number"), [(None, None), (1, 1), ("20", 20), (254, 254)])
def test_an_interrupt_that_the_owner_states(irq: Any, number: int | None) -> None:
    wanted = read_wanted({**DEFAULTS, "guests": [guest(devices=[{"address": "00:05.0", "irq": irq}])]})
    assert (wanted.malformed, wanted.guests[0].devices[0].irq) == ((), number)
    assert wanted.guests[0].devices[0].options == ()
    assert wanted.states_interrupts is (number is not None)
    undone = read_wanted({**DEFAULTS, "state": "absent", "guests": [guest(devices=[{"id": "8086:10d3", "irq": irq}])]})
    assert not undone.states_interrupts


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"guests": [guest(name="-x")]}, "'-x' is no name of a guest, xl takes it for an option"),
        ({"guests": [guest(name="12")]}, "'12' is no name of a guest, xl takes it for the number of a domain"),
        ({"guests": [guest(name="")]}, "'' is no name of a guest"),
        ({"guests": [guest(name="Domain-0")]}, "'Domain-0' is this host itself"),
        ({"guests": [guest(config="firewall")]}, "'firewall' can't be given to xl: the path has to be absolute"),
        ({"guests": [guest(config="/etc/a=b")]}, "'/etc/a=b' can't be given to xl"),
        ({"guests": [guest(devices=[{"all": True}])]}, "guest firewall: a device needs at least one of"),
        ({"extra_devices": [{"id": "x"}]}, "extra_devices: 'x' is not an id"),
        *(
            (
                {"guests": [guest(devices=[{"address": "00:05.0", "irq": irq}])]},
                f"guest firewall: irq of address 0000:00:05.0 is {irq}, and an interrupt that a guest can be told has a number from "
                "1 to 254",
            )
            for irq in (0, 255, -20, True, 20.5, "0x14", "", [20])
        ),
        ({"allow": [{"code": "bridge", "address": "x"}]}, "allow: 'x' is not a PCI address"),
        ({"allow": [{"code": "bridge"}]}, "allow: 'bridge' is about one device; say which one with 'address'"),
        (
            {"allow": [{"code": "nothing-wanted", "address": "00:05.0"}]},
            "allow: 'nothing-wanted' is about the whole host; leave out 'address'",
        ),
        ({"boot_entries": 5}, "option 'boot_entries' must be 'xen', 'default' or a list of titles"),
        ({"boot_entries": [2024]}, "quote a title that YAML takes for a number"),
        ({"boot_entries": None}, "option 'boot_entries' must be"),
        ({"boot_entries": []}, "option 'boot_entries' must be"),
        ({"boot_entries": {"Xen": 1}}, "option 'boot_entries' must be"),
    ],
)
def test_what_is_refused_before_anything_is_read(arguments: dict[str, Any], sentence: str) -> None:
    (error,) = read_wanted({**DEFAULTS, **arguments}).malformed
    assert sentence in str(error)


def test_all_that_is_malformed_is_named_and_the_rest_is_read() -> None:
    devices = [{"address": "x"}, {"address": "00:05.0"}, {"address": "y"}]
    wanted = read_wanted({**DEFAULTS, "guests": [guest(devices=devices), guest(name="-x")], "boot_entries": 5})
    assert [str(error).partition(" ")[0] for error in wanted.malformed] == ["option", "guest", "guest", "'-x'"]
    assert [(guest.name, len(guest.devices)) for guest in wanted.guests] == [("firewall", 1)]
