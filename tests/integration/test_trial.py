# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trial boots by the role: a good one, and each way in which one goes wrong while nobody touches the machine."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.conftest import Dom0, Run

Guest = Callable[..., dict[str, Any]]

SEVENTH = "0000:00:06.0"
SHARED = "0000:00:04.0"
# Its line is that of the card that the machine is managed through.
ALLOWED = [{"code": "shared-irq", "address": SHARED}, {"code": "management-nic", "address": SHARED}]


def wishes(guest: Guest, address: str, **more: Any) -> dict[str, Any]:
    return {
        "pciback_guests": [guest("firewall", {"address": address})],
        "pciback_reboot": "when_needed",
        "pciback_trial": "when_possible",
        **more,
    }


def boots(dom0: Dom0) -> int:
    state: Mapping[str, Any] = json.loads((dom0.directory / "machine/state.json").read_text())
    number: int = state["boot"]["number"]
    return number


def claims(dom0: Dom0) -> list[str]:
    state: Mapping[str, Any] = json.loads((dom0.directory / "machine/state.json").read_text())
    found: list[str] = state["boot"]["claims"]
    return found


def undone(run: Run) -> str:
    """What the run says of a host that came back by itself."""
    assert run.status == 2, run.output
    (said,) = [text for text in run.failures() if "by itself" in text] or [run.output]
    return said


def test_a_good_one(dom0: Dom0, native: Dom0, guest: Guest) -> None:
    dom0.create().borrow_native(native)
    run = dom0.playbook(wishes(guest, SEVENTH))
    assert run.status == 0, run.output
    plan = next(line["result"] for line in run.results if line["action"] == "xen.pciback.plan")
    planned = {action["action"]: action["summary"] for action in plan["actions"]}
    assert planned["native"] == "install pciback-trial, for the trial"
    assert planned["hide"] == "make /boot.cfg try to hide 00:06.0 in the next boot"
    assert planned["reboot"].endswith("on trial: unless that is confirmed within 600 seconds, it goes back by itself")
    assert planned["confirm"] == "confirm the trial, and hide from now on what it has hidden"
    # One reboot, as without a trial.
    assert (boots(dom0), claims(dom0)) == (2, [SEVENTH])
    left = [dom0.root / "t", dom0.root / "etc/xen-pciback", dom0.directory / "machine/watchdog"]
    assert not any(path.exists() for path in left)
    assert b"/t " not in (dom0.root / "boot.cfg").read_bytes()
    again = dom0.playbook(wishes(guest, SEVENTH))
    assert (again.status, again.changed(), again.module_calls) == (0, [], 1)
    dom0.lab("wait", "1000")
    assert boots(dom0) == 2
    gone = dom0.playbook(wishes(guest, SEVENTH, pciback_state="absent"))
    assert gone.status == 0, gone.output
    assert claims(dom0) == []
    assert not (dom0.root / "sbin/pciback-trial").exists()


def test_a_network_that_is_lost(dom0: Dom0, trying: Dom0, guest: Guest) -> None:
    dom0.create("--lost-lines", "--watchdog-second", "0.02").borrow_native(trying)
    before = (dom0.root / "boot.cfg").read_bytes()
    wanted = wishes(guest, SHARED, pciback_allow=ALLOWED)
    run = dom0.playbook(wanted)
    said = undone(run)
    # The host has ended the reboot's step; what comes behind it was never tried.
    assert "failed, and not done to its end" not in run.output
    assert "not begun: start firewall" in run.output
    assert "dom0: came back with the previous list by itself at " in said
    assert "because nobody confirmed before it started again" in said
    assert "It boots as before the trial. What helps: find the cause, then try once more" in said
    assert (boots(dom0), claims(dom0)) == (3, [])
    # The next run does not simply try again.
    refused = dom0.playbook(wanted)
    assert refused.status == 2
    assert "trial-undone: this host has tried to hide 00:04.0 and came back" in refused.output
    assert boots(dom0) == 3
    # Only if it is told to; and the machine is mended by then.
    dom0.lab("remove-card", SEVENTH)
    settings = json.loads((dom0.directory / "machine/state.json").read_text())
    settings["settings"].update(lost_lines=False, watchdog_second=1.0)
    (dom0.directory / "machine/state.json").write_text(json.dumps(settings))
    retried = dom0.playbook({**wanted, "pciback_retry_failed": True})
    assert retried.status == 0, retried.output
    assert claims(dom0) == [SHARED]
    gone = dom0.playbook({**wanted, "pciback_state": "absent"})
    assert gone.status == 0, gone.output
    assert (dom0.root / "boot.cfg").read_bytes() == before


@pytest.mark.soak(instead="test_a_network_that_is_lost")
@pytest.mark.parametrize("ends", ["hang", "panic"])
def test_a_dom0_that_ends(dom0: Dom0, trying: Dom0, guest: Guest, ends: str) -> None:
    options = ["--hidden-fault", f"{SEVENTH}={ends}", "--watchdog-second", "0.02"]
    dom0.create(*options).borrow_native(trying)
    said = undone(dom0.playbook(wishes(guest, SEVENTH)))
    assert "came back with the previous list by itself" in said
    assert (boots(dom0), claims(dom0)) == (3, [])


@pytest.mark.soak(instead="test_a_network_that_is_lost")
def test_a_controller_that_dies(dom0: Dom0, trying: Dom0, guest: Guest) -> None:
    """After the reboot, before it comes back to the host: nobody confirms, and the next run finds it undone or confirms."""
    dom0.create().borrow_native(trying)
    # It dies by a guest's kernel that is gone when the guests are to be run.
    dom0.wrap("usr/pkg/sbin/xl", 'case $1 in create) exit 1 ;; esac\nexec "$real" "$@"\n')
    run = dom0.playbook(wishes(guest, SEVENTH))
    assert run.status == 2
    assert "the trial is not confirmed: the host goes back to the previous list by itself" in run.output
    assert (boots(dom0), claims(dom0)) == (2, [SEVENTH])
    # Something else is wanted meanwhile: not before the trial has ended.
    other = wishes(guest, "0000:00:09.0")
    refused = dom0.playbook(other)
    assert "trial-running: this boot tries to hide 00:06.0, which is not what is wanted" in refused.output
    dom0.lab("wait", "600")
    assert (boots(dom0), claims(dom0)) == (3, [])
    (dom0.root / "usr/pkg/sbin/xl").unlink()
    (dom0.root / "usr/pkg/sbin/real/xl").rename(dom0.root / "usr/pkg/sbin/xl")
    good = dom0.playbook(other)
    assert good.status == 0, good.output
    assert claims(dom0) == ["0000:00:09.0"]


@pytest.mark.soak(instead="test_a_good_one")
def test_a_person_confirms(dom0: Dom0, trying: Dom0, guest: Guest) -> None:
    dom0.create().borrow_native(trying)
    manual = wishes(guest, SEVENTH, pciback_confirm="manual")
    run = dom0.playbook(manual)
    assert run.status == 0, run.output
    assert "this boot is a trial, to be confirmed within" in run.output
    assert "or a run with pciback_confirm: now" in run.output
    assert (dom0.root / "etc/xen-pciback/trial").exists()
    confirmed = dom0.playbook({**manual, "pciback_confirm": "now"})
    assert confirmed.status == 0, confirmed.output
    assert not (dom0.root / "etc/xen-pciback").exists()
    dom0.lab("reboot")
    assert claims(dom0) == [SEVENTH]


@pytest.mark.soak(instead="test_a_network_that_is_lost")
def test_a_second_too_late(dom0: Dom0, trying: Dom0, guest: Guest) -> None:
    dom0.create().borrow_native(trying)
    manual = wishes(guest, SEVENTH, pciback_confirm="manual")
    assert dom0.playbook(manual).status == 0
    dom0.lab("wait", "601")
    late = dom0.command("/sbin/pciback-trial", "confirm")
    assert (late.returncode, "the trial is undone" in late.stderr) == (1, True)
    refused = dom0.playbook({**manual, "pciback_confirm": "now"})
    assert "trial-undone: this host has tried to hide 00:06.0" in refused.output
    assert (boots(dom0), claims(dom0)) == (3, [])


@pytest.mark.soak(instead="test_a_good_one")
def test_where_none_can_be_made(dom0: Dom0, trying: Dom0, guest: Guest) -> None:
    boot_cfg = b"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot hd0a:/xen.gz dom0_mem=512M\ntimeout=5\n"
    dom0.create(boot_cfg=boot_cfg).borrow_native(trying)
    run = dom0.playbook(wishes(guest, SEVENTH))
    assert run.status == 0, run.output
    assert "the reboot is no trial (xen-on-device): entry 1" in run.output
    assert claims(dom0) == [SEVENTH]
