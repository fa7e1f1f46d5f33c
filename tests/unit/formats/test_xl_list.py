# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What xl prints of its domains."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_list import parse_devices, parse_options


def test_reads_one_domain_that_is_not_in_a_list() -> None:
    text = '{"domid": 2, "config": {"c_info": {"name": "u1"}, "pcidevs": [{"dev": 5}]}}\n\n'
    assert parse_devices(text) == {2: (Address(0, 0, 5, 0),)}


def test_reads_a_domain_without_devices_and_no_domain_at_all() -> None:
    assert parse_devices('[{"domid": 2, "config": {}}]') == {2: ()}
    assert parse_devices("\n") == {}


def test_reads_with_which_options_a_domain_has_its_functions() -> None:
    devices = (
        '{"dev": 5, "vfunc_mask": 1, "rdm_policy": "strict"}, '
        '{"dev": 6, "vdevfn": 56, "vfunc_mask": 3, "permissive": true, "power_mgmt": "True", "rdm_policy": "relaxed"}'
    )
    off = {"permissive": False, "msitranslate": False, "power_mgmt": False, "vslot": 0, "rdm_policy": "strict"}
    on = {**off, "permissive": True, "power_mgmt": True, "vslot": 7, "rdm_policy": "relaxed"}
    assert parse_options(f'[{{"domid": 2, "config": {{"pcidevs": [{devices}]}}}}]') == {
        2: {Address(0, 0, 5, 0): off, Address(0, 0, 6, 0): on, Address(0, 0, 6, 1): on}
    }


def test_reads_the_functions_that_are_passed_together() -> None:
    text = '[{"domid": 2, "config": {"pcidevs": [{"dev": 5, "vfunc_mask": 5}, {"dev": 6, "vfunc_mask": 4294967295}]}}]'
    assert parse_devices(text) == {2: (Address(0, 0, 5, 0), Address(0, 0, 5, 2), Address(0, 0, 6, 0))}


@pytest.mark.parametrize("text", ["(domain (name g1))", "[1]", '[{"domid": 1}]', '[{"domid": 1, "config": 5}]', "5"])
def test_refuses_what_is_no_list_of_domains(text: str) -> None:
    with pytest.raises(PcibackError, match="'xl list -l' printed something else than a list of domains in JSON"):
        parse_devices(text)
