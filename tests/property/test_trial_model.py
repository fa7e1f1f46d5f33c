# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A trial in boot.cfg, whatever the file: it boots the new list while the link is there, and without it as before.

Both readers judge it: the editor's own, and the C model, which is asked with the link and without.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from hypothesis import event, given
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import Loaders
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.trial import (
    NEW,
    PREVIOUS,
    Armed,
    NoTrial,
    arm,
    read,
    settle,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.prediction import disagreement
from tests import depth

from .test_boot_hide_model import (
    EXAMPLES,
    Model,
    _entries,
    checked,
    device_sets,
    files,
    pcibackctl,
    possible_loaders,
)

__all__ = ["pcibackctl"]

trials = depth.examples(EXAMPLES, parent=checked)

CODES = {
    "nothing-to-try",
    "command-too-long",
    "file-too-large",
    "carriage-return",
    "several-xens",
    "xen-on-device",
    "no-link-name",
}


def test_a_trial_is_new_then_previous(pcibackctl: str, tmp_path: Path, report: Callable[[str], None]) -> None:
    model = Model(pcibackctl, tmp_path)
    tally: Counter[str] = Counter()

    @trials
    @given(
        data=files(),
        devices=st.one_of(device_sets.map(lambda devices: devices[:2]), device_sets, st.just([])),
        which=st.sampled_from(["xen"] * 4 + ["default", "titles"]),
        used=st.sampled_from([(), (), ("t", "boot.cfg"), ("t", *(f"t{digit}" for digit in range(10)))]),
        loaders=possible_loaders,
    )
    def check(data: bytes, devices: list[Address], which: str, used: tuple[str, ...], loaders: Loaders) -> None:
        boot_cfg = BootCfg.parse(data, loaders=loaders)
        entries = _entries(boot_cfg, which)
        assert read(boot_cfg) is None
        try:
            armed = arm(boot_cfg, devices, entries, used=used)
        except PcibackError as refusal:
            tally["refused"] += 1
            assert refusal.code in ("boot-config-invalid", "list-too-long")
            return
        if isinstance(armed, NoTrial):
            tally["without a trial"] += 1
            event(armed.code)
            assert armed.code in CODES and armed.reason and "\n" not in armed.reason
            return
        tally["tried"] += 1
        _check(model, boot_cfg, armed, devices, entries)

    check()
    report(", ".join(f"{count} {what}" for what, count in tally.items()))
    assert sum(tally.values()) >= trials.max_examples
    # 31 of 100 of the whole; a sample of it may have fewer.
    assert tally["tried"] * 10 > trials.max_examples, tally


def _check(model: Model, boot_cfg: BootCfg, armed: Armed, devices: list[Address], entries: str | list[str]) -> None:
    data, written, loaders = boot_cfg.render(), armed.boot_cfg.render(), boot_cfg.loaders
    # As it is read from the disk again.
    boot_again = BootCfg.parse(written, loaders=loaders)
    assert read(boot_again) == armed.trial
    assert armed.trial.claims == tuple(devices)
    back = settle(boot_again, PREVIOUS)
    assert back.boot_cfg.render() == data
    link = armed.trial.link
    before = model.predict(data, loaders=loaders)
    for number in range(1, len(before.entries) + 1):
        was = model.predict(data, number, loaders)
        gone = model.predict(written, number, loaders, without=link)
        assert (gone.outcome, gone.claims) == (was.outcome, was.claims)
        there = model.predict(written, number, loaders)
        if number not in armed.trial.entries:
            assert (there.outcome, there.claims) == (was.outcome, was.claims)
            continue
        entry = armed.boot_cfg.entries[number - 1]
        assert (entry.hide.claims if entry.hide else ()) == tuple(devices)
        if devices:
            assert disagreement(there, devices) is None
        else:
            assert (there.outcome, there.claims) == ("empty", ())
        # Exactly one command came in, and none of them is copied beyond the loader's buffer.
        assert len(entry.commands) == len(boot_cfg.entries[number - 1].commands) + 1
        assert "loader-command-too-long" not in {finding.code for finding in gone.findings}
    assert model.predict(written, loaders=loaders).default == before.default
    assert settle(boot_again, NEW).boot_cfg.render() == hide(boot_cfg, devices, entries).boot_cfg.render()
