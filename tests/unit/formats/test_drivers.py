# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""drivers.json: what is written is read again, and nothing else is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import drivers
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address

ADDRESSES = st.builds(Address, st.integers(0, 0xFFFF), st.integers(0, 0xFF), st.integers(0, 0x1F), st.integers(0, 7))
NAMES = st.none() | st.from_regex(r"[a-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True)


@given(st.dictionaries(ADDRESSES, NAMES, max_size=8))
def test_what_is_written_is_read(record):
    assert drivers.parse(drivers.render(record), "drivers.json") == record


@given(st.binary(max_size=60) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["schema", "drivers", "x"]), inner),
).map(lambda document: json.dumps(document).encode()))  # fmt: skip
def test_anything_else_is_refused_with_a_sentence(data):
    with pytest.raises(PcibackError) as refused:
        drivers.parse(data, "drivers.json")
    assert str(refused.value).startswith("drivers.json") and "delete it" in str(refused.value)


@pytest.mark.parametrize(
    ("entries", "sentence"),
    [
        ({"0000:00:05.0": "../e1000"}, "the driver of 0000:00:05.0 is no name of a driver"),
        ({"0000:00:05.0": ".."}, "the driver of 0000:00:05.0 is no name of a driver"),
        ({"0000:00:05.0": ""}, "the driver of 0000:00:05.0 is no name of a driver"),
        ({"0000:00:05.0": 5}, "the driver of 0000:00:05.0 is no name of a driver"),
        ({"00:05": "e1000"}, "'00:05' is not a PCI address"),
        ({"0000:00:05.0": "e1000", "00:05.0": "e1000"}, "0000:00:05.0 is there twice"),
        ([], "'drivers' must be an object"),
    ],
)
def test_entries_that_can_not_be_used(entries, sentence):
    data = json.dumps({"schema": drivers.SCHEMA, "drivers": entries}).encode()
    with pytest.raises(PcibackError) as refused:
        drivers.parse(data, "drivers.json")
    assert sentence in str(refused.value)
