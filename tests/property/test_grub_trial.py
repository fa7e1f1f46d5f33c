# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A trial in GRUB's menu, whatever its owner's default is and whatever is in the environment block.

Armed, GRUB boots the new list once, and then what it booted before; where it can't write it boots that at once.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub, grub_trial, hide_parameter
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_environment import empty, read, with_variable
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_start import start

DEBIAN = (Path(__file__).parents[1] / "unit/formats/data/debian-12-xen-grub.cfg").read_bytes()
DEFAULT = b'set default="Debian GNU/Linux, with Xen hypervisor"'

ENTRIES = grub.read_menu(DEBIAN).entries
NAMES = st.one_of(
    st.sampled_from([">".join(entry.path) for entry in ENTRIES] + [">".join(entry.ids) for entry in ENTRIES]),
    st.integers(0, 6).map(str),
    st.sampled_from(["1>0", "3>0>0", "no such entry", ""]),
)
ADDRESSES = st.builds(Address, st.just(0), st.integers(0, 255), st.integers(0, 31), st.integers(0, 7))
BLOCKS = st.dictionaries(
    st.one_of(st.just("saved_entry"), st.from_regex(r"[a-z]{1,8}", fullmatch=True)),
    st.one_of(NAMES, st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=9)),
    max_size=4,
)


def block(variables: dict[str, str]) -> bytes:
    data = empty()
    for name, value in variables.items():
        data = with_variable(data, name, value)
    return data


@given(
    st.one_of(NAMES, st.just("${saved_entry}")),
    BLOCKS,
    st.one_of(st.none(), st.lists(ADDRESSES, min_size=1, max_size=8, unique=True)),
    st.sampled_from([entry for entry in ENTRIES if entry.kind == grub.XEN]),
)
def test_new_once_then_as_before(
    default: str, variables: dict[str, str], addresses: list[Address] | None, tried: grub.Entry
) -> None:
    variables.pop("default", None)
    plain = DEBIAN.replace(DEFAULT, f'set default="{default}"'.encode())
    before = start(plain, variables)
    assume(before.entry is not None)
    value = None if addresses is None else hide_parameter.render(addresses)
    script = grub_trial.script(tried, value)
    menu = plain + script.split(b"\n", 2)[2]
    try:
        grub_trial.check(menu, value, variables)
    except PcibackError:
        # A default that named no entry, and would name the new one.
        assert start(menu, variables).entry != before.entry
        return
    # Nothing is armed.
    assert start(menu, variables).entry == before.entry
    armed = with_variable(block(variables), grub_trial.VARIABLE, grub_trial.ARMED)
    first = start(menu, read(armed))
    assert first.entry is not None
    assert first.entry.lists == (() if value is None else (value,))
    # GRUB writes what it has tried over the same bytes.
    written = with_variable(armed, grub_trial.VARIABLE, first.variables[grub_trial.VARIABLE])
    assert read(written) == first.variables
    assert start(menu, read(written)).entry == before.entry
    assert start(menu, read(armed), writable=False).entry == before.entry
    kept = with_variable(written, grub_trial.VARIABLE, grub_trial.KEPT)
    for _start in range(2):
        assert start(menu, read(kept)).entry == first.entry
    assert start(menu, read(with_variable(kept, grub_trial.VARIABLE, None))).entry == before.entry
