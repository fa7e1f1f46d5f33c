# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own reader of xl's grammar."""

from __future__ import annotations

import pytest
from machine.xl_config import ConfigError, Crash, SpecError, parse, parse_pci_spec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ('pci = ["a"]', ["a"]),
        ("pci=['a',\n\n 'b' , # note\n]\n", ["a", "b"]),
        ('pci = ["a"]\npci = ["b"]\n', ["b"]),
        ('pci = ["a"]; pci += ["b"]\n', ["a", "b"]),
        ('pci += ["a"]\n', ["a"]),
        ('pci = ["a", [ "b" ], "c"]\n', ["a"]),
        ("pci = []\n", []),
        ("pci = [ 5, 0x1f ]\n", ["5", "0x1f"]),
        (r"pci = ['\x41\102\"\'']" + "\n", ["AB\"'"]),
        ('pci = "a"\n', []),
        (';;\n;pci = ["#;,"]\n;', ["#;,"]),
    ],
)
def test_lists(text: str, expected: list[str]) -> None:
    assert parse(text, "f").strings("pci") == expected


def test_a_value_that_should_be_a_list_is_warned_of_with_its_line() -> None:
    config = parse('\npci = "00:05.0"\n', "f")
    assert config.warnings(("pci", "disk")) == ["f:2: warning: parameter `pci' is a single value but should be a list"]


@pytest.mark.parametrize(
    "text", ["a == 1\n", "a = [1;]\n", "a\n", "= 1\n", "a = b\n", "a = [1\n", "a = 1 2\n", 'a = "\n"\n']
)
def test_what_is_no_configuration(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^f:[12]: config parsing error near "):
        parse(text, "f")


@pytest.mark.parametrize(
    ("text", "address", "slot"),
    [
        ("00:05.0", "0000:00:05.0", None),
        ("0:5.0", "0000:00:05.0", None),
        ("0001:1f:1f.7@1f", "0001:1f:1f.7", 0x1F),
        ("00:05.0,", "0000:00:05.0", None),
        ("bdf=00:05.0,vslot=3", "0000:00:05.0", 3),
        ("00:05.0,bdf=00:06.0", "0000:00:06.0", None),
        ("00:05.*@4", "0000:00:05.0", 4),
    ],
)
def test_entries(text: str, address: str, slot: int | None) -> None:
    spec = parse_pci_spec(text)
    assert (spec.address, spec.slot) == (address, slot)


def test_flags_are_read_with_atoi_and_default_to_the_globals() -> None:
    spec = parse_pci_spec("00:05.0,permissive=yes,seize=1", {"permissive": 1, "power_mgmt": 1})
    assert spec.options == {"permissive": 0, "seize": 1, "power_mgmt": 1}
    assert spec.strict
    assert not parse_pci_spec("00:05.0,rdm_policy=relaxed").strict


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "00:05.8", "00:20.0", "100:05.0", "00:05.0 ", "00:05.0;", "00:05.0@20", "name=x", "00:05.0,name=x",
     "00:05.0,backend=0", "00:05.0,Permissive=1", "00:05.0,rdm_policy=lax", "vslot=3", "00:05.0@"],
)  # fmt: skip
def test_what_is_no_entry(text: str) -> None:
    with pytest.raises(SpecError):
        parse_pci_spec(text)


def test_the_entry_that_crashes_the_real_xl() -> None:
    with pytest.raises(Crash):
        parse_pci_spec("00:05")
