# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of the next boot of a Linux dom0, which has to keep what was done at run time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import grub
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import GUEST, SETTING, Original, Originals
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import ForeignList, LinuxBoot
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot_plan import LinuxBootPlanner
from ansible_collections.xen.pciback.plugins.module_utils.planning.choose import choose_devices
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed, Traces
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Refusal, Step
from tests.unit.host.linux.test_boot import BOOT, DEBIAN, WITHOUT, applied
from tests.unit.planning.hosts import BUS, ONE, draft_of

CARD = parse_address("00:05.0")
SETTINGS = Originals({grub.SETTINGS: Original(SETTING, None, ("a" * 64,))})
OTHER_DEFAULT = WITHOUT.replace(b'set default="Debian GNU/Linux, with Xen hypervisor"', b'set default="0"')


def draft(wanted: Any = ONE, **observed: Any) -> Draft:
    """A plan whose devices are chosen."""
    made = draft_of(wanted, Observed(devices=BUS, claims=(), boot=BOOT, **observed))
    choose_devices(made)
    return made


# --- hiding


def test_devices_are_hidden_and_pinned() -> None:
    made = draft()
    (action,) = LinuxBootPlanner(BOOT).hide(made)
    assert (action.kind, action.summary) == (Step.HIDE, "make the next boot hide 00:05.0")
    assert action.arguments["devices"] == ["0000:00:05.0"]
    first, second = made.recovery
    assert "choose 'Debian GNU/Linux, with Xen hypervisor (previous pciback)'" in first
    assert "take the word that begins with xen-pciback.hide out of its line" in second
    assert (made.refusals, made.warnings) == ([], [])


def test_a_boot_that_hides_them_already_is_left_alone() -> None:
    made = draft()
    (action,) = LinuxBootPlanner(applied(BOOT, BOOT.edit([CARD]))).hide(made)
    assert action.summary == "pin 00:05.0"


def test_without_a_previous_entry_recovery_does_not_name_it() -> None:
    made = draft(replace(ONE, keep_previous=False))
    LinuxBootPlanner(BOOT).hide(made)
    assert len(made.recovery) == 1


@pytest.mark.parametrize(
    ("boot", "changes", "code", "words"),
    [
        (BOOT, {"boot_entries": "default"}, "boot-config-invalid", "every entry that starts Xen gets the hide list"),
        (BOOT, {"boot_entries": ["Xen"]}, "boot-config-invalid", "every entry that starts Xen gets the hide list"),
        (
            replace(BOOT, menu=PcibackError("it is a directory", file=grub.MENU, code="boot-config-invalid")),
            {},
            "boot-config-invalid",
            f"{grub.MENU}: it is a directory",
        ),
        (replace(BOOT, menu=b"menuentry 'Debian' {\n}\n"), {}, "boot-config-invalid", "no entry starts Xen"),
    ],
)
def test_what_is_refused(boot: LinuxBoot, changes: dict[str, Any], code: str, words: str) -> None:
    made = draft(replace(ONE, **changes))
    assert LinuxBootPlanner(boot).hide(made) == []
    assert [refusal.code for refusal in made.refusals] == [code]
    assert words in made.refusals[0].message


def test_nothing_is_planned_while_it_is_not_certain_which_devices_are_wanted() -> None:
    made = draft()
    made.refusals = [Refusal("no-such-device", "no")]
    assert LinuxBootPlanner(replace(BOOT, menu=b"")).hide(made) == []
    assert made.refusals == [Refusal("no-such-device", "no")]


def test_what_the_owner_should_know() -> None:
    mine = ForeignList("/etc/default/grub", 3, "GRUB_CMDLINE_LINUX", "(00:07.0)")
    made = draft(stale={7: (CARD, parse_address("01:00.0"))})
    LinuxBootPlanner(replace(BOOT, menu=OTHER_DEFAULT, foreign=(mine,))).hide(made)
    stale, overridden, default = made.warnings
    assert stale.startswith("xenstore still lists 00:05.0 01:00.0 for domain 7, which is gone: ")
    assert overridden == f"{mine}; the list of this collection comes later and counts"
    assert default.startswith(f"{grub.MENU} boots 'Debian GNU/Linux' by default, which does not start Xen; ")


# --- undoing


def test_own_claims_are_those_of_the_list_without_ours() -> None:
    assert LinuxBootPlanner(replace(BOOT, menu=DEBIAN)).own_claims(draft(), {}) == (CARD,)
    assert LinuxBootPlanner(applied(BOOT, BOOT.edit([CARD]))).own_claims(draft(), {}) == ()


@pytest.mark.parametrize(("originals", "codes"), [(Originals(), []), (SETTINGS, ["boot-config-invalid"])])
def test_a_menu_that_can_not_be_read_hinders_only_who_changed_it(originals: Originals, codes: list[str]) -> None:
    made = draft(traces=Traces(originals))
    assert LinuxBootPlanner(replace(BOOT, menu=b"")).own_claims(made, {}) == ()
    assert [refusal.code for refusal in made.refusals] == codes


@pytest.mark.parametrize(
    ("traces", "pending", "paths", "shown"),
    [
        (Traces(), False, [], []),
        (Traces(devices=True), False, [grub.MENU], [grub.MENU]),
        (Traces(), True, [grub.MENU], [grub.MENU]),
        (Traces(SETTINGS), False, [grub.MENU], [grub.SETTINGS]),
        (Traces(Originals({"/etc/xen/x": Original(GUEST, b"", ())}), devices=True), False, [grub.MENU], []),
    ],
)
def test_one_call_puts_all_settings_back(traces: Traces, pending: bool, paths: list[str], shown: list[str]) -> None:
    found, named = LinuxBootPlanner(replace(BOOT, pending=pending)).to_restore(draft(traces=traces))
    assert (list(found), list(named)) == (paths, shown)
