# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A list that boots while a link is there, and the file as it was without it."""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg import trial as trial_module
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide, unhide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.limits import MAX_FILE
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.trial import (
    LINKS,
    NEW,
    PREVIOUS,
    Armed,
    NoTrial,
    Trial,
    arm,
    read,
    settle,
)
from tests.unit.formats.boot_cfg.edits import PLAIN, devices

SHORT = "menu=Xen:load /n;multiboot /x.gz a\n"


def parse(text: str) -> BootCfg:
    return BootCfg.parse(text.encode())


def armed(text: str, count: int = 1, entries: str | list[str] = "xen", used: tuple[str, ...] = ()) -> Armed:
    result = arm(parse(text), devices(count), entries, used=used)
    assert isinstance(result, Armed), result
    return result


def none(text: str, count: int = 1, entries: str | list[str] = "xen", used: tuple[str, ...] = ()) -> NoTrial:
    result = arm(parse(text), devices(count), entries, used=used)
    assert isinstance(result, NoTrial), result
    return result


def lines(text: Armed) -> list[str]:
    return text.boot_cfg.render().decode().splitlines()


WRITTEN = [
    # One command more, with the list behind " -- ".
    (
        PLAIN,
        "menu=Xen:load /netbsd-XEN3_DOM0.gz console=pc;multiboot /t dom0_mem=512M -- pciback.hide=(00:04.0)"
        ";multiboot /xen.gz dom0_mem=512M",
    ),
    # The list of load stays: what comes behind " -- " wins, and the second command has none.
    (
        "menu=A:load /n pciback.hide=(0:9.0);multiboot /x a\n",
        "menu=A:load /n pciback.hide=(0:9.0);multiboot /t a -- pciback.hide=(00:04.0);multiboot /x a",
    ),
    # A list of the owner's own is replaced in the first command only, and his other arguments of dom0 stay.
    (
        "menu=A:load /n;multiboot /x a -- -v pciback.hide=(0:9.0) b\n",
        "menu=A:load /n;multiboot /t a -- -v b pciback.hide=(00:04.0);multiboot /x a -- -v pciback.hide=(0:9.0) b",
    ),
    # Xen without arguments, and without a '/'.
    (
        "menu=A:load /n; multiboot xen\n",
        "menu=A:load /n; multiboot /t placeholder=pciback -- pciback.hide=(00:04.0);multiboot xen",
    ),
    # Where only the short form has room.
    (
        f"menu=A:load /n;multiboot /x {'y' * 42}\n",
        f"menu=A:load /n;multiboot /t {'y' * 42} -- pciback.hide=(0:4.0);multiboot /x {'y' * 42}",
    ),
    # The owner's second way stays one.
    (
        "menu=A:load /n;multiboot /x a;boot\n",
        "menu=A:load /n;multiboot /t a -- pciback.hide=(00:04.0);multiboot /x a;boot",
    ),
]


@pytest.mark.parametrize(("text", "expected"), WRITTEN)
def test_what_is_written(text: str, expected: str) -> None:
    trial = armed(text)
    assert lines(trial) == [expected]
    assert trial.trial.claims == tuple(devices(1))
    again = parse(expected + "\n")
    assert read(again) == trial.trial
    back = settle(again, PREVIOUS)
    assert back.changed
    assert back.boot_cfg.render() == text.encode()
    assert back.entries == ()
    assert back.previous.reason == "the trial was taken out"


def test_all_entries_try_the_same_link() -> None:
    text = SHORT + "menu=K:boot\n" + SHORT.replace("Xen:", "B:") + "timeout=5\n"
    trial = armed(text, 2)
    assert trial.trial == Trial("/t", "/x.gz", tuple(devices(2)), (1, 3))
    one = armed(text, 2, ["B"])
    assert one.trial.entries == (3,)
    assert lines(one)[0] == SHORT.strip()


def test_an_entry_that_has_the_list_already_is_tried_with_the_others() -> None:
    trial = armed(SHORT + "menu=B:load /n;multiboot /x.gz a -- pciback.hide=(0:4.0)\n")
    assert trial.trial.entries == (1, 2)


def test_settling_to_the_new_list_is_the_plain_edit() -> None:
    text = "load=/n pciback.hide=(0:9.0)\nmenu=A:multiboot /x a\nmenu=B:multiboot /x b\n"
    trial = armed(text, 2)
    for previous in (True, False):
        edit = settle(trial.boot_cfg, NEW, previous=previous)
        assert edit.boot_cfg == hide(parse(text), devices(2), previous=previous).boot_cfg
        assert edit.changed
        assert [placement.number for placement in edit.entries] == [1, 2]


def test_no_list_at_all_can_be_tried() -> None:
    text = "menu=A:load /n pciback.hide=(0:9.0);multiboot /x a\n"
    trial = armed(text, 0)
    assert lines(trial) == [
        "menu=A:load /n pciback.hide=(0:9.0);multiboot /t a -- pciback.hide=;multiboot /x a",
    ]
    assert settle(trial.boot_cfg, NEW).boot_cfg == unhide(parse(text)).boot_cfg
    assert settle(trial.boot_cfg, PREVIOUS).boot_cfg.render() == text.encode()


def test_names_in_use_are_not_taken() -> None:
    assert armed(SHORT, used=("t", "boot.cfg")).trial.link == "/t0"
    assert armed(SHORT, used=("t", "t0", "t1")).trial.link == "/t2"
    for word in ("load /t x", "load t", "rndseed=/t", "root=hd0a:t"):
        assert armed(SHORT + f"menu=Other:{word};boot\n").trial.link == "/t0"
    assert armed(SHORT + "menu=Other:load /try;load /xt;boot /a/to\n").trial.link == "/t"


NO_TRIAL = [
    (
        "menu=A:load /n;multiboot /x a -- pciback.hide=(0:4.0)\n",
        "nothing-to-try",
        "each of these entries boots with that list already",
    ),
    (
        armed(SHORT).boot_cfg.render().decode(),
        "trial-already",
        "the file tries a list already, and that trial has to be settled first",
    ),
    (
        f"menu=A:load /n;multiboot /x {'y' * 43}\n",
        "command-too-long",
        "a command of entry 1 'A' would have 80 characters on trial, and the loader goes on safely after one of 79 at "
        "most; fewer arguments of Xen, or fewer devices, would do",
    ),
    # One before it, with the blanks behind it, or the second one itself.
    (
        f"menu=A:load /n {'y' * 60}{' ' * 20};multiboot /x a\n",
        "command-too-long",
        "a command of entry 1 'A' would have 88 characters on trial, and the loader goes on safely after one of 79 at "
        "most; fewer arguments of Xen, or fewer devices, would do",
    ),
    (
        f"menu=A:load /n;multiboot /x a -- {'pciback.hide=(0:9.0) ' * 3}-v\n",
        "command-too-long",
        "a command of entry 1 'A' would have 83 characters on trial, and the loader goes on safely after one of 79 at "
        "most; fewer arguments of Xen, or fewer devices, would do",
    ),
    (
        SHORT + "#" * (MAX_FILE - len(SHORT) - 30),
        "file-too-large",
        "on trial the file would have 32777 bytes, and the loader reads 32768 at most",
    ),
    (
        "load=/n\r\nmenu=A:multiboot /x a\r\n".replace("/n\r", "/n"),
        "carriage-return",
        "entry 1 'A' ends with a carriage return, which would become a part of the list; in a file with LF line ends it "
        "could be tried",
    ),
    (
        SHORT + "menu=B:load /n;multiboot /y a\n",
        "several-xens",
        "the entries start /x.gz and /y, and one link can be only one of them",
    ),
    (
        "menu=A:load /n;multiboot hd0a:/x a\n",
        "xen-on-device",
        "entry 1 'A' names Xen with its device, 'hd0a:/x', and it is not certain that a link beside it is on the root "
        "file system",
    ),
]


@pytest.mark.parametrize(("text", "code", "reason"), NO_TRIAL)
def test_where_no_trial_can_be_made(text: str, code: str, reason: str) -> None:
    assert none(text) == NoTrial(code, reason)


def test_without_a_name_for_the_link() -> None:
    assert none(SHORT, used=tuple(link[1:] for link in LINKS)) == NoTrial(
        "no-link-name",
        "all the short names for the link are in use: /t /t0 /t1 /t2 /t3 /t4 /t5 /t6 /t7 /t8 /t9",
    )


def test_no_list_where_none_is() -> None:
    assert none(SHORT, 0) == NoTrial(
        "nothing-to-try", "none of the entries boots with a list, so there is none to take out on trial"
    )


def test_what_could_not_be_written_plainly_is_refused_alike() -> None:
    with pytest.raises(PcibackError, match="the loader has no command 'lead'"):
        arm(parse("menu=A:lead /n;load /n;multiboot /x a\n"), devices(1))


def test_a_file_that_reads_back_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_module, "_tried", lambda document, index: None)
    with pytest.raises(
        PcibackError, match="can't be made a trial so that both of its lists are surely read"
    ) as refusal:
        arm(parse(SHORT), devices(1))
    assert refusal.value.code == "boot-config-invalid"


NOT_OURS = [
    SHORT,
    "menu=K:boot\n",
    # Another name, another word between, other arguments, a list that is not clean, no list.
    "menu=A:load /n;multiboot /old a -- pciback.hide=(0:4.0);multiboot /x a\n",
    "menu=A:load /n;multiboot /t a -- pciback.hide=(0:4.0);dev;multiboot /x a\n",
    "menu=A:load /n;multiboot /t a -- pciback.hide=(0:4.0); multiboot /x a\n",
    "menu=A:load /n;multiboot /t b -- pciback.hide=(0:4.0);multiboot /x a\n",
    "menu=A:load /n;multiboot /t a -- pciback.hide=(0:4.z);multiboot /x a\n",
    "menu=A:load /n;multiboot /t a;multiboot /x a\n",
    "menu=A:load /n;multiboot /t a -- pciback.hide=(0:4.0)\n",
    # Where its own list ends is uncertain.
    "menu=A:load /n;multiboot /t a -- pciback.hide=(0:4.0);multiboot /x a -- pciback.hide=(0:9.0)\tb\n",
]


@pytest.mark.parametrize("text", NOT_OURS)
def test_what_is_no_trial_of_ours(text: str) -> None:
    assert read(parse(text)) is None
    for keep in (NEW, PREVIOUS):
        edit = settle(parse(text), keep)
        assert not edit.changed
        assert edit.boot_cfg.render() == text.encode()
        assert edit.previous.reason == "nothing is tried"


def test_entries_that_try_different_lists() -> None:
    text = "".join(lines(armed(SHORT))) + "\n" + "".join(lines(armed(SHORT, 2))) + "\n"
    with pytest.raises(PcibackError) as refusal:
        read(parse(text))
    assert refusal.value.message == (
        "the entries do not all try the same list; take out the commands that start 'multiboot /t' by hand"
    )
