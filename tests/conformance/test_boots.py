# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every captured boot of a real NetBSD dom0 is predicted as it really went.

data/boots.json holds what was seen on the console of NetBSD 7.99.10 under Xen 4.17, one object a
boot. What is expected is derived from those observations only, never from the prediction.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from .conftest import DATA, Predictor

BOOTS: list[dict[str, Any]] = json.loads((DATA / "boots.json").read_text())

# The machines of the captures. Of the q35 no listing was kept, so nothing is known of its bus.
BRIDGE_MACHINE = {"r03-hide-bridge", "u04-bridge"}
UNLISTED_MACHINE = {"r06-q35"}


def bus_of(boot: dict[str, Any]) -> str | None:
    if boot["case"] in UNLISTED_MACHINE:
        return None
    return "bridge.lspci" if boot["case"] in BRIDGE_MACHINE else "nine-nics.lspci"


def attached_functions(boot: dict[str, Any]) -> set[str]:
    """The functions that attached as pcibackN: the capture says slot.function@pciBUS."""
    addresses = set()
    for text in boot["attached"]:
        slot, bus = text.split("@pci")
        addresses.add(f"0000:{int(bus):02x}:{slot}")
    return addresses


def real_outcome(boot: dict[str, Any]) -> str:
    """What a person at the console saw, in the words of the contract."""
    if boot["kernel_fault"]:
        return "kernel-fault"
    if boot["xen_panic"] or boot["unknown_command"] or any(line.startswith("multiboot:") for line in boot["warnings"]):
        return "loader-failure"
    if not boot["xen_started"]:
        return "not-xen"
    if boot["list_error"]:
        return "not-registered"
    return "registered" if boot["hide_claims"] or boot["attached"] or boot["entry_error"] else "empty"


@pytest.fixture(params=BOOTS, ids=lambda boot: boot["case"])
def boot(request: pytest.FixtureRequest) -> dict[str, Any]:
    result: dict[str, Any] = request.param
    return result


def test_all_boots_are_here() -> None:
    assert len(BOOTS) == 47
    assert len({boot["case"] for boot in BOOTS}) == 47


def test_outcome(boot: dict[str, Any], predict: Predictor) -> None:
    assert predict(boot["boot_cfg"], bus=bus_of(boot), files=True).json["outcome"] == real_outcome(boot)


def test_loader(boot: dict[str, Any], predict: Predictor) -> None:
    """Their lines mean the same to every loader, so nobody has to say which one it was."""
    either = predict(boot["boot_cfg"], bus=bus_of(boot), files=True)
    old = predict(boot["boot_cfg"], bus=bus_of(boot), files=True, loader="old")
    if old.json["entry"] is not None:
        assert [reading["loader"] for reading in old.json["readings"]] == ["old", "old-fs"]
    del old.json["readings"], either.json["readings"]
    assert old.json | {"findings": old.codes} == either.json | {"findings": either.codes}


def test_menu(boot: dict[str, Any], predict: Predictor) -> None:
    entries = predict(boot["boot_cfg"]).json["entries"]
    assert [[entry["key"], entry["title"]] for entry in entries] == boot["menu"]


def test_claims_the_kernel_printed(boot: dict[str, Any], predict: Predictor) -> None:
    """A verbose kernel prints each claim; one that is not prints none."""
    prediction = predict(boot["boot_cfg"], files=True).json
    command_line = prediction["dom0"]["command_line"] or ""
    if "-v" in command_line.split(" "):
        assert prediction["claims"] == boot["hide_claims"]
    else:
        assert boot["hide_claims"] == []


def test_functions_that_attached(boot: dict[str, Any], predict: Predictor) -> None:
    claims = set(predict(boot["boot_cfg"], bus=bus_of(boot), files=True).json["claims"])
    if boot["kernel_fault"]:
        # The fault came before everything was attached.
        assert attached_functions(boot) <= claims
    else:
        assert attached_functions(boot) == claims


def test_list_error_is_located(boot: dict[str, Any], predict: Predictor) -> None:
    """The kernel prints the rest of its list from the error on; the finding points there."""
    prediction = predict(boot["boot_cfg"], files=True).json
    found = [finding for finding in prediction["findings"] if finding["code"] == "hide-list-error"]
    assert len(found) == len(boot["list_error"])
    for finding, rest in zip(found, boot["list_error"]):
        line = boot["boot_cfg"].split("\n")[finding["line"] - 1]
        assert line[finding["column"] - 1 :].startswith(rest)


def test_entry_errors_are_counted(boot: dict[str, Any], predict: Predictor) -> None:
    codes = predict(boot["boot_cfg"], files=True).codes
    assert codes.count("hide-entry-skipped") == len(boot["entry_error"])


def test_unknown_command(boot: dict[str, Any], predict: Predictor) -> None:
    assert ("loader-unknown-command" in predict(boot["boot_cfg"]).codes) == boot["unknown_command"]


def test_files_that_are_missing(boot: dict[str, Any], predict: Predictor) -> None:
    codes = predict(boot["boot_cfg"], files=True).codes
    failed = sum(int(number) for text in boot["warnings"] for number in re.findall(r"(\d+) modules? failed", text))
    assert codes.count("loader-missing-module") == failed
    assert ("loader-missing-xen" in codes) == any(line.startswith("multiboot:") for line in boot["warnings"])
    assert ("loader-no-kernel" in codes) == bool(boot["xen_panic"])


def test_status_and_severity(boot: dict[str, Any], predict: Predictor) -> None:
    """A boot that brought the backend up has no error; one that went wrong has one."""
    prediction = predict(boot["boot_cfg"], bus=bus_of(boot), files=True)
    assert prediction.status == (3 if prediction.errors else 0)
    outcome = real_outcome(boot)
    if outcome in ("registered", "empty"):
        assert prediction.errors == []
    elif outcome != "not-xen":
        assert prediction.errors != []
