# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record for the host's start-up is a text that a shell reads: fields and lines."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import (
    HEADER,
    Attachments,
    GuestAttachments,
    attach_word,
    is_kernels,
    kernels_part,
    render,
    render_over,
    take_word,
)

CARD = "0000:03:00.0"


def test_words_are_those_of_pcibackctl() -> None:
    assert take_word(CARD, "8086:10d3", None) == f"{CARD},id=8086:10d3"
    assert take_word(CARD, "8086:10d3", "8086:a01f", ["no-reset"], 20) == (
        f"{CARD},id=8086:10d3,subsystem=8086:a01f,irq=20,allow=no-reset"
    )
    assert take_word(CARD, None, irq=20) == f"{CARD},irq=20"
    assert take_word(CARD, "8086:10d3", "8086:a01f", ["no-reset", "shared-irq"]) == (
        f"{CARD},id=8086:10d3,subsystem=8086:a01f,allow=no-reset+shared-irq"
    )
    assert attach_word(CARD, rdm_policy="strict") == CARD
    assert attach_word(CARD, permissive=True, rdm_policy="relaxed") == f"{CARD},permissive=1,rdm_policy=relaxed"


def test_a_line_a_device_and_a_line_a_guest() -> None:
    guest = GuestAttachments("fire wall", "/etc/xen/fire wall", (CARD, "0000:04:00.0,permissive=1"))
    assert (
        render(Attachments((f"{CARD},id=8086:10d3",), (guest,)))
        == (
            f"{HEADER}device\t{CARD},id=8086:10d3\nguest\tfire wall\t/etc/xen/fire wall\t{CARD} 0000:04:00.0,permissive=1\n"
        ).encode()
    )
    assert HEADER == (
        "# What pcibackd takes and gives to guests when this host starts. "
        "xen.pciback writes this file anew at each change.\n"
    )


def test_the_record_of_the_kernels_backend_says_so() -> None:
    guest = GuestAttachments("web", "/etc/xen/web", (CARD,))
    of_kernel = render(Attachments((f"{CARD},id=8086:10d3",), (guest,), by_kernel=True))
    assert of_kernel == (
        b"# What guests of the kernel's backend get when this host starts. "
        b"xen.pciback writes this file anew at each change.\n"
        b"backend\tkernel\ndevice\t0000:03:00.0,id=8086:10d3\nguest\tweb\t/etc/xen/web\t0000:03:00.0\n"
    )
    assert is_kernels(of_kernel)
    of_pcibackd = render(Attachments((f"{CARD},id=8086:10d3",), (guest,)))
    assert of_pcibackd is not None and not is_kernels(of_pcibackd)
    assert render(Attachments(by_kernel=True)) is render(Attachments()) is None


def test_a_record_for_both_backends_has_a_part_for_each() -> None:
    guest = GuestAttachments("fire wall", "/etc/xen/web", (CARD, "0000:04:00.0"))
    native = Attachments((f"{CARD},id=8086:10d3",), (guest,))
    kernels = Attachments((f"{CARD},id=8086:10d3,allow=no-reset+shared-irq",), (guest,), True, beside_native=True)
    line = f"guest\tfire wall\t/etc/xen/web\t{CARD} 0000:04:00.0\n"
    both = render_over(kernels, render(native))
    own = (render(kernels) or b"").decode()
    assert (both or b"").decode() == f"{HEADER}backend\tnative\ndevice\t{CARD},id=8086:10d3\n{line}{own}"
    assert is_kernels(both or b"")
    # Each can be written anew without the other, and goes without the other.
    assert render_over(kernels, both) == both
    assert kernels_part(both or b"") == replace(kernels, beside_native=False)
    assert render_over(native, both) == render(native)
    assert render_over(replace(kernels, beside_native=False), both) == render(kernels)
    assert kernels_part(render(kernels) or b"") is kernels_part(render(native) or b"") is None
    # Nothing was recorded of pcibackd: it gives nothing.
    assert render_over(kernels, None) == f"{HEADER}backend\tnative\n{own}".encode()
    assert render_over(Attachments(beside_native=True, by_kernel=True), render(native)) is None
    # The same the other way round.
    assert render_over(replace(native, beside_kernel=True), render(replace(kernels, beside_native=False))) == both
    assert render_over(replace(native, beside_kernel=True), both) == both
    assert render_over(replace(native, beside_kernel=True), render(native)) == render(native)
    assert render_over(replace(native, beside_kernel=True), None) == render(native)
    assert render_over(Attachments(beside_kernel=True), both) is None


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1)


@given(st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=4))
def test_fields_come_back(guests: list[tuple[str, str]]) -> None:
    attachments = Attachments((), tuple(GuestAttachments(name, f"/{path}", (CARD,)) for name, path in guests))
    lines = (render(attachments) or b"").decode().split("\n")[1:-1]
    assert [line.split("\t") for line in lines] == [["guest", name, f"/{path}", CARD] for name, path in guests]
