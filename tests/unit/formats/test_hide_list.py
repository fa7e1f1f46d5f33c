# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.hide_list import MAX_VALUE, read, render


def _bdfs(*texts: str) -> list[Address]:
    return [parse_address(text) for text in texts]


@pytest.mark.parametrize(
    ("addresses", "long", "short"),
    [
        ([], "", ""),
        (["00:1f.0"], "(00:1f.0)", "(0:1f.0)"),
        (["03:00.0", "00:04.7"], "(03:00.0)(00:04.7)", "(3:0.0)(0:4.7)"),
        (["00:05.0", "00:04.0", "00:05.0"], "(00:05.0)(00:04.0)", "(0:5.0)(0:4.0)"),
        (["ff:1f.7"], "(ff:1f.7)", "(ff:1f.7)"),
    ],
)
def test_render(addresses: list[str], long: str, short: str) -> None:
    assert render(_bdfs(*addresses)) == long
    assert render(_bdfs(*addresses), short=True) == short


def test_render_refuses_another_domain() -> None:
    with pytest.raises(PcibackError) as refusal:
        render(_bdfs("00:04.0", "0001:00:05.0"))
    assert str(refusal.value) == (
        "'0001:00:05.0' can't be hidden: it is in domain 0001, and NetBSD's pciback(4) knows domain 0000 only"
    )


# Executed by the kernel's own parser, or seen on a booting machine.
VECTORS = [
    ("", "", "complete"),
    ("(00:1a.0)(00:1a.1)", "00:1a.0 00:1a.1", "complete"),
    ("(0000:00:1a.0)", "00:1a.0", "complete"),
    ("(00:1A.0)", "00:1a.0", "complete"),
    ("(00:1a.0),(00:1b.0)", "00:1a.0", "broken"),
    ("00:1a.0", "", "broken"),
    ("(00:1a.0", "", "broken"),
    ('"(00:1a.0)"', "", "broken"),
    ("(00:1a.0 )", "", "complete"),  # a blank inside would end the word before the reader sees it
    ("(00:1a.0))", "00:1a.0", "broken"),
    ("()", "", "fault"),
    ("(1a.0)", "", "fault"),
    ("(00:04.0)(junk)(00:05.0)", "00:04.0", "fault"),
    ("(00:04.0)(zz:zz.z)(00:05.0)", "00:04.0 00:05.0", "complete"),
    ("(00:04.0)(00:08)(00:05.0)", "00:04.0 00:05.0", "complete"),
    ("(00:04.0)(00:05.0", "00:04.0", "broken"),
    ("(00:04.0(00:05.0)", "", "complete"),
    ("(00:04.0)00:05.0)", "00:04.0", "broken"),
    ("(0001:00:1a.0)", "", "complete"),
    ("(0000:1a.0)", "", "complete"),
    ("(000:00:1a.0)", "", "complete"),
    ("(0000zz:00:1a.0)", "00:1a.0", "complete"),
    ("(00000:00:1a.0)", "00:1a.0", "complete"),
    ("(:.)", "00:00.0", "complete"),
    ("(00:1a.)", "00:1a.0", "complete"),
    ("(0x0:0x1a.0x0)", "00:1a.0", "complete"),
    ("(+0:1a.0)", "00:1a.0", "complete"),
    ("(\t00:1a.0)", "00:1a.0", "complete"),
    ("(0x:1.0)", "", "complete"),
    ("(+0x:1.0)", "", "complete"),
    ("(00:1a.*)", "", "complete"),
    ("((00:1a.0)", "", "complete"),
    ("(-1:0.0)", "", "complete"),
    ("(-ffffffff:1f.0)", "01:1f.0", "complete"),
    ("(+-1:0.0)", "", "complete"),
    ("(\t:1.0)", "", "complete"),
    ("(00:3f.9)", "", "complete"),
    ("(100:1f.0)", "", "complete"),
    ("(100000000:1f.0)", "00:1f.0", "complete"),
    ("(10000000000000000:1f.0)", "", "complete"),
    ("(0000:00:1a.0)(00:1g.0)(00:1b.0)", "00:1a.0 00:1b.0", "complete"),
    ("(0000:)", "", "complete"),
    ("(00:1a.0)(0:1a.0)", "00:1a.0", "complete"),
    ("(00:1a.0)\r", "00:1a.0", "broken"),
    ("(00:1a.0)\xff", "00:1a.0", "broken"),
    (
        "".join(f"(00:{n:02x}.0)" for n in range(1, 8)),
        " ".join(f"00:{n:02x}.0" for n in range(1, 8)),
        "complete",
    ),
    (
        "".join(f"(00:{n:02x}.0)" for n in range(1, 9)),
        " ".join(f"00:{n:02x}.0" for n in range(1, 8)),
        "broken",
    ),
]


@pytest.mark.parametrize(("value", "claims", "outcome"), VECTORS)
def test_read(value: str, claims: str, outcome: str) -> None:
    reading = read(value)
    assert reading.claims == tuple(_bdfs(*claims.split()))
    assert reading.outcome == outcome
    assert reading.value == value.encode()
    assert read(value.encode()) == reading
    assert reading.empty == (value == "")


@pytest.mark.parametrize(
    ("value", "offset", "message"),
    [
        (
            "(00:04.0),(00:05.0)",
            9,
            "nothing may stand between two entries, the next one must open with '(' at once",
        ),
        (
            "(00:04.0)\r",
            9,
            "a carriage return ends the line, and the kernel takes it for a part of the list",
        ),
        ('"(00:04.0)"', 0, "the kernel knows no quotes, the list must open with '('"),
        ("00:04.0", 0, "an entry must open with '(' here; the kernel stops reading"),
        ("(00:04.0)(00:05.0", 9, "the parenthesis that opens here is never closed"),
        (
            "(00:04.0)(junk)",
            9,
            "the kernel faults at '(junk)', because it holds no ':'; "
            "an entry is '(BUS:DEVICE.FUNCTION)' in hexadecimal, such as '(03:00.0)'",
        ),
        (
            "(00:1g.0)",
            0,
            "the kernel skips '(00:1g.0)', its device is no number; "
            "an entry is '(BUS:DEVICE.FUNCTION)' in hexadecimal, such as '(03:00.0)'",
        ),
        (
            "(100:1f.0)",
            0,
            "'(100:1f.0)' claims nothing: no machine has bus 100, device 1f, function 0; the highest is '(ff:1f.7)'",
        ),
        (
            "(100000000:1f.0)",
            0,
            "the kernel reads '(100000000:1f.0)' as '(00:1f.0)'; "
            "an entry is '(BUS:DEVICE.FUNCTION)' in hexadecimal, such as '(03:00.0)'",
        ),
        (
            "(00:04.0)" * 7 + "(",
            63,
            "the list has 64 characters and the kernel keeps 63, then reads past its buffer",
        ),
    ],
)
def test_problems_say_where_and_what(value: str, offset: int, message: str) -> None:
    (problem,) = read(value).problems
    assert (problem.offset, problem.message) == (offset, message)
    assert not read(value).clean


@pytest.mark.parametrize("value", ["", "(0:4.0)", "(00:04.0)(0000:00:05.0)", "(00:1A.0)", "(00:4.0)"])
def test_a_usual_list_is_clean(value: str) -> None:
    assert read(value).clean


def test_what_is_rendered_reads_back() -> None:
    addresses = [Address(0, bus, device, 7) for bus in (0, 0x0A, 0xFF) for device in (0, 0x1F)]
    for short in (False, True):
        text = render(addresses, short)
        assert len(text) <= MAX_VALUE
        assert read(text).claims == tuple(addresses)
        assert read(text).clean
