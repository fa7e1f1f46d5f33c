# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan says of itself."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Action, Plan, Step


def test_a_plan_of_nothing() -> None:
    plan = Plan(actions=(), refusals=(), warnings=("a warning",), reasons=(), devices=())
    assert (plan.changed, plan.reboot_required) == (False, False)


def test_a_step_is_a_change_and_a_reason_asks_for_a_reboot() -> None:
    plan = Plan((Action(Step.HIDE, "make /boot.cfg hide 00:05.0"),), (), (), ("00:05.0 has to be taken",), ())
    assert (plan.changed, plan.reboot_required) == (True, True)


def test_a_step_is_the_word_that_the_role_knows() -> None:
    assert [step.value for step in Step] == [
        *("native", "restore", "hide", "configure", "shut_down", "reboot"),
        *("release", "service", "assign", "start_up", "run", "return", "remove", "confirm"),
    ]
    assert Step.HIDE == "hide"
