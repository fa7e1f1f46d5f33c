# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever was done with a file, and whoever edited it in between: what is undone is ours, and nothing else."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable

from hypothesis import assume, event, given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide as edit_hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import (
    BOOT,
    GUEST,
    KINDS,
    SCHEMA,
    Original,
    Originals,
    parse,
    render,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.edit import with_pci
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import Change, note, restore
from tests import depth

EXAMPLES = depth.examples(500, database=None, derandomize=True)

# The record itself

paths = st.lists(
    st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1), min_size=1
)
plain_paths = paths.filter(lambda parts: not {".", ".."} & set(parts)).map(lambda parts: "/" + "/".join(parts))
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
originals = st.builds(
    Originals,
    st.dictionaries(
        plain_paths,
        st.builds(
            Original,
            st.sampled_from(KINDS),
            st.one_of(st.none(), st.binary(max_size=50)),
            st.lists(digests, max_size=2).map(tuple),
        ),
        max_size=3,
    ),
    st.sets(plain_paths, max_size=3).map(lambda found: tuple(sorted(found))),
)
json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
)


@EXAMPLES
@given(originals)
def test_a_record_is_read_as_it_was_written(record: Originals) -> None:
    assert parse(render(record), "x") == record


@EXAMPLES
@given(st.one_of(st.binary(), json_values.map(lambda value: json.dumps(value).encode())))
def test_anything_else_is_one_sentence(data: bytes) -> None:
    with contextlib.suppress(PcibackError):
        parse(data, "x")
        raise ValueError("accepted")


@EXAMPLES
@given(originals, st.data())
def test_a_damaged_record_is_read_or_refused(record: Originals, data: st.DataObject) -> None:
    document = json.loads(render(record))
    target = document
    while isinstance(target, dict) and target:
        key = data.draw(st.sampled_from(sorted(target)))
        if not isinstance(target[key], dict) or data.draw(st.booleans()):
            target[key] = data.draw(json_values)
            break
        target = target[key]
    with contextlib.suppress(PcibackError):
        assert parse(json.dumps(document).encode(), "x").paths is not None
        assert document["schema"] == SCHEMA


# Files that several runs changed, with somebody else's edits in between

addresses = st.builds(Address, st.just(0), st.sampled_from([0, 3]), st.integers(0, 4), st.just(0))
lists = st.lists(addresses, min_size=1, max_size=3, unique=True)
own_lists = st.one_of(
    st.just(b""), lists.map(lambda items: b" pciback.hide=" + b"".join(f"({item.bdf})".encode() for item in items))
)
titles = st.sampled_from([b"Xen", b"Xen single", b"Other"])
xen_lines = st.one_of(
    st.builds(
        b"menu=%b:load /netbsd-XEN3_DOM0.gz%b;multiboot /xen.gz dom0_mem=512M".__mod__, st.tuples(titles, own_lists)
    ),
    st.builds(
        b"menu=%b:load /netbsd-XEN3_DOM0.gz -s;multiboot /xen.gz%b # by hand".__mod__,
        st.tuples(titles, own_lists.map(lambda text: b" --" + text if text else text)),
    ),
)
plain_lines = st.sampled_from(
    [b"", b"# a comment", b"menu=NetBSD:boot netbsd", b"timeout=5", b"clear=1", b"default=1", b"banner=Hello"]
)


@st.composite
def boot_files(draw: st.DrawFn) -> bytes:
    lines = draw(st.lists(st.one_of(plain_lines, plain_lines, xen_lines), max_size=6))
    lines.insert(draw(st.integers(0, len(lines))), draw(xen_lines))
    # Titles of their own, so that each line has its place.
    lines = [line.replace(b":load", b" %d:load" % number) for number, line in enumerate(lines)]
    return b"\n".join(lines) + draw(st.sampled_from([b"", b"\n", b"\n"]))


def hide(data: bytes, wanted: list[Address]) -> bytes:
    return edit_hide(BootCfg.parse(data), wanted).boot_cfg.render()


@st.composite
def guest_files(draw: st.DrawFn) -> bytes:
    item = addresses.map(lambda address: f"'{address.bdf}'".encode())
    items = draw(st.lists(item, max_size=3, unique=True))
    separator = draw(st.sampled_from([b", ", b",", b", # why\n   ", b"\n,"]))
    own = [b"pci = [ " + separator.join(items) + draw(st.sampled_from([b" ]", b", ]"]))] if items else []
    lines = [b"name = 'mail' # by hand", *own, b"memory = 512", b"# the end"]
    return b"\n".join(draw(st.permutations(lines))) + b"\n"


def assign(data: bytes, wanted: list[Address]) -> bytes:
    return with_pci(XlConfig.parse(data, "x"), [PciSpec(address) for address in wanted]).render()


@st.composite
def edits(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """An edit that touches no line of ours."""
    kind = draw(st.sampled_from(["top", "end", "comment", "number"]))
    if kind == "top":
        return lambda data: b"# somebody was here\n" + data
    if kind == "end":
        return lambda data: data + (b"" if data.endswith(b"\n") else b"\n") + b"# somebody was here\n"
    if kind == "comment":
        return lambda data: data.replace(b"# a comment\n", b"# another\n# comment\n").replace(b"# the end", b"# still")
    return lambda data: data.replace(b"timeout=5", b"timeout=9").replace(b"memory = 512", b"memory = 768")


def check(kind: str, data: bytes, change: Callable[[bytes, list[Address]], bytes], rounds: list[list[Address]]) -> None:
    record, now = Originals(), data
    for wanted in rounds:
        try:
            after = change(now, wanted)
        except PcibackError:
            continue
        noted = note(record, [Change("/x", kind, now, after)])
        assert noted.warnings == ()
        for found in (now, after):
            assert restore("/x", noted.before.files.get("/x"), found).data == data, "killed before or after the write"
        record, now = noted.after, after
    assert record.empty == (now == data)
    assert restore("/x", record.files.get("/x"), now).data == data


@EXAMPLES
@given(boot_files(), st.lists(lists, max_size=3))
def test_a_boot_configuration_is_given_back_byte_for_byte(data: bytes, rounds: list[list[Address]]) -> None:
    check(BOOT, data, hide, rounds)


@EXAMPLES
@given(guest_files(), st.lists(st.lists(addresses, max_size=3, unique=True), max_size=3))
def test_a_guest_is_given_back_byte_for_byte(data: bytes, rounds: list[list[Address]]) -> None:
    check(GUEST, data, assign, rounds)


@EXAMPLES
@given(boot_files(), lists, lists, edits())
def test_an_edit_of_a_boot_configuration_survives(
    data: bytes, first: list[Address], second: list[Address], edit: Callable[[bytes], bytes]
) -> None:
    try:
        ours = hide(data, first)
        again = hide(edit(ours), second)
    except PcibackError:
        assume(False)
    known = note(Originals(), [Change("/x", BOOT, data, ours)]).after
    restored = restore("/x", known.files.get("/x"), edit(ours))
    if restored.warnings:
        # Only a line with a list may have lost its place.
        event("a list lost its place")
        assert "pciback.hide" in restored.warnings[0]
        assert restored.data == BootCfg.parse(restored.data or b"").render()
    else:
        assert restored.data == edit(data)
    assert restore("/x", known.files.get("/x"), restored.data) == restored
    noted = note(known, [Change("/x", BOOT, edit(ours), again)])
    assert noted.warnings == (restored.warnings if again != edit(ours) else ())
    assert restore("/x", noted.before.files.get("/x"), again).data == restored.data
    assert restore("/x", noted.before.files.get("/x"), edit(ours)).data == restored.data


@EXAMPLES
@given(guest_files(), lists, edits())
def test_an_edit_of_a_guest_survives(data: bytes, wanted: list[Address], edit: Callable[[bytes], bytes]) -> None:
    ours = assign(data, wanted)
    known = note(Originals(), [Change("/x", GUEST, data, ours)]).after
    restored = restore("/x", known.files.get("/x"), edit(ours))
    assert restored.data is not None and restored.warnings == ()
    found, expected = XlConfig.parse(restored.data, "x"), XlConfig.parse(edit(data), "x")
    assert [entry.spec for entry in found.pci] == [entry.spec for entry in expected.pci]
    assert sorted(with_pci(found, []).render().split()) == sorted(with_pci(expected, []).render().split())
    event("byte for byte" if restored.data == edit(data) else "in another form")
    assert restore("/x", known.files.get("/x"), restored.data) == restored
