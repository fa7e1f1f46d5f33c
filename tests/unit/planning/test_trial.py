# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a reboot is planned as a trial, and what is planned where one waits, runs, failed or is confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg import trial as boot_trial
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NoTrial, TrialState
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed, TrialFacts
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan, Step
from ansible_collections.xen.pciback.plugins.module_utils.planning.result import as_result
from ansible_collections.xen.pciback.plugins.module_utils.planning.trial import explain
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted, WantedTrial
from tests.unit.planning.hosts import BOOT, ONE, codes, converged, device, draft_of, guest, host, kinds
from tests.unit.plans import make_plan

CARD = parse_address("00:05.0")
TRIED = replace(ONE, trials=WantedTrial("when_possible"))
RUNS = TrialState("running", "/t", 600, 1, 412, "this boot is a trial, to be confirmed within 412 of 600 seconds")
UNDONE = TrialState("undone", "/t", 600, 1, 0, "the trial is undone")
ARMED = TrialState("armed", "/t", 600, 0, 0, "the next boot is a trial")


def armed(*addresses: str) -> bytes:
    """boot.cfg with a trial of these devices."""
    made = boot_trial.arm(BootCfg.parse(BOOT), [parse_address(address) for address in addresses])
    assert isinstance(made, boot_trial.Armed)
    return made.boot_cfg.render()


def tried(state: TrialState, *addresses: str, **facts: Any) -> Observed:
    """The host with a trial of these devices in its boot.cfg, before it has them."""
    return host(boot_config=armed(*addresses), trial=TrialFacts(state, **facts))


def running(state: TrialState = RUNS) -> Observed:
    """The host in the boot that tries what is wanted, which has come up as it is to be."""
    return replace_boot(converged(), armed("00:05.0"), state)


def replace_boot(observed: Observed, data: bytes, state: TrialState) -> Observed:
    boot = replace(observed.boot, data=data, prediction=None)  # type: ignore[type-var]
    return replace(observed, boot=boot, trial=TrialFacts(state))


def arguments(plan: Plan, kind: Step) -> dict[str, Any]:
    return dict(next(action.arguments for action in plan.actions if action.kind is kind))


def test_a_reboot_becomes_a_trial() -> None:
    plan = make_plan(TRIED, host())
    assert kinds(plan) == ["native", "hide", "configure", "start_up", "reboot", "run", "confirm"]
    assert arguments(plan, Step.NATIVE) == {"daemon": False, "trial": True}
    assert arguments(plan, Step.HIDE)["trial"] == 600
    assert arguments(plan, Step.REBOOT)["trial"] == 600
    assert list(arguments(plan, Step.CONFIRM)["pins"]) == ["0000:00:05.0"]
    assert as_result(plan, host())["trial"]["planned"] == 600
    # An entry with the list from before comes with the confirmation.
    assert plan.recovery[0].startswith(
        "It goes back to the list from before by itself, or by a reset, unless its kernel has"
    )
    assert plan.recovery[1:] == make_plan(ONE, host()).recovery[1:]
    installed = host(native=replace(host().native, trial=True))
    assert "native" not in kinds(make_plan(TRIED, installed))


def test_a_plain_one() -> None:
    for wanted in (ONE, replace(TRIED, reboot="never")):
        plan = make_plan(wanted, host())
        assert plan.trial is None
        assert "confirm" not in kinds(plan)
        assert "trial" not in arguments(plan, Step.HIDE)


@pytest.mark.parametrize(
    ("observed", "wanted", "said"),
    [
        (
            host(trial=TrialFacts(obstacle=NoTrial("efi", "it boots by EFI"))),
            TRIED,
            "the reboot is no trial (efi): it boots",
        ),
        (host(boot_config=BOOT.replace(b"/xen.gz", b"hd0a:/xen.gz")), TRIED, "the reboot is no trial (xen-on-device)"),
        (host(), replace(TRIED, native=False), "a trial needs pciback-trial on the host"),
    ],
)
def test_where_none_can_be_made(observed: Observed, wanted: Wanted, said: str) -> None:
    plan = make_plan(wanted, observed)
    assert any(said in warning for warning in plan.warnings)
    assert "reboot" in kinds(plan)
    assert "confirm" not in kinds(plan)
    why_not = as_result(plan, observed)["trial"]["why_not"]
    assert why_not["code"] in said or why_not["code"] == "not-installed"


def test_one_that_runs_is_confirmed() -> None:
    plan = make_plan(TRIED, running())
    assert kinds(plan) == ["confirm"]
    manual = make_plan(replace(TRIED, trials=WantedTrial("when_possible", "manual")), running())
    assert kinds(manual) == []
    assert any("or a run with pciback_confirm: now" in sentence for sentence in manual.pending)
    now = make_plan(replace(TRIED, trials=WantedTrial("when_possible", "now")), running())
    assert kinds(now) == ["confirm"]
    # Somebody has confirmed it: what is left is the run's.
    confirmed = replace(RUNS, state="confirmed")
    assert kinds(make_plan(replace(TRIED, trials=WantedTrial("never", "manual")), running(confirmed))) == ["confirm"]
    # A run that was killed before it removed the rest.
    left = replace(converged(), trial=TrialFacts(confirmed))
    assert kinds(make_plan(TRIED, left)) == ["confirm"]


def test_one_that_runs_and_is_not_what_is_wanted() -> None:
    other = replace(TRIED, guests=(guest(device(address="00:0a.0")),))
    plan = make_plan(other, running())
    assert codes(plan) == ["trial-running"]
    assert plan.refusals[0].message.startswith(
        "this boot tries to hide 00:05.0, which is not what is wanted, or not all of it"
    )


def test_one_that_the_host_has_undone() -> None:
    plan = make_plan(TRIED, tried(UNDONE, "00:05.0", began=1795944000.0))
    assert codes(plan) == ["trial-undone"]
    message = plan.refusals[0].message
    assert message.startswith("this host has tried to hide 00:05.0 and came back with the previous list by itself at ")
    assert message.endswith(", because nobody confirmed before it started again")
    assert as_result(plan, tried(UNDONE, "00:05.0"))["trial"]["has_failed"]
    again = make_plan(replace(TRIED, trials=WantedTrial("when_possible", retry_failed=True)), tried(UNDONE, "00:05.0"))
    assert arguments(again, Step.HIDE)["trial"] == 600
    # Another list is tried at once, and so is one that no boot has tried.
    assert make_plan(TRIED, tried(UNDONE, "00:0a.0")).trial == 600
    assert make_plan(TRIED, tried(replace(UNDONE, starts=0), "00:05.0")).trial == 600
    # Who wants no device any more has the file as it was before.
    nothing = replace(TRIED, guests=(guest(),), allow=(("nothing-wanted", None),))
    assert arguments(make_plan(nothing, tried(UNDONE, "00:05.0")), Step.HIDE)["devices"] == []


def test_one_that_waits_for_its_boot() -> None:
    plan = make_plan(TRIED, tried(ARMED, "00:05.0"))
    assert plan.trial == 600
    assert kinds(plan) == ["native", "configure", "start_up", "reboot", "run", "confirm"]
    assert plan.recovery == make_plan(TRIED, host()).recovery
    waits = make_plan(replace(TRIED, reboot="never"), tried(ARMED, "00:05.0"))
    assert "hide" not in kinds(waits)
    assert any("the boot configuration is ready for a trial" in warning for warning in waits.warnings)
    # Another time, and none at all.
    longer = make_plan(replace(TRIED, trials=WantedTrial("when_possible", within=900)), tried(ARMED, "00:05.0"))
    assert arguments(longer, Step.HIDE)["trial"] == 900
    assert "trial" not in arguments(make_plan(ONE, tried(ARMED, "00:05.0")), Step.HIDE)


def test_a_reboot_that_changes_no_boot_configuration() -> None:
    draft = draft_of(TRIED, host())
    draft.reasons.append("a device has to be taken")
    explain(draft)
    assert draft.no_trial == NoTrial(
        "nothing-to-try", "the boot configuration stays as it is, so there is nothing to take back"
    )
    # By default trials are wanted: who can't have any is not told so by each run.
    assert draft.warnings == []
