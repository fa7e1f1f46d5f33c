# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host's start-up gives to guests is recorded once, as a whole, and goes with the last device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.native_component import Outcome
from ansible_collections.xen.pciback.plugins.module_utils.engines.start_up import (
    read_attachments,
    record_start_up,
    wanted_start_up,
    with_start_up,
)
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import HEADER, Attachments
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory

WORD = "0000:03:00.0"
OPTION: dict[str, Any] = {
    "devices": [f"{WORD},id=8086:10d3"],
    "guests": [{"name": "firewall", "config": "/etc/xen/firewall", "devices": [WORD]}],
}


def test_recorded_and_gone(tmp_path: Path) -> None:
    state = StateDirectory(str(tmp_path / "db"))
    attachments = read_attachments(OPTION)
    (foreseen,) = record_start_up(state, attachments, who="a test", check_mode=True)
    assert not (tmp_path / "db").exists()
    assert record_start_up(state, attachments, who="a test", check_mode=False) == (foreseen,)
    text = (tmp_path / "db" / "attachments").read_text()
    assert text == f"{HEADER}device\t{WORD},id=8086:10d3\nguest\tfirewall\t/etc/xen/firewall\t{WORD}\n"
    assert record_start_up(state, attachments, who="a test", check_mode=False) == ()
    (gone,) = record_start_up(state, Attachments(), who="a test", check_mode=False)
    assert (gone["before"], gone["after"]) == (text, "")
    assert not (tmp_path / "db" / "attachments").exists()


@pytest.mark.parametrize("name", ["", "a\tb", "a\nguest\tb"])
def test_a_field_is_one_field(name: str) -> None:
    with pytest.raises(PcibackError) as refused:
        read_attachments({**OPTION, "guests": [{**OPTION["guests"][0], "name": name}]})
    assert str(refused.value) == (
        f"attachments: {name!r} is no field of a line; it has no tab and no newline, and is not empty"
    )


KERNELS: dict[str, Any] = {**OPTION, "backend": "kernel"}


def record(state: StateDirectory, option: dict[str, Any]) -> None:
    record_start_up(state, read_attachments(option), who="a test", check_mode=False)


def test_what_is_recorded_for_whom(tmp_path: Path) -> None:
    state = StateDirectory(str(tmp_path / "db"))

    def wanted(option: dict[str, Any] | None, *, daemon: bool, how: str = "present") -> Attachments | None:
        return wanted_start_up(option, state, state_wanted=how, daemon=daemon)

    native = {**OPTION, "backend": "native"}
    assert wanted(None, daemon=True) is wanted(None, daemon=False) is None
    assert wanted(native, daemon=True) == read_attachments(OPTION)
    assert wanted(KERNELS, daemon=False) == read_attachments(KERNELS) != read_attachments(OPTION)
    record(state, native)
    # It goes with pcibackd.
    assert wanted(native, daemon=False) == wanted(None, daemon=False) == Attachments()
    assert wanted(None, daemon=True) is None
    record(state, native)
    record(state, {**KERNELS, "beside_native": True})
    text = (tmp_path / "db" / "attachments").read_text()
    assert text.count("guest\tfirewall") == 2
    # With pcibackd goes its part.
    assert wanted(None, daemon=True) is None
    assert wanted(None, daemon=False) == read_attachments(KERNELS)
    record(state, KERNELS)
    assert wanted(None, daemon=False) is wanted(None, daemon=True) is None
    assert wanted(None, daemon=False, how="absent") == Attachments()


def test_check_mode_foresees_what_was_recorded_for_both_before_a_reboot(tmp_path: Path) -> None:
    state, done = StateDirectory(str(tmp_path / "db")), Outcome({"changed": False})
    record(state, KERNELS)
    how: dict[str, Any] = {"who": "a test", "after_reboot": True}
    foreseen = with_start_up(done, state, read_attachments(OPTION), check_mode=True, **how)
    record(state, {**OPTION, "beside_kernel": True})
    assert with_start_up(done, state, read_attachments(OPTION), check_mode=False, **how).values == foreseen.values
    (shown,) = foreseen.values["diff"]
    assert "backend\tkernel" in shown["before"] and "backend" not in shown["after"]
    # pcibackd's own record alone stays as it is.
    for check in (True, False):
        again = with_start_up(done, state, read_attachments(OPTION), check_mode=check, **how)
        assert again.values == {"changed": False}


def test_nothing_is_recorded_before_what_it_needs_is_installed(tmp_path: Path) -> None:
    state, attachments = StateDirectory(str(tmp_path / "db")), read_attachments(OPTION)
    needs = Outcome({"changed": True, "needs": "sources"})
    assert with_start_up(needs, state, attachments, who="a test", check_mode=False) is needs
    foreseen = with_start_up(needs, state, attachments, who="a test", check_mode=True)
    assert len(foreseen.values["diff"]) == 1
    done = with_start_up(Outcome({"changed": False}), state, attachments, who="a test", check_mode=False)
    assert (done.values["changed"], done.values["diff"]) == (True, foreseen.values["diff"])
    assert with_start_up(Outcome({"changed": False}), state, attachments, who="a test", check_mode=False).values == {
        "changed": False
    }
