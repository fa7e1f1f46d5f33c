# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The editor of boot.cfg against the C model of NetBSD's boot: two readers that share no code.

Whatever the file and the devices are, the editor refuses, or the model predicts for each edited entry that the
kernel claims exactly these devices.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

import pytest
from hypothesis import HealthCheck, event, example, given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import hide_list
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.check import check_bootable
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide, unhide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.limits import MAX_FILE
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import EITHER, NEW, OLD, Loaders
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.menu import XEN
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_entries import PREVIOUS_SUFFIX
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import predict
from ansible_collections.xen.pciback.plugins.module_utils.planning.prediction import Prediction, disagreement
from tests import depth

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "2000"))

checked = depth.examples(
    EXAMPLES,
    database=None,
    # The same examples on every machine, unless another number is asked for.
    derandomize="PROPERTY_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def pcibackctl() -> str:
    path = os.environ.get("PCIBACKCTL") or str(Path(__file__).parents[2] / "native/build/pcibackctl")
    if not os.access(path, os.X_OK):
        pytest.fail(f"{path} is not there: build it with 'make -C native'")
    return path


def _run(argv: Sequence[str]) -> tuple[int, str, str]:
    done = subprocess.run(argv, capture_output=True, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


class Model:
    """Asks pcibackctl about bytes."""

    def __init__(self, pcibackctl: str, folder: Path) -> None:
        self._pcibackctl = pcibackctl
        self._path = folder / "boot.cfg"

    def predict(
        self, data: bytes, entry: int | None = None, loaders: Loaders = EITHER, without: str | None = None
    ) -> Prediction:
        self._path.write_bytes(data)
        return predict(self._pcibackctl, str(self._path), entry, without=without, loaders=loaders, run=_run)


# What a file may look like

addresses = st.builds(
    Address,
    st.just(0),
    st.sampled_from([0, 0, 0, 1, 2, 3, 0x0A, 0x80, 0xFF]),
    st.integers(0, 0x1F),
    st.sampled_from([0, 0, 0, 0, 1, 7]),
)
device_sets = st.one_of(
    st.lists(addresses, min_size=1, max_size=3, unique=True),
    st.lists(addresses, min_size=1, max_size=9, unique=True),
)
values = st.one_of(
    device_sets.map(hide_list.render),
    device_sets.map(lambda devices: hide_list.render(devices, short=True)),
    st.sampled_from(
        [
            "",
            "()",
            "(junk)",
            "(00:04.0),(00:05.0)",
            "(00:04.0",
            "00:04.0",
            "(0000:00:04.0)(00:1G.0)",
            "(100:1f.0)",
            "(\t00:04.0)",
            "(00:04.0)\t-v",
            "(00:04.0)\xe9",
            "(00:04.0)" * 8,
        ]
    ),
)
rarely = st.sampled_from([False] * 9 + [True])
very_rarely = st.sampled_from([False] * 29 + [True])


@dataclass(frozen=True)
class Manner:
    """How a file is written: with hide lists in it, and with what keeps an entry from booting."""

    lists: bool
    odd: bool


@st.composite
def blanks(draw: st.DrawFn, manner: Manner) -> str:
    return draw(st.sampled_from([" "] * 12 + (["  ", "\t", " \t", "\t "] if manner.odd else ["  "])))


WORDS = ["-v", "-s", "console=pc", "bootdev=wd0", "root=wd0a", "x=\xe9\xfc", "rootfstype=ffs", "-", "--"]
WORDS += ["y" * 30, "com1=115200,8n1", "dom0_mem=512M"]


@st.composite
def words(draw: st.DrawFn, manner: Manner) -> str:
    """Arguments, each with the blank before it, some of them hide lists."""
    text = ""
    for _word in range(draw(st.integers(0, 3))):
        if manner.lists and draw(rarely):
            option = draw(st.sampled_from(["pciback.hide="] * 4 + ["PCIBACK.Hide=", "xpciback.hide=", "pciback.hide"]))
            word = option + draw(values)
        else:
            word = draw(st.sampled_from(WORDS))
        text += draw(blanks(manner)) + word
    return text


@st.composite
def loads(draw: st.DrawFn, manner: Manner) -> str:
    paths = ["/netbsd-XEN3_DOM0.gz"] * 6 + [
        "/n",
        "/xen0",
        "hd0a:/netbsd-XEN3_DOM0",
        "NAME=root:/netbsd",
        "/" + "k" * 60,
    ]
    if manner.odd and draw(very_rarely):
        paths = ["/netbsd-GENERIC.gz"]
    path = draw(st.sampled_from([*paths, "netbsd", ""] if manner.odd else paths))
    return draw(blanks(manner)) + path + draw(words(manner))


@st.composite
def multiboots(draw: st.DrawFn, manner: Manner) -> str:
    paths = ["/xen.gz"] * 6 + ["xen.gz", "hd0a:/xen"]
    text = draw(blanks(manner)) + draw(st.sampled_from([*paths, ""] if manner.odd else paths)) + draw(words(manner))
    if draw(very_rarely):
        modes = [" dom0=pvh dom0=pv", " dom0=pvhx"]
        modes += [" dom0=pvh", " dom0=verbose,pvh", " dom0=pv,pvh x"] if manner.odd else []
        text += draw(st.sampled_from(modes))
    if draw(rarely):
        separator = draw(st.sampled_from([" -- ", " --", " --  ", "\t-- "]))
        behind = draw(words(manner)).lstrip()
        # A word that starts with '-' is boot flags, and a 'd' among them stops in the debugger, list or no list.
        glued = separator.endswith("-") and "d" in behind.partition(" ")[0]
        text += separator + (" " if glued else "") + behind
    if draw(very_rarely):
        text += " " + "z" * draw(st.sampled_from([150, 180, 200, 1000]))
    return text


@st.composite
def xen_commands(draw: st.DrawFn, manner: Manner, load: bool) -> str:
    commands = ["load" + draw(loads(manner))] if load or draw(rarely) else []
    if draw(rarely):
        commands.append("load" + draw(loads(manner)))
    commands.append("multiboot" + draw(multiboots(manner)))
    if draw(rarely):
        extra = ["dev", "consdev com0", "userconf disable pci", "ls", "modules on"]
        if manner.odd:
            extra += ["frob", "", " ", "boot", "rndseed /e", "\tdev"]
        commands.insert(draw(st.integers(0, len(commands))), draw(st.sampled_from(extra)))
    if not manner.odd:
        return draw(st.sampled_from([";"] * 6 + ["; ", " ;", " ; "])).join(commands) + draw(
            st.sampled_from(["", "", " "])
        )
    if draw(rarely):
        commands.reverse()
    separator = draw(st.sampled_from([";"] * 3 + ["; ", " ; ", ";;"]))
    return draw(st.sampled_from(["", "", " "])) + separator.join(commands) + draw(st.sampled_from(["", ";", "; "]))


titles = st.sampled_from(["Xen", "Xen 4", "Xen, single user", " Xen", "", "B\xfcro", "Xen" + PREVIOUS_SUFFIX])


@st.composite
def menu_lines(draw: st.DrawFn, manner: Manner, load: bool, xen: bool = False) -> str:
    key = draw(st.sampled_from(["menu"] * 8 + ["menux", "menu "]))
    title = draw(titles)
    if not xen and draw(st.sampled_from([False, False, True])):
        kernels = ["boot netbsd", "prompt", "boot netbsd -s", "dev;ls", "", "boot netbsd pciback.hide=(0:1.0)"]
        commands = draw(st.sampled_from(kernels))
    else:
        commands = draw(xen_commands(manner, load))
    return f"{key}={title}:{commands}"


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Bytes of a boot.cfg, most of them such that a person could have written them."""
    manner = Manner(lists=draw(st.booleans()), odd=draw(st.sampled_from([False, False, False, True])))
    shared = draw(st.sampled_from([False, False, False, False, True]))
    lines = [f"load={draw(loads(manner)).lstrip()}"] if shared else []
    if shared and draw(rarely):
        lines.append(f"load={draw(loads(manner)).lstrip()}")
    count = draw(st.sampled_from([1, 1, 2, 2, 3, 4, 8, 9, 10, 19, 20, 21]))
    some = draw(st.lists(menu_lines(manner, load=not shared), max_size=2))
    if draw(st.sampled_from([True] * 9 + [False])) or not some:
        some.insert(draw(st.integers(0, len(some))), draw(menu_lines(manner, load=not shared, xen=True)))
    lines += [some[index % len(some)] for index in range(count)]
    others = ["", "# a comment", "banner=Welcome \xe9", "clear=1", "nonsense", "menu=No colon", "\tmenu=Tab:boot"]
    others += ["consdev=auto", "userconf=disable foo", "#menu=Xen:multiboot /x"]
    for line in draw(st.lists(st.sampled_from(others), max_size=3)):
        lines.insert(draw(st.integers(0, len(lines))), line)
    if draw(very_rarely):
        differing = ["loader=/n", "load =/m", "loads=/m pciback.hide=(0:9.0)", "rndseed=/e", "fs=/f", "dev=hd0a:"]
        line = draw(st.sampled_from([*differing, "rndseed =/e", "userconf =disable foo"]))
        lines.insert(draw(st.integers(0, len(lines))), line)
    for key, options in (
        ("timeout", ["5", "0", "-1", "", "x", "10"]),
        ("default", ["1", "2", "3", " 2", "99", "0", "-1", "2x", "4294967298"]),
        ("format", ["a", "n", "l", "x", "numbers"]),
    ):
        if draw(st.booleans()):
            lines.insert(draw(st.integers(0, len(lines))), f"{key}={draw(st.sampled_from(options))}")
    if draw(rarely):
        index = draw(st.integers(0, len(lines) - 1))
        lines[index] += draw(st.sampled_from(["# why", " # because; of=that", "\t#"]))
    ends = draw(st.sampled_from([["\n"]] * 8 + [["\r\n"], ["\n", "\r\n"]]))
    text = "".join(line + ends[index % len(ends)] for index, line in enumerate(lines))
    if draw(rarely):
        text = text.rstrip("\r\n")
    return text.encode(draw(st.sampled_from(["utf-8", "latin-1"])))


possible_loaders = st.sampled_from([EITHER, EITHER, OLD, NEW])


def _entries(boot_cfg: BootCfg, which: str) -> str | list[str]:
    """The argument ``entries``; for ``titles`` up to two that are used once, if there are any."""
    if which != "titles":
        return which
    often = Counter(entry.title.strip() for entry in boot_cfg.entries)
    found = [entry.title for entry in boot_cfg.entries if entry.kind == XEN and often[entry.title.strip()] == 1]
    return found[:2] or ["Xen"]


def test_what_is_written_is_what_the_kernel_claims(
    pcibackctl: str, tmp_path: Path, report: Callable[[str], None]
) -> None:
    model = Model(pcibackctl, tmp_path)
    tally: Counter[str] = Counter()

    @checked
    @given(
        data=files(),
        devices=device_sets,
        which=st.sampled_from(["xen"] * 4 + ["default", "titles"]),
        previous=st.sampled_from([True, True, False]),
        loaders=possible_loaders,
    )
    def check(data: bytes, devices: list[Address], which: str, previous: bool, loaders: Loaders) -> None:
        boot_cfg = BootCfg.parse(data, loaders=loaders)
        entries = _entries(boot_cfg, which)
        assert boot_cfg.render() == data
        try:
            edit = hide(boot_cfg, devices, entries, previous=previous)
        except PcibackError as refusal:
            tally["refused"] += 1
            event(f"refused: {refusal.code} {re.sub('[0-9]+', 'N', refusal.message)[:50]}")
            assert refusal.code in ("boot-config-invalid", "list-too-long")
            assert "\n" not in str(refusal)
            assert boot_cfg.render() == data
            return
        tally["written"] += 1
        written = edit.boot_cfg.render()
        before = model.predict(data, loaders=loaders)
        for placement in edit.entries:
            event(f"written: {placement.place} {placement.form} changed={placement.changed}")
            prediction = model.predict(written, placement.number, loaders)
            assert disagreement(prediction, devices) is None
            assert prediction.default == before.default
            number, title = placement.number, placement.title
            assert prediction.entries[number - 1].title == title or not title.isascii()
        event(f"previous: {edit.previous.number is not None} {edit.previous.reason}")
        if edit.previous.number is not None and not edit.previous.reason:
            _check_previous(model, data, edit.boot_cfg, boot_cfg, edit.previous.number)
            tally["previous"] += 1
        again = hide(edit.boot_cfg, devices, entries, previous=previous)
        assert not again.changed
        assert again.boot_cfg.render() == written
        without, wanted = _unhidden(edit.boot_cfg), _unhidden(boot_cfg)
        if PREVIOUS_SUFFIX.encode() not in wanted:
            # One that is not the last stays, because its number counts, and got another list.
            assert without == wanted
        if b"pciback.hide=" not in data.lower() and PREVIOUS_SUFFIX.encode() not in data:
            tally["restored"] += 1
            assert without == data

    check()
    report(", ".join(f"{count} {what}" for what, count in tally.items()))
    assert tally["written"] + tally["refused"] >= checked.max_examples
    assert tally["written"] > tally["refused"], tally
    assert tally["restored"] * 4 > tally["written"], tally
    assert tally["previous"] * 4 >= checked.max_examples, tally


def _unhidden(boot_cfg: BootCfg) -> bytes:
    """The bytes without any list, or the sentence that refuses to take them out."""
    try:
        return unhide(boot_cfg).boot_cfg.render()
    except PcibackError as refusal:
        return refusal.message.encode()


def _check_previous(model: Model, data: bytes, written: BootCfg, boot_cfg: BootCfg, number: int) -> None:
    """The kept entry boots as the one did that it is a copy of."""
    kept = model.predict(written.render(), number, boot_cfg.loaders)
    assert not kept.entries[number - 1].default
    title = written.entries[number - 1].title
    sources = [
        entry.number
        for entry in boot_cfg.entries
        if entry.kind == XEN
        and title in (entry.title + PREVIOUS_SUFFIX, f"Entry {entry.number}{PREVIOUS_SUFFIX}", entry.title)
    ]
    outcomes = [model.predict(data, source, boot_cfg.loaders) for source in sources]
    assert (kept.outcome, kept.claims) in [(before.outcome, before.claims) for before in outcomes]


@depth.examples(1000)
@given(st.binary(max_size=400))
@example(b"")
@example(b"\n")
@example(b"menu=\xff:load /n;multiboot /x\r\n#")
@example(b"x" * MAX_FILE)
@example(codecs.BOM_UTF8 + b"menu=Xen:load /n;multiboot /x\n")
def test_any_bytes_survive(data: bytes) -> None:
    try:
        boot_cfg = BootCfg.parse(data)
    except PcibackError as refusal:
        assert b"\0" in data or data.startswith(codecs.BOM_UTF8)
        assert refusal.code == "boot-config-invalid"
        return
    assert boot_cfg.render() == data
    assert all(entry.number <= 20 for entry in boot_cfg.entries)
    unhidden = unhide(boot_cfg)
    assert unhidden.changed == (unhidden.boot_cfg.render() != data)


def test_both_read_the_same_menu(pcibackctl: str, tmp_path: Path) -> None:
    model = Model(pcibackctl, tmp_path)

    @depth.examples(min(EXAMPLES, 500), parent=checked)
    @given(files(), possible_loaders)
    def check(data: bytes, loaders: Loaders) -> None:
        boot_cfg = BootCfg.parse(data, loaders=loaders)
        prediction = model.predict(data, loaders=loaders)
        mine = [(entry.number, entry.kind, entry.default) for entry in boot_cfg.entries]
        assert mine == [(entry.number, entry.kind, entry.default) for entry in prediction.entries]

    check()


keys = st.sampled_from(
    ["load", "loader", "load ", "loads", " load", "LOAD", "fs", "fsx", "rndseed", "rndseed ", "dev", "x"]
)


def test_both_know_how_each_loader_reads_a_line(pcibackctl: str, tmp_path: Path) -> None:
    """A list on every line outside the menu, and another one on the entry's load: which of them is read says it."""
    path = tmp_path / "boot.cfg"

    @depth.examples(min(EXAMPLES, 500), parent=checked)
    @given(st.lists(keys, max_size=4), st.booleans())
    @example(["rndseed", "load"], True)
    @example(["load ", "fs"], True)
    def check(found: list[str], has_load: bool) -> None:
        lines = [f"{key}=/f{number} pciback.hide=(0:{number + 1:x}.0)" for number, key in enumerate(found)]
        load = "load /n pciback.hide=(0:1f.0);" if has_load else ""
        data = ("\n".join([*lines, f"menu=X:{load}multiboot /xen.gz"]) + "\n").encode()
        path.write_bytes(data)
        status, answer, _errors = _run([pcibackctl, "boot", "--json", "--config", str(path)])
        assert status in (0, 3)
        readings = json.loads(answer)["readings"]
        assert [reading["loader"] for reading in readings] == [loader.name for loader in EITHER]
        for loader, reading in zip(EITHER, readings):
            boot_cfg = BootCfg.parse(data, loaders=(loader,))
            try:
                check_bootable(boot_cfg, 0)
            except PcibackError:
                assert reading["outcome"] == "loader-failure"
            else:
                assert reading["outcome"] == "registered"
                (entry,) = boot_cfg.entries
                assert entry.hide is not None
                assert reading["claims"] == [str(address) for address in entry.hide.claims]
        # The editor takes the file without knowing the loader only if all of them come to the same end.
        alike = all(reading == {**readings[0], "loader": reading["loader"]} for reading in readings)
        try:
            check_bootable(BootCfg.parse(data), 0)
        except PcibackError:
            assert not alike or readings[0]["outcome"] == "loader-failure"
        else:
            assert alike and readings[0]["outcome"] == "registered"

    check()


EXPECTED = {hide_list.COMPLETE: {"registered"}, hide_list.BROKEN: {"not-registered"}, hide_list.FAULT: {"kernel-fault"}}

pieces = st.one_of(
    st.sampled_from(
        ["(", ")", ":", ".", "0000", "0000:", "00:", "1f.", "0", "x", "0x", "+", "-", "\t", "\r", ",", "\v"]
    ),
    st.sampled_from(
        ["(00:04.0)", "(0:4.0)", "(0000:00:1A.7)", "(100000000:1f.0)", "(:.)", "\xe9", "10000000000000000"]
    ),
    st.integers(0, 0x1FF).map(lambda number: f"{number:x}"),
)


def test_both_read_the_same_list(pcibackctl: str, tmp_path: Path) -> None:
    model = Model(pcibackctl, tmp_path)

    @checked
    @given(st.lists(pieces, max_size=24).map("".join).map(lambda text: text.encode()[:80]))
    @example(b"(00:04.0)" * 7)
    @example(b"(00:04.0)" * 7 + b"(")
    def check(value: bytes) -> None:
        reading = hide_list.read(value)
        prediction = model.predict(b"menu=Xen:load /n;multiboot /xen.gz a -- pciback.hide=" + value + b"\n", 1)
        if reading.empty:
            expected = {"empty"}
        elif len(value) > hide_list.MAX_VALUE and reading.outcome != hide_list.FAULT:
            expected = {"not-registered", "undefined"}
        else:
            expected = EXPECTED[reading.outcome]
        assert prediction.outcome in expected
        assert list(prediction.claims) == list(reading.claims)

    check()
