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
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import TrialState
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot_files
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import ForeignList, LinuxBoot
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot_plan import LinuxBootPlanner
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.planning.choose import choose_devices
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed, Traces, TrialFacts
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Refusal, Step
from ansible_collections.xen.pciback.plugins.modules import boot_hide
from tests.unit.host.linux.test_boot import BOOT, DEBIAN, WITHOUT, applied
from tests.unit.linux_modules import CARD as CARD_PATH
from tests.unit.linux_modules import FIREWALL, Dom0, kinds
from tests.unit.module_call import call
from tests.unit.planning.hosts import BUS, ONE, draft_of

CARD = parse_address("00:05.0")
EMPTY = [{"code": "nothing-wanted"}]
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


# --- reboots and trials, through the modules


TRIAL = {"reboot": "when_changed", "trial": "when_possible"}


@pytest.fixture
def trying(dom0: Dom0) -> Dom0:
    """A host with Xen's watchdog, whose systemd could start pciback-trial."""
    for name in ("/dev/xen/privcmd", "/dev/console"):
        dom0.write_file(name, "")
    dom0.path("/run/systemd/system").mkdir(parents=True)
    return dom0


def hidden(dom0: Dom0) -> list[str]:
    return [address for address, driver in dom0.drivers().items() if driver == "pciback"]


def state(planned: dict[str, Any]) -> str:
    said: str = planned["trial"]["state"]
    return said


def reboot_into(dom0: Dom0, *guests: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Do a plan up to its reboot."""
    planned = dom0.plan(*guests, **more)
    assert "reboot" in kinds(planned), planned
    done = kinds(planned).index("reboot") + 1
    dom0.apply({**planned, "actions": planned["actions"][:done]})
    return planned


def test_a_reboot_that_nothing_needs_is_made_if_it_is_asked_for(dom0: Dom0) -> None:
    planned = dom0.converge(FIREWALL, reboot="when_changed")
    assert kinds(planned) == ["hide", "configure", "reboot", "run"]
    assert planned["reasons"] == [
        "the next boot hides 00:05.0, this one has hidden nothing, and only a reboot shows whether that works"
    ]
    (reboot,) = [action["arguments"] for action in planned["actions"] if action["action"] == "reboot"]
    assert (reboot["claims"], "trial" in reboot, planned["trial"]["planned"]) == ([CARD_PATH], False, None)
    assert (hidden(dom0), dom0.pci()) == ([CARD_PATH], {"firewall": [CARD_PATH]})
    # It is seen to boot already, and a wish that changes is a reason anew.
    assert kinds(dom0.converge(FIREWALL, reboot="when_needed")) == []
    assert "reboot" not in kinds(dom0.plan({"name": "firewall"}, reboot="when_needed", allow=EMPTY))
    assert dom0.plan({"name": "firewall"}, reboot="when_changed", allow=EMPTY)["reasons"] == [
        "the next boot hides nothing, this one has hidden 00:05.0, and only a reboot shows whether that works"
    ]


def test_a_good_trial_is_confirmed(trying: Dom0) -> None:
    planned = trying.converge(FIREWALL, **TRIAL)
    assert kinds(planned) == ["native", "hide", "configure", "reboot", "run", "confirm"]
    assert planned["actions"][0]["summary"] == "install pciback-trial, for the trial"
    assert planned["recovery"][0] == (
        "In GRUB's menu, choose any entry but the one whose title ends with '(pciback trial)': it boots as before."
    )
    assert planned["trial"]["planned"] == 600
    assert (hidden(trying), trying.pci()) == ([CARD_PATH], {"firewall": [CARD_PATH]})
    assert not trying.path("/etc/xen-pciback").exists()
    trying.reboot()
    assert hidden(trying) == [CARD_PATH]


def test_one_that_nobody_confirms_is_not_tried_again(trying: Dom0) -> None:
    reboot_into(trying, FIREWALL, **TRIAL)
    assert hidden(trying) == [CARD_PATH]
    # Nobody comes back, and Xen resets the host.
    trying.reboot()
    assert hidden(trying) == []
    for reboot in ("never", "when_needed", "when_changed"):
        refused = trying.plan(FIREWALL, **{**TRIAL, "reboot": reboot})
        assert [each["code"] for each in refused["refusals"]] == ["trial-undone"]
        assert (refused["actions"], state(refused)) == ([], "undone")
    other = {"name": "firewall", "devices": [{"address": "01:00.0"}]}
    assert kinds(trying.plan(other, **TRIAL))[1:4] == ["hide", "configure", "reboot"]
    again = trying.converge(FIREWALL, **TRIAL, retry_failed=True)
    assert "confirm" in kinds(again)
    assert hidden(trying) == [CARD_PATH]


def test_what_comes_back_is_what_this_boot_has(trying: Dom0) -> None:
    """A list that was written without a reboot was never seen to boot."""
    trying.converge(FIREWALL)
    assert b"hide=(" in trying.path(grub.MENU).read_bytes()
    reboot_into(trying, FIREWALL, **TRIAL)
    assert hidden(trying) == [CARD_PATH]
    trying.reboot()
    assert hidden(trying) == []
    trying.converge(FIREWALL, **TRIAL, retry_failed=True)
    # The same where this boot has another one.
    other = {"name": "firewall", "devices": [{"address": "01:00.0"}]}
    trying.converge(other, restart_guests="when_needed")
    reboot_into(trying, other, **TRIAL)
    assert hidden(trying) == ["0000:01:00.0"]
    trying.reboot()
    assert hidden(trying) == [CARD_PATH]


def test_what_was_given_back_does_not_come_back(trying: Dom0) -> None:
    trying.converge(FIREWALL, reboot="when_changed")
    call(boot_hide.main, {"state": "original"})
    trying.install_trial()
    assert call(boot_hide.main, {"devices": ["01:00.0"], "trial": 600})["changed"]
    trying.reboot()
    assert hidden(trying) == ["0000:01:00.0"]
    trying.reboot()
    assert hidden(trying) == []


def test_a_person_confirms(trying: Dom0) -> None:
    reboot_into(trying, FIREWALL, **TRIAL)
    manual = trying.plan(FIREWALL, **TRIAL, confirm="manual")
    assert (kinds(manual), state(manual)) == (["run"], "running")
    # This host has no Xen that would set one.
    assert any("this boot is a trial without a watchdog" in sentence for sentence in manual["pending"])
    other = {"name": "firewall", "devices": [{"address": "01:00.0"}]}
    refused = trying.plan(other, **TRIAL)
    assert [each["code"] for each in refused["refusals"]] == ["trial-running"]
    assert trying.run(["/sbin/pciback-trial", "confirm"])[0] == 0
    # Another one has to wait until what was confirmed is in all entries.
    waits = trying.plan(other, **TRIAL)
    assert waits["trial"]["why_not"]["code"] == "trial-already"
    assert "another list was confirmed and is not in all entries yet, so it can't come back" in str(waits["warnings"])
    assert kinds(trying.converge(FIREWALL, **TRIAL, confirm="now")) == ["run", "confirm"]


def test_one_that_is_armed_waits_for_its_boot(trying: Dom0) -> None:
    planned = trying.plan(FIREWALL, **TRIAL)
    trying.apply({**planned, "actions": planned["actions"][:2]})
    waits = trying.plan(FIREWALL, **TRIAL)
    assert (state(waits), waits["trial"]["planned"]) == ("armed", 600)
    assert "hide" not in kinds(waits) and "reboot" in kinds(waits)
    never = trying.plan(FIREWALL, reboot="when_needed")
    assert "the boot configuration is ready for a trial" in str(never["warnings"])


@pytest.mark.parametrize(
    ("lacks", "code"),
    [
        ("/dev/xen/privcmd", "no-watchdog"),
        ("/run/systemd/system", "no-start-up"),
    ],
)
def test_where_none_can_be_made_the_reboot_is_plain(trying: Dom0, lacks: str, code: str) -> None:
    path = trying.path(lacks)
    path.rmdir() if path.is_dir() else path.unlink()
    planned = trying.converge(FIREWALL, **TRIAL)
    assert planned["trial"]["why_not"]["code"] == code
    assert f"the reboot is no trial ({code}): " in str(planned["warnings"])
    assert kinds(planned) == ["hide", "configure", "reboot", "run"]


def test_another_backend_ends_what_was_tried(trying: Dom0) -> None:
    reboot_into(trying, FIREWALL, **TRIAL)
    trying.reboot()
    made = draft(replace(ONE), trial=TrialFacts(TrialState("undone", "grub", 600, 1)))
    boot = boot_files.read(grub.MENU, str(trying.folder / "db"), boot_files.HOST)
    made.backend = Linux.backends["native"]
    (action,) = LinuxBootPlanner(boot).hide(made)
    assert (action.summary, action.arguments["devices"]) == ("make the next boot hide nothing", [])
