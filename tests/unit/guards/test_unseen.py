# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host does not tell is not taken for unused."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import DISKS, NETWORK, Unseen
from tests.unit.guards.cases import ALONE, found, judge

NO_MOUNTS = replace(ALONE, unseen=(Unseen(DISKS, "'/sbin/mount' prints nothing"),))
NO_INTERFACES = replace(ALONE, unseen=(Unseen(NETWORK, "'/sbin/ifconfig -a' prints nothing"),))


def unknown(facts):
    return {bdf for code, bdf in found(facts) if code == "use-unknown"}


def test_what_could_carry_it_is_refused():
    assert unknown(NO_MOUNTS) == {"00:01.1", "01:00.0", "01:02.0"}
    assert unknown(NO_INTERFACES) == {"00:04.0", "00:05.0", "01:02.0"}
    assert unknown(ALONE) == set()


def test_the_sentence_names_what_is_silent_and_how_to_allow_it():
    (finding,) = judge(NO_MOUNTS, "00:01.1").findings
    assert finding.message.endswith(
        "[piixide0] may carry what dom0 stands on or is managed through, and the host does not say whether it does: "
        "'/sbin/mount' prints nothing"
    )
    assert finding.remedy == (
        "see on the host why the command that is named fails, or allow code 'use-unknown' for this address: "
        "dom0 may lose its disks or its network"
    )


def test_of_others_it_is_a_warning():
    verdict = judge(NO_MOUNTS, "00:04.0")
    assert verdict.findings == ()
    assert "'/sbin/mount' prints nothing" in verdict.warnings
