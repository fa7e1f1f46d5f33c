# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Xen's debug keys: what is read of them, and what is told of a change. The text was captured on the lab, and shortened."""

from __future__ import annotations

import pytest
from xen import debug_keys

BEFORE = """\
(XEN) Rangesets belonging to domain 0:
(XEN)     Interrupts { 1-23, 25-30, 34-35 }
(XEN)     I/O Memory { 0-fed8f, fed91-fedff, fef00-fcfffff }
(XEN)     I/O Ports  { 0-1f, 22-3f, d00-ffff }
(XEN)     log-dirty  { }
(XEN) Rangesets belonging to domain 5:
(XEN)     Interrupts { 21 }
(XEN)     I/O Memory { fe600-fe61f }
(XEN)     I/O Ports  { c180-c1bf }
(XEN) Rangesets belonging to domain 6:
(XEN)     Interrupts { 23 }
(XEN)     I/O Memory { fe640-fe67f, fe6a0-fe6a3 }
(XEN)     I/O Ports  { c2a0-c2bf }
(XEN) ==== PCI devices ====
(XEN) ==== segment 0000 ====
(XEN) 0000:01:00.0 - d0 - node -1  - MSIs < 34 35 >
(XEN) 0000:00:07.0 - d6 - node -1
(XEN) 0000:00:05.0 - d5 - node -1
(XEN)    IRQ:   9 vec:68 IO-APIC-level   status=010 aff:{0}/{0} in-flight=0 d0:  9(---)
(XEN)    IRQ:  21 vec:31 IO-APIC-level   status=010 aff:{1}/{0-1} in-flight=0 d5: 21(---)
(XEN)    IRQ:  23 vec:c0 IO-APIC-level   status=002 aff:{0-1}/{0-1} mapped, unbound
(XEN)    IRQ:  34 vec:59 PCI-MSI/-X      status=010 aff:{0}/{0-1} in-flight=0 d0:222(---)
(XEN) grant-table for remote d0 (v1)
(XEN) no active grant table entries
(XEN) grant-table for remote d5 (v1)
(XEN) [0x000]      0 0x3f602 0x00000002          0 0x03f602 0x19
(XEN) [0x008]      0 0x3b6dd 0x00000002          0 0x03b6dd 0x19
(XEN) grant-table for remote d6 (v1)
(XEN) [0x000]      0 0x35602 0x00000002          0 0x035602 0x19
(XEN) Event channel information for domain 0:
(XEN)        7 [0/0/  -   ]: s=5 n=0 x=0 v=9
(XEN)        8 [0/0/  -   ]: s=4 n=0 x=0 p=9 i=9
(XEN)       26 [0/0/  -   ]: s=3 n=0 x=0 d=6 p=1
(XEN)       28 [1/0/  0   ]: s=3 n=0 x=0 d=5 p=8
(XEN) Event channel information for domain 5:
(XEN)        8 [0/0/  -   ]: s=3 n=0 x=0 d=0 p=28
(XEN) Event channel information for domain 6:
(XEN)        1 [0/0/  -   ]: s=3 n=0 x=0 d=0 p=26
(XEN)        8 [1/1/  -   ]: s=2 n=0 x=0 d=0
"""
ATTACKER = 6


def changes(*replaced: tuple[str, str]) -> list[str]:
    """What is told where the picture afterwards differs in some texts."""
    text = BEFORE
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    return list(debug_keys.reached(debug_keys.parse(BEFORE), debug_keys.parse(text), ATTACKER))


def test_everything_is_counted() -> None:
    seen = debug_keys.parse(BEFORE)
    assert seen.domains == {0, 5, 6}
    assert seen.ranges[0, "Interrupts"] == ((1, 23), (25, 30), (34, 35))
    assert seen.ranges[6, "I/O Memory"] == ((0xFE640, 0xFE67F), (0xFE6A0, 0xFE6A3))
    assert seen.owners == {"0000:01:00.0": "0", "0000:00:07.0": "6", "0000:00:05.0": "5"}
    assert seen.interrupts == {9: {0}, 21: {5}, 23: frozenset(), 34: {0}}
    assert seen.grants == {(5, 0): 2, (6, 0): 1}
    assert seen.channels == {(0, 6): 1, (0, 5): 1, (5, 0): 1, (6, 0): 1}


def test_no_interrupts_are_no_ranges() -> None:
    assert debug_keys.parse_ranges("Interrupts", " ") == ()
    assert debug_keys.parse_ranges("I/O Ports", " c2a0-c2bf, d0 ") == ((0xC2A0, 0xC2BF), (0xD0, 0xD0))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Rangesets", "ranges"),
        (" - d", "owners"),
        ("IRQ:", "interrupts"),
        ("grant-table", "grants"),
        ("Event channel", "channels"),
    ],
)
def test_what_the_console_has_lost_is_no_answer(line: str, name: str) -> None:
    text = BEFORE.replace("s=3", "s=0") if name == "channels" else BEFORE
    lines = [each for each in text.splitlines() if line not in each and not (name == "ranges" and "{ " in each)]
    with pytest.raises(ValueError, match=f"debug keys have shown nothing of {name}"):
        debug_keys.parse("\n".join(lines))


def test_nothing_has_changed() -> None:
    assert changes() == []


def test_an_attacker_may_lose_what_it_had() -> None:
    assert not changes(
        ("    I/O Memory { fe640-fe67f, fe6a0-fe6a3 }", "    I/O Memory { fe640-fe641 }"),
        ("    Interrupts { 23 }", "    Interrupts { }"),
        ("0000:00:07.0 - d6", "0000:00:07.0 - DomIO:8005"),
        ("[0x000]      0 0x35602 0x00000002          0 0x035602 0x19", "no active grant table entries"),
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("fe640-fe67f, fe6a0", "fe640-fe680, fe6a0", "the attacker has I/O Memory"),
        ("{ fe600-fe61f }", "{ }", "domain 5 has I/O Memory (), and had ((1041920, 1041951),)"),
        ("0000:00:05.0 - d5", "0000:00:05.0 - d6", "0000:00:05.0 was domain 5's, and is 6's"),
        ("0000:01:00.0 - d0", "0000:01:00.0 - DomIO:8005", "0000:01:00.0 was domain 0's, and is DomIO:8005's"),
        ("d5: 21(---)", "d6: 21(---)", "interrupt 21 was bound to domains [5], and is to []"),
        (
            "[0x000]      0 0x35602",
            "[0x001]      0 0x35603 0x00000002          0 0x035603 0x19\n(XEN) [0x000]      0 0x35602",
            "pages mapped between domains 6 and 0: 2, and 1 before",
        ),
        (
            "[0x008]      0 0x3b6dd 0x00000002          0 0x03b6dd 0x19",
            "",
            "pages mapped between domains 5 and 0: 1, and 2 before",
        ),
        ("s=3 n=0 x=0 d=5 p=8", "s=0 n=0 x=0", "event channels between domains 0 and 5: 0, and 1 before"),
    ],
)
def test_a_change_is_told(old: str, new: str, told: str) -> None:
    (sentence,) = changes((old, new))
    assert sentence.startswith(told)


def test_what_is_left_of_a_domain_that_is_gone() -> None:
    seen = debug_keys.parse(BEFORE)
    assert list(debug_keys.left(seen, {9})) == []
    assert list(debug_keys.left(seen, {6})) == [
        "domain 6 is still there",
        "0000:00:07.0 is still domain 6's",
        "pages mapped between domains 6 and 0: 1",
        "event channels between domains 0 and 6: 1",
        "event channels between domains 6 and 0: 1",
    ]
