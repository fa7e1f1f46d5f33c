# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries with two Xens, as a real NetBSD 11 loader went through them: without the first file the second command runs.

Each was booted twice, with the file of the first ``multiboot`` and without it. What is expected was seen on the console:
"/t is not a multiboot kernel", Xen's own command line, and which function attached to pciback.
"""

from __future__ import annotations

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.trial import PREVIOUS, read, settle

from .conftest import Predictor

# A copy of Xen under another name; both commands have a list.
TWO_LISTS = (
    "menu=Try:load /n console=xencons;multiboot /xen-try.gz com1=115200 console=com1 -- pciback.hide=(0:5.0);"
    "multiboot /xen.gz com1=115200 console=com1 -- pciback.hide=(0:4.0)\n"
)
# A hard link with a short name; the list before was none. 0:4.0 took the network with it, and the watchdog undid it.
UNDONE = (
    "menu=T:load /n console=xencons;multiboot /t dom0_mem=512M com1=115200 console=com1 -- pciback.hide=(0:4.0);"
    "multiboot /x dom0_mem=512M com1=115200 console=com1\ndefault=1\ntimeout=2\n"
)

BOOTS = [
    (TWO_LISTS, "xen-try.gz", True, "registered", ["0000:00:05.0"]),
    (TWO_LISTS, "xen-try.gz", False, "registered", ["0000:00:04.0"]),
    (UNDONE, "t", True, "registered", ["0000:00:04.0"]),
    (UNDONE, "t", False, "empty", []),
]


@pytest.mark.parametrize(("boot_cfg", "link", "there", "outcome", "claims"), BOOTS)
@pytest.mark.parametrize("known", ["by the disk", "by the command line"])
def test_what_booted(
    boot_cfg: str, link: str, there: bool, outcome: str, claims: list[str], known: str, predict: Predictor
) -> None:
    more = []
    if known == "by the command line":
        # The other way round on the disk: what is said of one file comes first.
        more = ["--with" if there else "--without", f"/{link}"]
    predict.add_files("x", *([link] if there == (not more) else []))
    prediction = predict(boot_cfg, files=True, loader="11", more=more)
    assert (prediction.json["outcome"], prediction.json["claims"]) == (outcome, claims)
    assert prediction.errors == []
    assert ("loader-missing-xen" in prediction.codes) == (not there)
    assert ("list-on-failed-xen" in prediction.codes) == (not there)


@pytest.mark.parametrize(("boot_cfg", "link", "there", "outcome", "claims"), BOOTS[2:])
def test_the_other_reader(boot_cfg: str, link: str, there: bool, outcome: str, claims: list[str]) -> None:
    """The one that took part in a whole trial has the form that the editor writes, and is recognised."""
    document = BootCfg.parse(boot_cfg.encode())
    trial = read(document)
    assert trial is not None
    assert (trial.link, trial.xen, trial.entries) == ("/t", "/x", (1,))
    if not there:
        document = settle(document, PREVIOUS).boot_cfg
    hide = document.entries[0].hide
    assert ([str(address) for address in hide.claims] if hide else []) == claims
    assert (outcome == "empty") == (hide is None)


def test_both_files_are_missing(predict: Predictor) -> None:
    """Nothing is booted, and the loader's menu comes again."""
    prediction = predict(UNDONE, files=True, more=["--without", "t", "--without", "x"])
    assert prediction.json["outcome"] == "loader-failure"
    assert prediction.codes.count("loader-missing-xen") == 2
