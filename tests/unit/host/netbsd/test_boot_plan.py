# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of the next boot of a NetBSD dom0: what its boot.cfg does, and whether the model agrees."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import ABSENT, Wanted
from tests.unit.planning.hosts import BOOT, ONE, codes, converged, host, kinds, predicted
from tests.unit.plans import changed, make_plan


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"boot_config": PcibackError("it does not exist", file="/boot.cfg")}, "boot-config-invalid", "/boot.cfg"),
        ({"boot_config": b"menu=A:boot netbsd\n"}, "boot-config-invalid", "Xen"),
    ],
)
def test_bad_files_are_refused(changes, code, words):
    plan = make_plan(ONE, host(**changes))
    assert codes(plan) == [code]
    assert words in plan.refusals[0].message
    assert plan.actions == ()


def test_disagreement_with_the_model_is_refused():
    wrong = predicted("not-registered")
    plan = make_plan(ONE, changed(converged(), prediction=wrong))
    assert codes(plan) == ["prediction-mismatch"]
    assert "the outcome 'not-registered' is predicted, not 'registered'" in plan.refusals[0].message


def test_a_default_entry_that_is_not_to_hide_anything_is_no_disagreement():
    two = BOOT.replace(b"menu=NetBSD:boot /netbsd", b"menu=Plain:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz")
    data = hide(
        BootCfg.parse(two.replace(b"default=1", b"default=2")), [Address(0, 0, 5, 0)], ["Xen"]
    ).boot_cfg.render()
    wanted = replace(ONE, boot_entries=["Xen"], reboot="never")
    plan = make_plan(wanted, changed(converged(), boot_config=data, prediction=predicted("empty")))
    assert (codes(plan), kinds(plan)) == ([], [])
    assert "boots entry 2 'Plain' by default, which hides nothing" in plan.warnings[0]


def test_reboot_into_an_entry_without_xen_is_refused():
    data = BOOT.replace(b"default=1", b"default=2")
    plan = make_plan(ONE, host(boot_config=data))
    assert codes(plan) == ["boot-config-invalid"]
    assert "entry 2 'NetBSD'" in plan.refusals[0].message
    assert not make_plan(replace(ONE, reboot="never"), host(boot_config=data)).refusals


def test_recovery_names_the_entry_and_what_to_type():
    plan = make_plan(ONE, host())
    entry, prompt = plan.recovery
    assert "choose entry 3 'Xen (previous pciback)'" in entry
    assert prompt.endswith("load /netbsd-XEN3_DOM0.gz | multiboot /xen.gz dom0_mem=512M")


def test_recovery_leaves_out_the_list_behind_dashes():
    data = BOOT.replace(b"dom0_mem=512M", b"dom0_mem=512M -- pciback.hide=(00:05.0)")
    assert make_plan(ONE, host(boot_config=data)).recovery[-1].endswith("multiboot /xen.gz dom0_mem=512M")


@pytest.mark.parametrize(
    ("value", "effect"),
    [
        (b"(junk)", "a list that stops the machine: the kernel faults at '(junk)'"),
        (b"00:04.0", "a list because of which no guest gets a device: an entry must open with '(' here"),
    ],
)
def test_a_broken_list_of_somebody_is_not_as_wanted(value, effect):
    data = BOOT + b"menu=Old:load /netbsd-XEN3_DOM0.gz pciback.hide=" + value + b";multiboot /xen.gz\n"
    elsewhere = make_plan(Wanted(state=ABSENT), host(boot_config=data))
    assert bool(elsewhere.refusals) == (value == b"(junk)"), "an entry that boots is its owner's affair"
    data = data.replace(b"default=1", b"default=3")
    plan = make_plan(Wanted(state=ABSENT), host(boot_config=data))
    (refusal,) = plan.refusals
    assert (refusal.code, plan.actions) == ("boot-config-invalid", ())
    assert (
        refusal.message.startswith("/boot.cfg, line 5, column ")
        and f"entry 3 'Old' already has {effect}" in refusal.message
    )
    assert "'ansible HOST -m xen.pciback.boot_hide -a \"state=absent path=/boot.cfg\"'" in refusal.remedy
