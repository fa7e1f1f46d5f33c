# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the plan that are refused before the host is looked at."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.arguments import absolute_path
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.modules.plan import main, wanted
from tests.unit.module_call import call

DEFAULTS: dict[str, Any] = {
    "guests": [],
    "extra_devices": [],
    "state": "present",
    "reboot": "never",
    "restart_guests": "never",
    "boot_entries": "xen",
    "previous": True,
    "native": True,
    "allow": [],
    "follow_moves": False,
}


def guest(**changes: Any) -> dict[str, Any]:
    return {"name": "firewall", "config": "/etc/xen/firewall", "state": "running", "devices": [], **changes}


def test_good_arguments() -> None:
    want = wanted({**DEFAULTS, "guests": [guest(name="fire wall $1", config="/etc/xen/fire wall")]})
    assert (want.guests[0].name, want.guests[0].config) == ("fire wall $1", "/etc/xen/fire wall")
    assert want.boot_entries == "xen"


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
        ({"allow": [{"code": "bridge", "address": "x"}]}, "allow: 'x' is not a PCI address"),
        ({"boot_entries": 5}, "option 'boot_entries' must be 'xen', 'default' or a list of titles"),
        ({"boot_entries": [2024]}, "quote a title that YAML takes for a number"),
        ({"boot_entries": None}, "option 'boot_entries' must be"),
        ({"boot_entries": []}, "option 'boot_entries' must be"),
        ({"boot_entries": {"Xen": 1}}, "option 'boot_entries' must be"),
    ],
)
def test_what_is_refused_before_anything_is_read(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(PcibackError) as refused:
        wanted({**DEFAULTS, **arguments})
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"extra_devices": [{"address": "00:05.0", "permissive": True}]}, "Unsupported parameters"),
        (
            {"allow": [{"code": "bridges", "address": "00:05.0"}]},
            "value of code must be one of: boot-disk, bridge, console, identity-changed, iommu-group, management-nic, "
            "no-iommu, shared-bar-page, shared-irq, got: bridges",
        ),
        ({"state_directory": "db"}, "option 'state_directory' is 'db', and has to be an absolute path"),
    ],
)
def test_nothing_is_accepted_and_then_ignored(arguments: dict[str, Any], sentence: str) -> None:
    assert sentence in call(main, arguments)["msg"]


def test_paths_are_absolute_and_plain() -> None:
    assert absolute_path("/usr//local/", "native_prefix") == "/usr/local"
    for path in ("", "usr/local"):
        with pytest.raises(PcibackError) as refused:
            absolute_path(path, "native_prefix")
        assert str(refused.value) == f"option 'native_prefix' is '{path}', and has to be an absolute path"
