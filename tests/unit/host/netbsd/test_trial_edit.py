# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A trial from its arming to its end, as boot.cfg, record and link have it, and a kill or a power loss at each step."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import pcibackctl
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import boot_editor
from tests import depth
from tests.crash import Disk, FileState, run, steps, watched
from tests.unit.host.netbsd.trial_host import PLAIN, TrialHost

ONE, OTHER = "0000:00:05.0", "0000:00:06.0"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrialHost:
    if Path("/dev/xen/privcmd").exists():
        pytest.skip("this host's own Xen would be called")
    return TrialHost(tmp_path / "host", monkeypatch)


def test_a_good_one(host: TrialHost) -> None:
    nothing = host.names()
    assert host.edit(ONE, seconds=600, check=True).changed
    assert host.names() == nothing
    result = host.edit(ONE, seconds=600)
    assert result.values["trial"] == {"link": "/t", "seconds": 600}
    assert result.values["previous"]["reason"] == "the list is on trial"
    assert [each["claims"] for each in result.values["prediction"]] == [[ONE]]
    assert (host.next_boot(), host.state()) == ([ONE], "armed")
    assert not host.edit(ONE, seconds=600).changed
    host.boot()
    assert (host.running, host.next_boot(), host.state()) == ((ONE,), [], "running")
    assert host.edit(state="confirmed", check=True).changed
    assert host.edit(state="confirmed").changed
    assert (host.next_boot(), host.state()) == ([ONE], "none")
    assert b"(previous pciback)" in (host.root / "boot.cfg").read_bytes()
    assert b"/t " not in (host.root / "boot.cfg").read_bytes()
    assert not host.edit(state="confirmed").changed
    assert not host.edit(ONE).changed
    host.edit(state="original")
    assert (host.root / "boot.cfg").read_bytes() == PLAIN


def test_one_that_is_undone(host: TrialHost) -> None:
    before = host.names()
    host.edit(ONE, seconds=600)
    host.boot()
    host.restart_undone()
    assert (host.running, host.next_boot(), host.state()) == ((), [], "undone")
    with pytest.raises(PcibackError, match="not confirmed: the trial is undone"):
        host.edit(state="confirmed")
    # Another list is tried, and what became of the first is not said of it.
    host.edit(OTHER, seconds=90)
    assert (host.next_boot(), host.state()) == ([OTHER], "armed")
    assert host.edit(state="original").changed
    assert (host.root / "boot.cfg").read_bytes() == PLAIN
    assert [name for name in host.names() if name not in before] in ([], ["db"], ["db", "etc"])


def test_what_runs_is_what_comes_back(host: TrialHost) -> None:
    """Not what a plain edit has left in boot.cfg, which nobody has seen boot yet."""
    host.edit(OTHER)
    host.edit(ONE, seconds=600)
    assert host.next_boot() == [ONE]
    (host.root / "t").unlink()
    assert host.next_boot() == []


def test_to_hide_nothing_can_be_tried(host: TrialHost) -> None:
    host.edit(ONE)
    host.boot()
    host.edit(seconds=600)
    assert host.next_boot() == []
    host.boot()
    assert host.next_boot() == [ONE]
    host.edit(state="confirmed")
    assert (host.next_boot(), host.state()) == ([], "none")


def test_no_second_one_beside_one_that_runs(host: TrialHost) -> None:
    host.edit(ONE, seconds=600)
    host.boot()
    with pytest.raises(PcibackError, match="nothing is tried while another trial runs") as caught:
        host.edit(OTHER, seconds=600)
    assert "or reboot, which undoes it" in (caught.value.remedy or "")


def test_a_confirmed_one_and_then_another(host: TrialHost) -> None:
    host.edit(ONE, seconds=600)
    host.boot()
    host.run(["/sbin/pciback-trial", "confirm"])
    host.edit(OTHER, seconds=600)
    assert host.next_boot() == [OTHER]
    (host.root / "t").unlink()
    assert host.next_boot() == [ONE]


def test_what_hinders_it(host: TrialHost, monkeypatch: pytest.MonkeyPatch) -> None:
    host.edit(ONE)
    host.boot()
    with pytest.raises(PcibackError, match=r"no trial can be made \(nothing-to-try\): each of these") as caught:
        host.edit(ONE, seconds=600)
    assert "pciback_trial: never" in (caught.value.remedy or "")
    (host.root / "kern/xen/privcmd").unlink()
    with pytest.raises(PcibackError, match=r"no trial can be made \(no-watchdog\)"):
        host.edit(OTHER, seconds=600)
    assert host.next_boot() == [ONE]


def test_a_model_that_disagrees(host: TrialHost, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pcibackctl.predict

    def other(*arguments: object, without: str | None = None, **options: object) -> object:
        return asked(*arguments, without=None, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(boot_editor, "predict", other)
    with pytest.raises(PcibackError, match="without the link of the trial, for entry 1") as caught:
        host.edit(ONE, seconds=600)
    assert caught.value.code == "prediction-mismatch"
    assert (host.root / "boot.cfg").read_bytes() == PLAIN


def armed(host: TrialHost) -> None:
    host.edit(ONE, seconds=600)


def tried(host: TrialHost) -> None:
    armed(host)
    host.boot()


def undone(host: TrialHost) -> None:
    tried(host)
    host.restart_undone()


def discard(_result: object) -> None:
    """For work whose result does not count."""


WORK: dict[str, tuple[Callable[[TrialHost], object], Callable[[TrialHost], object], list[str]]] = {
    "arm": (lambda host: None, armed, [ONE]),
    "arm another one": (undone, lambda host: host.edit(OTHER, seconds=600), [OTHER]),
    "write it plainly": (armed, lambda host: host.edit(ONE), [ONE]),
    "confirm": (tried, lambda host: host.edit(state="confirmed"), [ONE]),
    "put back": (armed, lambda host: host.edit(state="original"), []),
}


@pytest.mark.parametrize("name", WORK)
def test_a_kill_at_each_step(host: TrialHost, tmp_path: Path, name: str) -> None:
    """The host boots one of the two lists or what it runs now, and the next call ends where this one would have."""
    prepare, work, after = WORK[name]
    prepare(host)
    start = tmp_path / "start"
    shutil.copytree(host.root, start)

    def again() -> None:
        shutil.rmtree(host.root)
        shutil.copytree(start, host.root)
        # As links they are not copied.
        if (host.root / "t").exists():
            (host.root / "t").unlink()
            (host.root / "t").hardlink_to(host.root / "xen.gz")

    before = host.next_boot()
    again()
    kinds = steps(lambda: discard(work(host)))
    for die_at in depth.points(kinds):
        again()
        assert not run(lambda: discard(work(host)), die_at), f"step {die_at} of {len(kinds)}"
        assert host.next_boot() in (before, after, list(host.running)), f"step {die_at}, {kinds[die_at]}"
        assert host.state() in ("none", "armed", "running", "undone", "confirmed")
        work(host)
        assert host.next_boot() == after, f"after step {die_at}, {kinds[die_at]}"


RECORD = "etc/xen-pciback/trial"


def confirmed(host: TrialHost) -> None:
    """By the host's program alone, which writes nothing once more when it is asked again."""
    tried(host)
    host.run(["/sbin/pciback-trial", "confirm"])


CUT = {**WORK, "confirm": (confirmed, *WORK["confirm"][1:])}


def power_losses(host: TrialHost, name: str, *, forget: tuple[str, ...] = ()) -> set[str]:
    """What is wrong with some of the states that the power may leave."""
    prepare, work, after = CUT[name]
    prepare(host)
    before = host.next_boot()
    disk = Disk(host.root)
    found: set[tuple[str, FileState, bool, frozenset[FileState]]] = set()

    def cut(call: str) -> None:
        for names in disk.after_power_loss():
            record = frozenset(names.get(RECORD, ()))
            found.update((call, boot_cfg, "t" in names, record) for boot_cfg in names["boot.cfg"])

    with watched(disk, cut, forget=forget):
        work(host)
    assert disk.complete or forget, "not all that the power may leave was looked at"
    wrong, seen = set(), []
    for call, boot_cfg, is_linked, record in found:
        boots = host.would_boot(boot_cfg.data, is_linked)
        seen.append(boots)
        if boots not in (before, after, list(host.running)):
            wrong.add(f"after {call}: it boots {boots}")
        is_new = is_linked and b"multiboot /t " in boot_cfg.data and boots != list(host.running)
        if is_new and not (record and all(b"\nstate\tarmed\n" in each.data for each in record)):
            wrong.add(f"after {call}: it boots {boots}, and no record makes it a trial")
    assert before in seen, "no loss left what was there before"
    assert after in seen, "no loss left what was wanted"
    return wrong


@pytest.mark.parametrize("name", CUT)
def test_power_that_is_lost_after_each_call(host: TrialHost, name: str) -> None:
    """The host boots one of the two lists, the new one never without a record by which it would undo that."""
    assert power_losses(host, name) == set()


def test_a_missing_sync_is_seen(host: TrialHost) -> None:
    wrong = power_losses(host, "arm", forget=("fsync",))
    assert any("no record makes it a trial" in each for each in wrong)
