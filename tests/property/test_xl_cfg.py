# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an xl configuration looks like: an edit gives exactly the wanted devices, nothing else changes."""

from __future__ import annotations

import re

from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.edit import with_pci
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import PciSpec
from tests import depth

EXAMPLES = depth.examples(300)
MANY_EXAMPLES = depth.examples(2000)

addresses = st.builds(
    Address,
    st.sampled_from([0, 0, 0, 1, 0xFFFF]),
    # Few enough that what is wanted and what is there often meet.
    st.integers(0, 2),
    st.sampled_from([0, 5, 0x1F]),
    st.integers(0, 1),
)
flags = st.one_of(st.none(), st.booleans())
wanted_specs = st.builds(
    PciSpec,
    address=addresses,
    vslot=st.one_of(st.none(), st.integers(0, 31)),
    permissive=flags,
    msitranslate=flags,
    seize=flags,
    power_mgmt=flags,
    rdm_policy=st.sampled_from([None, None, "strict", "relaxed"]),
)
wanted_lists = st.lists(wanted_specs, max_size=4, unique_by=lambda spec: spec.key)


@st.composite
def spec_texts(draw: st.DrawFn) -> str:
    """A PCI_SPEC_STRING in one of the many ways that people write it."""
    address = draw(addresses)
    bdf = draw(st.sampled_from([str(address), address.bdf, address.short, address.bdf.upper()]))
    if draw(st.integers(0, 9)) == 0:
        bdf = bdf[:-1] + "*"
    slot = draw(st.sampled_from(["", "", "@5", "@1F", "@0x3"]))
    pairs = draw(
        st.lists(
            st.sampled_from(
                [
                    "permissive=1",
                    "permissive=yes",
                    "seize=0",
                    "seize=2",
                    "msitranslate= 1",
                    "power_mgmt=1",
                    "rdm_policy=strict",
                    "rdm_policy=RELAXED",
                    "vslot=1e",
                ]
            ),
            max_size=3,
        )
    )
    text = ",".join(draw(st.sampled_from([[bdf + slot, *pairs], [*pairs, "bdf=" + bdf]])))
    if draw(st.integers(0, 9)) == 0:
        text = ",".join(["name=card 1", *pairs])
    return text + draw(st.sampled_from(["", "", ","]))


blanks = st.sampled_from([b"", b" ", b"  ", b"\t"])
gaps = st.sampled_from([b"", b" ", b"\n", b"\n    ", b" # card\n", b" # it's [not] a 'string'\r\n  ", b"\n\n"])


@st.composite
def lists(draw: st.DrawFn, nested: bool) -> bytes:
    quote = draw(st.sampled_from([b"'", b'"']))
    items = draw(st.lists(spec_texts(), max_size=4))
    texts = [quote + text.encode() + quote for text in items]
    if nested and draw(st.integers(0, 19)) == 0:
        texts.insert(draw(st.integers(0, len(texts))), b"['nested', [1,]]")
    body = b"".join(
        draw(gaps) + text + draw(gaps) + (b"," if number + 1 < len(texts) else b"") for number, text in enumerate(texts)
    )
    if texts and draw(st.booleans()):
        body += b"," + draw(gaps)
    return b"[" + (body or draw(gaps)) + b"]"


others = st.sampled_from(
    [
        b"name = 'guest'",
        b'kernel="/netbsd-\xe4\xff"',
        b"memory\t=  0x100",
        b"disk = [ 'phy:/dev/wd0e,0,w',\n ]",
        b"pci_permissive = 1",
        b"pci_seize='0'",
        b"extra='it\\'s \\\\ pci=[ ]'",
        b"vif=[[1,2],]",
        b"",
    ]
)


@st.composite
def files(draw: st.DrawFn, with_pci: bool = True, nested: bool = True) -> bytes:
    data = b""
    for _number in range(draw(st.integers(0, 5))):
        data += draw(blanks)
        if with_pci and draw(st.integers(0, 2)) == 0:
            data += (
                b"pci" + draw(blanks) + draw(st.sampled_from([b"=", b"=", b"+="])) + draw(blanks) + draw(lists(nested))
            )
        else:
            data += draw(others)
        data += draw(blanks) + draw(
            st.sampled_from([b"\n", b"\n", b"\n\n", b";", b"; ;", b" # note\n", b"# pci = ['00:00.0']\r\n"])
        )
    if draw(st.booleans()):
        # The last line may have no newline.
        data += b"pci = " + draw(lists(nested)) if with_pci and draw(st.booleans()) else draw(others)
    return data


def split(config: XlConfig) -> tuple[list[bytes], list[bytes]]:
    """The statements that are not of pci, and the comments, as they stand in the file."""
    rest = [config.data[statement.start : statement.end] for statement in config.statements if statement.name != "pci"]
    strings = rb"\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'"
    comments = [found for found in re.findall(strings + rb"|(#[^\n]*)", config.data) if found]
    return rest, comments


@EXAMPLES
@given(spec_texts())
def test_a_device_written_again_is_the_same_device(text: str) -> None:
    spec = PciSpec.parse(text)
    again = PciSpec.parse(spec.render())
    assert (again.key, {**again.options, "vslot": 0}) == (spec.key, {**spec.options, "vslot": 0})
    assert (again.vslot or 0) == (spec.vslot or 0)


@EXAMPLES
@given(wanted_specs)
def test_a_device_is_read_as_it_was_written(spec: PciSpec) -> None:
    again = PciSpec.parse(spec.render())
    assert again.doubts == ()
    assert (again.address, again.vslot or 0) == (spec.address, spec.vslot or 0)
    assert {**again.options, "vslot": 0} == {**spec.options, "vslot": 0}


@EXAMPLES
@given(st.one_of(files(), st.binary(max_size=60), st.text("pci=+[]'\",; \n\r\t#\\ax05:.@", max_size=60)))
def test_a_file_is_refused_with_its_place_or_loses_nothing(raw: bytes | str) -> None:
    data = raw if isinstance(raw, bytes) else raw.encode()
    try:
        config = XlConfig.parse(data, "F")
    except PcibackError as error:
        assert error.code == "domain-config-invalid"
        assert error.line is not None and error.column is not None
        lines = data.split(b"\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert "\n" not in str(error)
    else:
        assert config.render() == data


@MANY_EXAMPLES
@given(files(), wanted_lists)
def test_an_edit_gives_exactly_the_wanted_devices_and_nothing_else(data: bytes, wanted: list[PciSpec]) -> None:
    before = XlConfig.parse(data, "F")
    after = with_pci(before, wanted)

    assert {entry.spec.key for entry in after.pci} == {spec.key for spec in wanted}
    assert len(after.pci) == len(wanted)
    for spec in wanted:
        (entry,) = (entry for entry in after.pci if entry.spec.key == spec.key)
        assert after.satisfies(entry, spec)
    assert split(after) == split(before)
    assert (after.name, after.globals) == (before.name, before.globals)
    assert with_pci(after, wanted) is after
    assert with_pci(XlConfig.parse(after.render(), "F"), wanted).render() == after.render()


@EXAMPLES
@given(files(), wanted_lists)
def test_entries_that_already_hold_keep_their_spelling(data: bytes, wanted: list[PciSpec]) -> None:
    before = XlConfig.parse(data, "F")
    spelled = {spec.key: {entry.text for entry in before.pci if before.satisfies(entry, spec)} for spec in wanted}
    for entry in with_pci(before, wanted).pci:
        assert not spelled[entry.spec.key] or entry.text in spelled[entry.spec.key]


@EXAMPLES
@given(files(with_pci=False), wanted_lists.filter(bool), st.lists(wanted_lists, max_size=2))
def test_a_file_without_the_list_is_restored(data: bytes, wanted: list[PciSpec], then: list[list[PciSpec]]) -> None:
    config = XlConfig.parse(data, "F")
    for step in [wanted, *then]:
        config = with_pci(config, step)
    assert with_pci(config, []).render() == data


@EXAMPLES
@given(files(nested=False), wanted_lists)
def test_devices_that_come_and_go_leave_no_trace(data: bytes, wanted: list[PciSpec]) -> None:
    found = XlConfig.parse(data, "F")
    held = list({entry.spec.key: entry.spec for entry in found.pci}.values())
    # An empty list is no list afterwards: nothing tells it from one that was emptied.
    assume(held)
    before = with_pci(found, held)
    more = [spec for spec in wanted if spec.key not in {one.key for one in held}]
    assert with_pci(with_pci(before, held + more), held).render() == before.render()
