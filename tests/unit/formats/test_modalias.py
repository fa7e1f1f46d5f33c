# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules of PCI functions from a modules.alias as depmod(8) writes it."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.formats.modalias import modules_for, parse_aliases

ALIASES = """\
# Aliases extracted from modules themselves.
alias pci:v00008086d0000100Esv*sd*bc*sc*i* e1000
alias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e
alias pci:v000010ECd00008139sv*sd*bc*sc*i* 8139cp
alias pci:v000010ECd00008139sv*sd*bc*sc*i* 8139too
alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci
alias pci:v00001002d*sv*sd*bc04sc03i00* snd-hda-intel
alias pci:v00001106d00003288sv00001462sd0000A0A0bc*sc*i* snd-subsystem
alias pci:v*d*sv*sd*bc01sc08i02* nvme
alias usb:v8086p100Ed*dc*dsc*dp*ic*isc*ip*in* no_pci
"""


FUNCTIONS = [
    ("pci:v00008086d0000100Esv00001AF4sd00001100bc02sc00i00", ("e1000",)),
    ("pci:v00008086d000010D3sv00008086sd00000000bc02sc00i00", ("e1000e",)),
    ("pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i02", ("nvme",)),
    ("pci:v00001B36d00000010sv00001AF4sd00001100bc01sc08i01", ()),
    ("pci:v00001AF4d00001041sv00001AF4sd00001100bc02sc00i00", ("virtio_pci",)),
    ("pci:v000010ECd00008139sv000011ECsd00008139bc02sc00i00", ("8139cp", "8139too")),
    ("pci:v00001002d00001478sv00001002sd00001478bc04sc03i00", ("snd_hda_intel",)),
    ("pci:v00001106d00003288sv00001462sd0000A0A0bc04sc03i00", ("snd_subsystem",)),
    ("usb:v8086p100E", ()),
    ("", ()),
]


@pytest.mark.parametrize(("modalias", "modules"), FUNCTIONS)
def test_modules_that_drive_a_function(modalias, modules):
    assert modules_for(modalias, parse_aliases(ALIASES)) == modules


FIELD_WIDTHS = {"v": 8, "d": 8, "sv": 8, "sd": 8, "bc": 2, "sc": 2, "i": 2}


def functions():
    """Functions of few kinds, so that patterns meet them."""
    numbers = st.sampled_from([0x1, 0xA, 0x80])
    return st.tuples(*(numbers for _name in FIELD_WIDTHS)).map(
        lambda values: [f"{value:0{width}X}" for value, width in zip(values, FIELD_WIDTHS.values(), strict=True)]
    )


def spelled(fields):
    return "pci:" + "".join(name + field for name, field in zip(FIELD_WIDTHS, fields, strict=True))


@given(
    functions(),
    st.lists(
        st.tuples(functions(), st.lists(st.booleans(), min_size=7, max_size=7)).map(
            lambda drawn: ["*" if wild else field for field, wild in zip(*drawn, strict=True)]
        )
    ),
)
def test_modules_are_found_as_the_kernel_s_tools_match_them(function, patterns):
    # modprobe(8) takes an alias for a pattern of the shell.
    aliases = [spelled(pattern) + ("" if pattern[-1] == "*" else "*") for pattern in patterns]
    text = "".join(f"alias {alias} driver{number}\n" for number, alias in enumerate(aliases))
    expected = {f"driver{number}" for number, alias in enumerate(aliases) if fnmatchcase(spelled(function), alias)}
    assert set(modules_for(spelled(function), parse_aliases(text))) == expected


@given(st.text() | st.lists(st.sampled_from(ALIASES.split("\n"))).map("\n".join))
def test_no_text_is_too_odd(text):
    modules_for(text, parse_aliases(text))
