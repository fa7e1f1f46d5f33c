# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a slip of the inventory would take away: an empty wish, and a list of somebody else that the wish forgets."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.edit import hide
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.read import BootCfg
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import (
    BOOT as BOOT_KIND,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import (
    GUEST as GUEST_KIND,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import (
    Original,
    Originals,
    digest,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed, Traces
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted
from tests.unit.planning.hosts import BOOT, GUEST, ONE, codes, converged, device, guest, host, kinds
from tests.unit.plans import changed, make_plan

NOTHING = Wanted(reboot="when_needed")
OWN = BOOT.replace(b"DOM0.gz;", b"DOM0.gz pciback.hide=(00:04.0)(00:05.0);")
WHAT_HELPS = "allow code '{}', without an address"


def allowing(wanted: Wanted, code: str) -> Wanted:
    return replace(wanted, allow=((code, None),))


# --- nothing wanted


@pytest.mark.parametrize("wanted", [NOTHING, Wanted(guests=(guest(),))])
def test_an_empty_wish_takes_nothing_away(wanted: Wanted) -> None:
    plan = make_plan(wanted, converged())
    (refusal,) = plan.refusals
    assert (refusal.code, refusal.device, plan.actions) == ("nothing-wanted", None, ())
    assert refusal.message == (
        "neither pciback_guests nor pciback_extra_devices names a device, so this host would lose 00:05.0 "
        "(pinned, hidden at the next boot, held by pciback, with guest firewall)"
    )
    assert "pciback_state: absent" in (refusal.remedy or "")
    assert WHAT_HELPS.format("nothing-wanted") in (refusal.remedy or "")


@pytest.mark.parametrize(
    ("only", "said"),
    [
        ({"pins": converged().pins}, "00:05.0 (pinned)"),
        ({"claims": (parse_address("00:05.0"),)}, "00:05.0 (held by pciback)"),
        (
            {
                "boot_config": OWN,
                "traces": Traces(Originals({"/boot.cfg": Original(BOOT_KIND, BOOT, (digest(OWN),))})),
            },
            "00:04.0 (hidden at the next boot), 00:05.0 (hidden at the next boot)",
        ),
        (
            {
                "guest_configs": {"/etc/xen/firewall": GUEST + b"pci = [ '00:05.0' ]\n"},
                "traces": Traces(Originals({"/etc/xen/firewall": Original(GUEST_KIND, GUEST, ("a" * 64,))})),
            },
            "00:05.0 (listed in /etc/xen/firewall)",
        ),
    ],
)
def test_each_trace_of_what_was_given_away_counts(only: dict[str, object], said: str) -> None:
    plan = make_plan(Wanted(guests=(guest(),)), host(**only))
    assert codes(plan) == ["nothing-wanted"]
    assert plan.refusals[0].message.endswith(f"would lose {said}")


def test_a_host_that_gives_nothing_away_may_want_nothing() -> None:
    assert make_plan(NOTHING, host()).refusals == ()


def test_the_owner_may_want_nothing_and_it_is_said() -> None:
    plan = make_plan(allowing(NOTHING, "nothing-wanted"), converged())
    assert kinds(plan) == ["hide", "shut_down", "start_up", "reboot"]
    assert [text for text in plan.warnings if text.startswith("overridden by the owner: nothing-wanted: neither ")]


def test_an_override_for_another_code_or_for_a_device_is_none() -> None:
    wrong = replace(NOTHING, allow=(("foreign-hide-list", None), ("bridge", parse_address("00:05.0"))))
    assert codes(make_plan(wrong, converged())) == ["nothing-wanted"]


# --- a list of somebody else


@pytest.mark.parametrize("claims", [None, (parse_address("00:04.0"), parse_address("00:05.0"))])
def test_a_list_of_somebody_else_is_not_replaced_unasked(claims: object) -> None:
    plan = make_plan(ONE, host(boot_config=OWN, claims=claims))
    (refusal,) = plan.refusals
    assert (refusal.code, refusal.device, plan.actions) == ("foreign-hide-list", None, ())
    assert refusal.message == (
        "/boot.cfg, line 1 hides 00:04.0 (pcictl 000:04:0) 8086:100e Intel i82540EM [wm0]: "
        "that is wanted by nobody and written by somebody else, and it would be replaced"
    )
    assert "name what is to stay hidden in pciback_guests or pciback_extra_devices" in (refusal.remedy or "")
    assert WHAT_HELPS.format("foreign-hide-list") in (refusal.remedy or "")


def test_who_wants_nothing_is_told_of_the_foreign_list_and_not_that_it_is_ours() -> None:
    held = (parse_address("00:04.0"), parse_address("00:05.0"))
    assert codes(make_plan(NOTHING, host(boot_config=OWN, claims=held))) == ["foreign-hide-list"]


def test_a_list_is_adopted_by_wanting_its_devices() -> None:
    plan = make_plan(replace(ONE, extra_devices=(device(address="00:04.0"),)), host(boot_config=OWN))
    assert codes(plan) == [] and plan.actions[0].arguments["devices"] == ["0000:00:04.0", "0000:00:05.0"]


def test_a_list_is_replaced_when_the_owner_says_so() -> None:
    plan = make_plan(allowing(ONE, "foreign-hide-list"), host(boot_config=OWN))
    assert codes(plan) == [] and plan.actions[0].arguments["devices"] == ["0000:00:05.0"]
    assert [
        text for text in plan.warnings if text.startswith("overridden by the owner: foreign-hide-list: /boot.cfg, ")
    ]


def test_only_lists_that_would_be_replaced_count() -> None:
    two = OWN.replace(b"menu=NetBSD", b"menu=Plain:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz\nmenu=NetBSD")
    plain = replace(ONE, boot_entries=["Plain"], reboot="never")
    assert codes(make_plan(plain, host(boot_config=two))) == []
    assert codes(make_plan(replace(ONE, boot_entries=["Xen"]), host(boot_config=two))) == ["foreign-hide-list"]


def test_what_an_entry_keeps_from_before_is_no_list_of_somebody_else() -> None:
    older = hide(BootCfg.parse(BOOT), [parse_address("00:04.0")]).boot_cfg
    newer = hide(older, [parse_address("00:05.0")]).boot_cfg.render()
    assert b"previous pciback" in newer and b"00:04.0" in newer
    assert make_plan(ONE, changed(converged(), boot_config=newer)).refusals == ()


def recorded(original: bytes, current: bytes) -> Observed:
    traces = Traces(Originals({"/boot.cfg": Original(BOOT_KIND, original, (digest(current),))}))
    return host(boot_config=current, traces=traces)


def test_a_list_that_an_earlier_run_wrote_is_ours_without_pins() -> None:
    assert codes(make_plan(ONE, recorded(BOOT, OWN))) == []
    assert codes(make_plan(ONE, recorded(OWN, OWN + b"# ours\n"))) == ["foreign-hide-list"], "it was there before"


@pytest.mark.parametrize(("value", "wish"), [(b"00:04.0", ONE), (b"00:04.0", NOTHING), (b"(junk)", NOTHING)])
def test_a_list_that_hides_nothing_is_somebodys_too(value: bytes, wish: Wanted) -> None:
    data = BOOT.replace(b"DOM0.gz;", b"DOM0.gz pciback.hide=" + value + b";")
    plan = make_plan(wish, host(boot_config=data))
    assert codes(plan) == ["foreign-hide-list"]
    assert f"/boot.cfg, line 1 has the hide list '{value.decode()}', which hides nothing" in plan.refusals[0].message


def test_a_device_that_is_not_there_is_named_by_its_address() -> None:
    data = BOOT.replace(b"DOM0.gz;", b"DOM0.gz pciback.hide=(00:1e.0);")
    assert "/boot.cfg, line 1 hides 00:1e.0: " in make_plan(ONE, host(boot_config=data)).refusals[0].message


def test_nothing_is_said_while_it_is_not_known_what_is_wanted() -> None:
    assert codes(make_plan(Wanted(guests=(guest(device(address="00:1f.0")),)), host(boot_config=OWN))) == [
        "no-such-device"
    ]


# --- what can't be meant


@pytest.mark.parametrize("state", ["present", "absent"])
def test_problems_of_the_inventory_are_refused_with_all_the_rest(state: str) -> None:
    wanted = replace(ONE, problems=("the role has no variable 'pciback_x'",), state=state)
    plan = make_plan(wanted, host())
    (refusal,) = plan.refusals
    assert (refusal.code, refusal.message) == ("inventory-invalid", wanted.problems[0])
    assert plan.actions == ()
    both = make_plan(replace(wanted, guests=(), state="present"), converged())
    assert codes(both) == ["nothing-wanted", "inventory-invalid"]
