# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every captured boot of a real NetBSD 11 dom0 is predicted as it really went.

data/boots-netbsd11.json holds what was seen on the console of NetBSD 11.0_RC6 under Xen 4.17: boot.cfg files that
boot_hide wrote before it knew of newer loaders, ``original`` the file before, ``devices`` what was to be hidden,
``entry`` the entry that was chosen if it was not the default one. What is expected is derived from those observations
only, never from the prediction.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg

from .conftest import DATA, Prediction, Predictor

BOOTS: list[dict[str, Any]] = json.loads((DATA / "boots-netbsd11.json").read_text())

# Every function that ever attached there; others that a list names did not exist.
PRESENT = {address for boot in BOOTS for address in boot["attached"]}

# What the disk held besides the files that every test has.
FILES = (
    "bt/kernels/production/netbsd-XEN3_DOM0-11.0-2026.gz",
    "k" * 67,
    "k" * 59,
    "var/db/entropy-file",
)


def real_outcome(boot: dict[str, Any]) -> str:
    """What was seen, in the words of the contract."""
    if boot["fault"]:
        return "kernel-fault"
    if not boot["xen"]:
        return "not-xen"
    if not boot["init"]:
        # Xen panicked: what it got was no dom0 kernel.
        assert boot["end"] == "Panic on CPU"
        return "loader-failure"
    if boot["list_error"]:
        return "not-registered"
    return "empty" if boot["kern_missing"] else "registered"


@pytest.fixture(params=BOOTS, ids=lambda boot: boot["case"])
def boot(request: pytest.FixtureRequest) -> dict[str, Any]:
    result: dict[str, Any] = request.param
    return result


@pytest.fixture
def predicted(boot: dict[str, Any], predict: Predictor) -> Prediction:
    """The prediction for the loader that it was."""
    predict.add_files(*FILES)
    return predict(boot["boot_cfg"], entry=boot.get("entry"), files=True, loader="11")


def test_all_boots_are_here() -> None:
    assert len(BOOTS) == 49
    assert len({boot["case"] for boot in BOOTS}) == 49


def test_outcome(boot: dict[str, Any], predicted: Prediction) -> None:
    assert predicted.json["outcome"] == real_outcome(boot)


def test_menu(boot: dict[str, Any], predicted: Prediction) -> None:
    assert [[entry["key"], entry["title"]] for entry in predicted.json["entries"]] == boot["menu"]


def test_functions_that_attached(boot: dict[str, Any], predicted: Prediction) -> None:
    claims = set(predicted.json["claims"])
    assert claims & PRESENT == set(boot["attached"]) == set(boot["kern"])


def test_what_does_not_happen_as_wanted_is_an_error(boot: dict[str, Any], predicted: Prediction) -> None:
    """The default entry was to hide these devices; where the machine did otherwise, the model says so."""
    assert predicted.status == (3 if predicted.errors else 0)
    wanted = {f"0000:{address}" for address in boot["devices"]} & PRESENT
    if "entry" not in boot:
        assert (set(boot["attached"]) == wanted) == (predicted.errors == [])


def test_without_knowing_the_loader(boot: dict[str, Any], predict: Predictor) -> None:
    """The prediction is the same, or it says of which line the end depends."""
    predict.add_files(*FILES)
    either = predict(boot["boot_cfg"], entry=boot.get("entry"), files=True)
    readings = {reading["loader"]: reading["outcome"] for reading in either.json["readings"]}
    assert list(readings) == ["old", "old-fs", "10", "11"]
    assert readings["11"] == real_outcome(boot)
    if len(set(readings.values())) == 1:
        assert either.json["outcome"] == real_outcome(boot)
        assert "loader-key-differs" not in either.errors
    else:
        assert either.json["outcome"] == "undefined"
        assert set(either.json["claims"]) <= set(boot["attached"])
        (finding,) = [finding for finding in either.json["findings"] if finding["code"] == "loader-key-differs"]
        assert (finding["severity"], finding["line"], finding["column"]) == ("error", 1, 1)
        assert either.status == 3


def test_boots_whose_end_depends_on_the_loader(predict: Predictor) -> None:
    """Those three that went otherwise than both readers had said."""
    predict.add_files(*FILES)
    differing = [
        boot["boot_cfg"].split("\n")[0].partition("/")[0]
        for boot in BOOTS
        if predict(boot["boot_cfg"], entry=boot.get("entry"), files=True).json["outcome"] == "undefined"
    ]
    assert differing == ["rndseed=", "loader=", "load ="]


def test_the_editor_writes_what_every_loader_reads(boot: dict[str, Any], predict: Predictor) -> None:
    """The editor of today, on the file as it was before: it refuses those three, and else both readers agree."""
    predict.add_files(*FILES)
    wanted = [parse_address(address) for address in boot["devices"]]
    try:
        edit = hide(BootCfg.parse(boot["original"].encode()), wanted)
    except PcibackError as refusal:
        assert (refusal.code, refusal.line, refusal.column) == ("boot-config-invalid", 1, 1)
        assert boot["original"].startswith(("rndseed=", "loader=", "load ="))
        return
    assert not boot["original"].startswith(("rndseed=", "loader=", "load ="))
    for placement in edit.entries:
        prediction = predict(edit.boot_cfg.render(), entry=placement.number, files=True)
        assert prediction.json["outcome"] == "registered"
        assert prediction.json["claims"] == [str(address) for address in wanted]
