# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import (
    BOOT,
    GUEST,
    NATIVE,
    Original,
    Originals,
    digest,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.edit import with_pci
from ansible_collections.xen.pciback.plugins.module_utils.planning.undo import (
    Change,
    Restored,
    note,
    note_installation,
    put_back,
    restore,
)

XEN = b"menu=Xen:load /netbsd-XEN3_DOM0.gz pciback.hide=(00:04.0);multiboot /xen.gz dom0_mem=512M\n"
SINGLE = b"menu=Single:load /netbsd-XEN3_DOM0.gz -s;multiboot /xen.gz -- pciback.hide=(00:05.0)\n"
BOOT_CFG = b"# mine\n" + XEN + SINGLE + b"menu=NetBSD:boot netbsd\ntimeout=5\n"
HIDING = hide(BootCfg.parse(BOOT_CFG), [parse_address("03:00.0")]).boot_cfg.render()

GUEST_CFG = b"name = 'mail' # mine\npci = [ '00:04.0', # the first\n        '00:05.0,permissive=1' ]\nmemory = 512\n"
GIVEN = with_pci(XlConfig.parse(GUEST_CFG, "x"), [{"address": "03:00.0"}]).render()


def boot(*written: bytes) -> Original:
    return Original(BOOT, BOOT_CFG, tuple(digest(item) for item in written or (HIDING,)))


def guest(*written: bytes) -> Original:
    return Original(GUEST, GUEST_CFG, tuple(digest(item) for item in written or (GIVEN,)))


def test_the_samples_are_edited() -> None:
    assert b"(03:00.0)" in HIDING and b"(00:04.0)" in HIDING, "the latter in the entry with the previous list"
    assert b"'03:00.0'" in GIVEN and b"00:05.0" not in GIVEN


@pytest.mark.parametrize("original", [None, boot()])
@pytest.mark.parametrize("current", [BOOT_CFG, None])
def test_a_file_without_us_stays(original: Original | None, current: bytes | None) -> None:
    assert restore("/boot.cfg", original, current) == Restored(current)


def test_what_we_wrote_was_the_original() -> None:
    assert restore("/boot.cfg", boot(), HIDING) == Restored(BOOT_CFG)
    assert restore("/mail", guest(), GIVEN) == Restored(GUEST_CFG)
    assert restore("/x", Original(BOOT, BOOT_CFG, (digest(b"\0"),)), b"\0") == Restored(BOOT_CFG), "whatever it was"


def test_an_edit_of_other_lines_survives_and_the_lists_come_back() -> None:
    edited = HIDING.replace(b"timeout=5", b"timeout=9").replace(b"# mine\n", b"# ours\n\n")
    expected = BOOT_CFG.replace(b"timeout=5", b"timeout=9").replace(b"# mine\n", b"# ours\n\n")
    assert restore("/boot.cfg", boot(), edited) == Restored(expected)
    edited = GIVEN.replace(b"512", b"768") + b"vcpus = 2\n"
    assert restore("/mail", guest(), edited) == Restored(GUEST_CFG.replace(b"512", b"768") + b"vcpus = 2\n")


def test_a_list_whose_line_was_edited_is_said() -> None:
    edited = HIDING.replace(b"menu=Xen:load /netbsd-XEN3_DOM0.gz", b"menu=Xen:load /netbsd-NEW.gz")
    restored = restore("/boot.cfg", boot(), edited)
    assert restored.data == BOOT_CFG.replace(XEN, b"menu=Xen:load /netbsd-NEW.gz;multiboot /xen.gz dom0_mem=512M\n"), (
        "the other list came back"
    )
    assert restored.warnings == (
        "/boot.cfg was edited by somebody else, so these lines from before the first run did not come back: "
        + XEN.decode().strip(),
    )


def test_a_pci_list_comes_back_although_its_surroundings_were_edited() -> None:
    edited = b"name = 'mail'; " + GIVEN.partition(b"\n")[2]
    restored = restore("/mail", guest(), edited)
    assert restored.data is not None and restored.warnings == ()
    config = XlConfig.parse(restored.data, "x")
    assert [str(entry.spec.address) for entry in config.pci] == ["0000:00:04.0", "0000:00:05.0"]
    assert [entry.spec.permissive for entry in config.pci] == [None, True]
    assert restored.data.startswith(b"name = 'mail'") and b"memory = 512\n" in restored.data


def test_undoing_twice_is_undoing_once() -> None:
    for original, edited in (
        (boot(), HIDING.replace(b"menu=Xen:load /netbsd-XEN3_DOM0.gz", b"menu=Xen:load /netbsd-NEW.gz")),
        (boot(), HIDING.replace(b"timeout=5", b"timeout=9")),
        (guest(), b"name = 'mail'; " + GIVEN.partition(b"\n")[2]),
    ):
        once = restore("/x", original, edited)
        assert restore("/x", original, once.data) == once


def test_what_can_not_be_read_is_refused() -> None:
    with pytest.raises(PcibackError, match=r"^/mail, line 1"):
        restore("/mail", guest(), b"pci = [\n")
    with pytest.raises(PcibackError, match=r"^/boot\.cfg.* NUL"):
        restore("/boot.cfg", boot(), b"\0")


def test_an_installed_file_goes_only_if_it_is_the_installed_one() -> None:
    original = Original(NATIVE, None, (digest(b"binary"),))
    assert restore("/x", original, b"binary") == Restored(None)
    assert restore("/x", original, None) == Restored(None)
    assert restore("/x", original, b"mine") == Restored(
        b"mine", ("/x is not the file that was installed; it is left as it is",)
    )
    assert restore("/x", Original(NATIVE, b"owner's", (digest(b"binary"),)), b"binary") == Restored(b"owner's")


# What is recorded of a change

FIRST = Change("/boot.cfg", BOOT, BOOT_CFG, HIDING)


def test_a_first_change_is_recorded_before_and_stays_recorded() -> None:
    noted = note(Originals(), [FIRST])
    assert noted.before == noted.after == Originals({"/boot.cfg": boot()})
    assert note(noted.after, [FIRST]) == noted, "a run that was killed in between is repeated"


def test_no_change_records_nothing() -> None:
    assert note(Originals(), [Change("/boot.cfg", BOOT, BOOT_CFG, BOOT_CFG)]).before == Originals()
    known = Originals({"/boot.cfg": boot()})
    assert note(known, [Change("/boot.cfg", BOOT, HIDING, HIDING)]).after == known


def test_a_second_change_knows_both_files() -> None:
    again = hide(BootCfg.parse(HIDING), [parse_address("04:00.0")]).boot_cfg.render()
    noted = note(Originals({"/boot.cfg": boot()}), [Change("/boot.cfg", BOOT, HIDING, again)])
    assert noted.before.files == {"/boot.cfg": boot(HIDING, again)}
    for found in (HIDING, again):
        assert restore("/boot.cfg", noted.before.files["/boot.cfg"], found) == Restored(BOOT_CFG)


def test_going_back_to_the_original_drops_it_afterwards() -> None:
    known = Originals({"/boot.cfg": boot(), "/x": guest()})
    noted = note(known, [Change("/boot.cfg", BOOT, HIDING, BOOT_CFG)])
    assert (noted.before, noted.after) == (known, Originals({"/x": guest()}))
    killed_in_between = note(known, [Change("/boot.cfg", BOOT, BOOT_CFG, BOOT_CFG)])
    assert killed_in_between.after == Originals({"/x": guest()})


def test_an_edit_by_somebody_else_becomes_a_part_of_the_original() -> None:
    edited = HIDING.replace(b"timeout=5", b"timeout=9")
    again = hide(BootCfg.parse(edited), [parse_address("04:00.0")]).boot_cfg.render()
    noted = note(Originals({"/boot.cfg": boot()}), [Change("/boot.cfg", BOOT, edited, again)])
    expected = BOOT_CFG.replace(b"timeout=5", b"timeout=9")
    assert noted.before.files["/boot.cfg"] == Original(BOOT, expected, (digest(edited), digest(again)))
    assert noted.warnings == ()


def test_a_list_that_an_edit_costs_is_said_when_the_file_is_changed_again() -> None:
    edited = HIDING.replace(b"menu=Xen:load /netbsd-XEN3_DOM0.gz", b"menu=Xen:load /netbsd-NEW.gz")
    again = hide(BootCfg.parse(edited), [parse_address("04:00.0")]).boot_cfg.render()
    (warning,) = note(Originals({"/boot.cfg": boot()}), [Change("/boot.cfg", BOOT, edited, again)]).warnings
    assert "did not come back: menu=Xen:load" in warning


def test_a_damaged_file_of_ours_is_repaired_and_not_kept() -> None:
    known = Originals({"/x": Original(NATIVE, None, (digest(b"binary"),))})
    assert note_installation(known, [Change("/x", NATIVE, b"damaged", b"binary")]) == known
    newer = note_installation(known, [Change("/x", NATIVE, b"binary", b"newer")])
    assert newer.files["/x"].written == (digest(b"binary"), digest(b"newer"))


def test_what_was_there_before_an_installation_is_kept() -> None:
    changes = [
        Change("/x", NATIVE, b"owner's", b"binary"),
        Change("/y", NATIVE, None, b"text"),
        Change("/z", NATIVE, b"same", b"same"),
    ]
    noted = note_installation(Originals(), changes)
    assert noted.files == {
        "/x": Original(NATIVE, b"owner's", (digest(b"binary"),)),
        "/y": Original(NATIVE, None, (digest(b"text"),)),
        "/z": Original(NATIVE, b"same", (digest(b"same"),)),
    }
    assert note_installation(noted, changes) == noted
    assert restore("/z", noted.files["/z"], b"same") == Restored(b"same"), "it was the owner's before"


# --- broken lists of an owner

JUNK = BOOT_CFG.replace(b"xen.gz -- pciback.hide=(00:05.0)", b"xen.gz x -- pciback.hide=(junk)")
CLEANED = JUNK.replace(b" -- pciback.hide=(junk)", b"")


def test_a_list_that_stops_the_machine_does_not_come_back_and_is_named() -> None:
    hiding = hide(BootCfg.parse(JUNK), [parse_address("03:00.0")], ["Xen"]).boot_cfg.render()
    found = put_back("/boot.cfg", Original(BOOT, JUNK, (digest(hiding),)), hiding)
    assert found.data == CLEANED
    (warning,) = found.warnings
    assert warning.startswith("/boot.cfg, line 3, column ") and warning.endswith(
        "; it was there before the first run and does not come back"
    )
    assert "entry 2 'Single' already has a list that stops the machine: the kernel faults at '(junk)'" in warning


@pytest.mark.parametrize("current", [BOOT_CFG, HIDING])
def test_lists_that_can_be_read_come_back_byte_for_byte(current: bytes) -> None:
    assert put_back("/boot.cfg", boot(), current) == Restored(BOOT_CFG)


def test_a_file_without_its_broken_list_is_settled() -> None:
    first = note(Originals(), [Change("/boot.cfg", BOOT, JUNK, HIDING)]).after
    assert first.files["/boot.cfg"].data == JUNK
    assert note(first, [Change("/boot.cfg", BOOT, HIDING, CLEANED)]).after.empty
    assert note(Originals(), [Change("/boot.cfg", BOOT, JUNK, CLEANED)]).after.empty
