# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import hide_parameter
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.hide_parameter import Pattern, Reading

addresses = st.builds(Address, st.integers(0, 0xFFFF), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7))


@pytest.mark.parametrize(
    ("value", "patterns"),
    [
        ("", ()),
        ("(00:05.0)", (Pattern(0, 0, 5, 0),)),
        ("(00:05.0)(0001:0a:1f.7)", (Pattern(0, 0, 5, 0), Pattern(1, 10, 31, 7))),
        (" (00:05.0) ( 00:06.1)"[:11], (Pattern(0, 0, 5, 0),)),
        ("(00:06.*)", (Pattern(0, 0, 6, None),)),
        ("(0000:00:06.*)", (Pattern(0, 0, 6, None),)),
        ("(03:*.*)", (Pattern(0, 3, None, None),)),
        ("(0002:03:*.*)", (Pattern(2, 3, None, None),)),
    ],
)
def test_lists_that_the_module_takes(value, patterns):
    assert hide_parameter.read(value) == Reading(patterns)


@pytest.mark.parametrize(
    ("value", "offset"),
    [("00:05.0", 0), ("(00:05.0),(00:06.0)", 9), ("(00:05.0)(00:06)", 9), ("()", 0), ("(00:05.0", 0), ("(zz:05.0)", 0)],
)
def test_lists_that_keep_the_module_from_loading(value, offset):
    assert hide_parameter.read(value) == Reading((), offset)


def test_a_star_takes_every_function():
    reading = hide_parameter.read("(00:06.*)(03:*.*)")
    taken = [text for text in ("00:06.0", "00:06.7", "00:07.0", "03:1f.2") if reading.hides(parse_address(text))]
    assert taken == ["00:06.0", "00:06.7", "03:1f.2"]


@given(st.lists(addresses, max_size=60, unique=True))
def test_what_is_written_is_read(wanted):
    reading = hide_parameter.read(hide_parameter.render(wanted))
    assert reading.error_at is None
    assert [pattern for address in wanted for pattern in reading.patterns if pattern.matches(address)] == list(
        reading.patterns
    )


def test_a_list_that_is_too_long():
    wanted = [Address(0, bus, device, 0) for bus in range(3) for device in range(32)]
    with pytest.raises(PcibackError, match="1344 characters, and Linux takes 1023; 73 of the 96 fit") as caught:
        hide_parameter.render(wanted)
    assert caught.value.code == "list-too-long"
    assert hide_parameter.read("(00:05.0)" * 200).error_at == hide_parameter.MAX_VALUE


@pytest.mark.parametrize(
    ("command_line", "values"),
    [
        ("placeholder root=/dev/vda1 ro xen-pciback.hide=(00:05.0)", ("(00:05.0)",)),
        ("xen_pciback.hide=(00:05.0) quiet xen-pciback.hide=(00:06.0)", ("(00:05.0)", "(00:06.0)")),
        ('xen-pciback.hide="(00:05.0) (00:06.0)" ro', ("(00:05.0) (00:06.0)",)),
        ('"xen-pciback.hide=(00:05.0)"', ("(00:05.0)",)),
        ("pciback.hide=(00:05.0) xen-pciback.hide", ()),
    ],
)
def test_lists_on_a_command_line(command_line, values):
    assert hide_parameter.values(command_line) == values
