# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux dom0 as a whole: what is planned is done by the modules, and then nothing is left to do."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.modules import assignable
from tests.unit.linux_modules import CARD, FIREWALL, NVME, RTL, SECOND, XL, Dom0, connect, kinds
from tests.unit.module_call import call


def test_from_nothing_to_a_guest_with_its_card(dom0: Dom0) -> None:
    planned = dom0.converge(FIREWALL)
    assert kinds(planned) == ["hide", "configure", "assign", "run"]
    assert (planned["reboot_required"], planned["reasons"]) == (False, [])
    assert dom0.pci() == {"firewall": [CARD]}
    assert dom0.driver(CARD) == "pciback"
    assert dom0.calls == [
        "grub-mkconfig", "update-initramfs", "modprobe xen-pciback",
        f"e1000/unbind {CARD}", f"pciback/new_slot {CARD}", f"pciback/bind {CARD}",
        f"xl create {dom0.folder / 'firewall'}",
    ]  # fmt: skip


def test_the_next_boot_keeps_it(dom0: Dom0) -> None:
    dom0.converge(FIREWALL)
    dom0.reboot()
    assert {address for address, driver in dom0.drivers().items() if driver == "pciback"} == {CARD}
    assert kinds(dom0.plan(FIREWALL)) == ["run"]


def test_a_host_that_was_rebooted_gives_the_card_back_to_its_driver(dom0: Dom0) -> None:
    before = dom0.drivers()
    dom0.converge(FIREWALL)
    dom0.reboot()
    dom0.converge({"name": "firewall", "state": "stopped"}, allow=[{"code": "nothing-wanted"}])
    assert dom0.drivers() == before


def test_check_mode_changes_nothing_and_predicts_it(dom0: Dom0) -> None:
    before = dom0.tree(), dom0.drivers(), (dom0.folder / "firewall").read_text()
    planned = dom0.plan(FIREWALL)
    pretended = dom0.apply(planned, check=True)
    assert (dom0.tree(), dom0.drivers(), (dom0.folder / "firewall").read_text()) == before
    assert (dom0.calls, Path(state_directory.DIRECTORY).exists()) == ([], False)
    done = dom0.apply(planned)
    assert [each["changed"] for each in pretended] == [each["changed"] for each in done] == [True] * 4
    assert [each["diff"] for each in pretended] == [each["diff"] for each in done]
    assert pretended[0]["commands"] == done[0]["commands"] == [
        "/usr/sbin/grub-mkconfig", "/usr/sbin/update-initramfs -u -k all",
    ]  # fmt: skip


def test_another_device_comes_without_restart(dom0: Dom0) -> None:
    dom0.converge(FIREWALL)
    domid = dom0.xl.guests[0]["domid"]
    dom0.calls.clear()
    planned = dom0.converge({"name": "firewall", "devices": [{"address": "00:05.0"}, {"address": "01:00.0"}]})
    assert kinds(planned) == ["hide", "configure", "assign", "run"]
    assert (dom0.xl.guests[0]["domid"], dom0.pci()) == (domid, {"firewall": [CARD, NVME]})
    assert f"xl pci-attach {domid} 01:00.0" in dom0.calls


def test_a_device_moves_from_guest_to_guest(dom0: Dom0) -> None:
    dom0.converge(FIREWALL, {"name": "storage", "devices": [{"address": "01:00.0"}]})
    planned = dom0.converge(
        {"name": "storage", "devices": [{"address": "01:00.0"}, {"address": "00:05.0"}]}, {"name": "firewall"}
    )
    assert kinds(planned) == ["configure", "run"]
    assert dom0.pci() == {"storage": [NVME, CARD], "firewall": []}


def test_a_device_goes_back_to_its_driver(dom0: Dom0) -> None:
    before = dom0.drivers()
    dom0.converge(FIREWALL)
    planned = dom0.converge({"name": "firewall"}, allow=[{"code": "nothing-wanted"}])
    assert kinds(planned) == ["hide", "configure", "run", "return"]
    assert dom0.drivers() == before
    assert dom0.pci() == {"firewall": []}
    # Xen keeps what was in a guest from all memory until xl asks it not to.
    assert dom0.xl.quarantined == set()


def test_undo_leaves_the_host_as_it_was(dom0: Dom0) -> None:
    before = dom0.tree(), dom0.drivers(), dom0.initramfs, (dom0.folder / "firewall").read_text()
    dom0.converge(FIREWALL, extra_devices=[{"address": "01:00.0"}])
    planned = dom0.converge({"name": "firewall", "state": "stopped"}, state="absent")
    assert kinds(planned) == ["restore", "run", "return"]
    assert (dom0.tree(), dom0.drivers(), dom0.initramfs, (dom0.folder / "firewall").read_text()) == before
    assert not Path(state_directory.DIRECTORY).exists()


def test_undo_keeps_the_list_of_the_owner(dom0: Dom0) -> None:
    settings = dom0.path("/etc/default/grub")
    settings.write_text(settings.read_text().replace("ifnames=0", f"ifnames=0 xen-pciback.hide=({CARD})"))
    dom0.write_file("/boot/grub/grub.cfg", dom0.mkconfig())
    dom0.load_pciback()
    call(assignable.main, {"devices": [{"address": "00:05.0"}], "xl": XL})
    mine = {"name": "firewall", "devices": [{"address": "01:00.0"}]}
    (refusal,) = dom0.plan(mine)["refusals"]
    assert refusal["code"] == "foreign-hide-list"
    assert (
        refusal["message"].startswith("/etc/default/grub, line ") and f"hides {CARD[5:]} (pcictl" in refusal["message"]
    )
    planned = dom0.converge(mine, allow=[{"code": "foreign-hide-list"}])
    assert "the list of this collection comes later and counts" in str(planned["warnings"])
    # Said once: from now on the list in our settings counts.
    assert dom0.plan(mine)["refusals"] == []
    assert dom0.driver(CARD) == "e1000"
    call(assignable.main, {"devices": [{"address": "00:05.0"}], "xl": XL})
    dom0.converge({"name": "firewall", "state": "stopped"}, state="absent")
    assert (dom0.driver(CARD), dom0.driver(NVME)) == ("pciback", "nvme")
    assert f"xen-pciback.hide=({CARD})" in dom0.path("/boot/grub/grub.cfg").read_text()


def test_two_cards_of_one_driver_keep_its_name(dom0: Dom0) -> None:
    devices = [{"address": "00:05.0"}, {"address": "00:06.1"}, {"address": "00:06.0"}]
    dom0.converge({"name": "firewall", "devices": devices}, allow=[])
    pins = state_directory.StateDirectory(state_directory.DIRECTORY).pins()
    assert [pin.driver for pin in pins.values()] == ["e1000", "8139cp", "e1000"]


@pytest.mark.parametrize(
    ("address", "code"),
    [("00:02.0", "boot-disk"), ("00:03.0", "management-nic"), ("00:08.0", "bridge"), ("00:1f.0", "bridge")],
)
def test_what_dom0_needs_is_refused(dom0: Dom0, address: str, code: str) -> None:
    before = dom0.tree(), dom0.drivers()
    planned = dom0.plan({"name": "firewall", "devices": [{"address": address}]})
    assert code in [refusal["code"] for refusal in planned["refusals"]]
    assert planned["actions"] == []
    refused = call(assignable.main, {"devices": [{"address": address}], "xl": XL})
    assert refused["failed"] and refused["code"] == code
    assert (dom0.tree(), dom0.drivers(), dom0.calls) == (before[0], before[1], [])


def test_without_an_iommu(dom0: Dom0) -> None:
    dom0.xl.iommu = False
    assert [refusal["code"] for refusal in dom0.plan(FIREWALL)["refusals"]] == ["no-iommu"]


@pytest.mark.parametrize("told", [True, False])
def test_functions_of_one_conventional_card_stay_together(dom0: Dom0, told: bool) -> None:
    """Under Xen the kernel knows no groups; without Xen's help it would say the same."""
    if told:
        dom0.host.groups(_7=(RTL, SECOND))
    group = "7" if told else "of 00:06"
    one = {"name": "firewall", "devices": [{"address": "00:06.1"}]}
    (refusal,) = [each for each in dom0.plan(one)["refusals"] if each["code"] == "iommu-group"]
    assert f"IOMMU group {group} holds 00:06.0" in refusal["message"]
    both = {"name": "firewall", "devices": [{"address": "00:06.0"}, {"address": "00:06.1"}]}
    assert dom0.plan(both)["refusals"] == []


def test_what_a_dead_domain_left_behind_is_named(dom0: Dom0) -> None:
    dom0.xl.stale[7] = [CARD, NVME]
    planned = dom0.converge(FIREWALL)
    (warning,) = [text for text in map(str, planned["warnings"]) if "xenstore still" in text]
    assert "xenstore still lists 00:05.0 01:00.0 for domain 7, which is gone: " in warning
    assert "'xenstore-rm /local/domain/0/backend/pci/7' removes it" in warning


def test_a_guest_that_is_shut_down_leaves_nothing_behind(dom0: Dom0) -> None:
    dom0.converge(FIREWALL, {"name": "storage"})
    dom0.converge({**FIREWALL, "state": "stopped"}, {"name": "storage", "state": "stopped"})
    assert (dom0.xl.guests, dom0.xl.stale) == ([], {})
    assert dom0.calls.count("xenstore-rm") == 1, "only where there were devices"


def test_linux_without_xen(dom0: Dom0) -> None:
    (dom0.sys / "hypervisor/type").unlink()
    failed = dom0.plan(FIREWALL)
    assert failed["msg"] == "this host runs Linux without Xen, it is no Xen dom0"
    assert "xen-system-amd64" in failed["remedy"]


def test_linux_in_a_guest(dom0: Dom0) -> None:
    (dom0.sys / "hypervisor/uuid").write_text("4223441d-c8fa-4fe2-8219-d7af069185eb\n")
    assert "in a guest of Xen" in dom0.plan(FIREWALL)["msg"]


def test_no_toolstack(dom0: Dom0, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.xen.pciback.plugins.module_utils.host.xl.PLACES", ("/nonexistent/xl",))
    assert "xl was found at none of /nonexistent/xl" in dom0.plan(FIREWALL, xl=None)["msg"]


def test_xenstored_does_not_run(dom0: Dom0, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "libxl: error: libxl.c:91:libxl_ctx_alloc: cannot connect to xenstore: Connection refused\n"
    monkeypatch.setattr(dom0.xl, "_list", lambda _words: (1, "", f"{said}cannot init xl context\n"))
    failed = dom0.plan(FIREWALL)
    assert "xl can't reach xenstored" in failed["msg"] and "service xen start" in failed["remedy"]


def test_a_menu_without_xen_is_refused(dom0: Dom0) -> None:
    menu = dom0.path("/boot/grub/grub.cfg")
    text = menu.read_text()
    menu.chmod(0o644)
    menu.write_text(text[: text.index("### BEGIN /etc/grub.d/20_linux_xen")])
    (refusal,) = dom0.plan(FIREWALL)["refusals"]
    assert (refusal["code"], "no entry starts Xen" in refusal["message"]) == ("boot-config-invalid", True)


def test_a_list_that_would_override_ours_is_refused(dom0: Dom0) -> None:
    settings = dom0.path("/etc/default/grub")
    settings.write_text(settings.read_text().replace('DEFAULT=""', 'DEFAULT="quiet xen-pciback.hide=(00:07.0)"'))
    (refusal,) = dom0.plan(FIREWALL)["refusals"]
    assert refusal["code"] == "boot-config-invalid"
    assert refusal["message"].startswith(
        "/etc/default/grub, line 2: GRUB_CMDLINE_LINUX_DEFAULT sets xen-pciback.hide=(00:07.0)"
    ), refusal


def test_a_deaf_guest_is_restarted_if_it_may_be(dom0: Dom0) -> None:
    dom0.converge(FIREWALL)
    dom0.xl.deaf.add("firewall")
    two = {"name": "firewall", "devices": [{"address": "00:05.0"}, {"address": "01:00.0"}]}
    planned = dom0.plan(two)
    with pytest.raises(AssertionError, match="has not noticed its PCI devices within 0 s"):
        dom0.apply(planned)
    dom0.xl.guests[0]["pci"].remove(NVME)
    domid = dom0.xl.guests[0]["domid"]
    dom0.converge(two, restart_guests="when_needed")
    assert (dom0.pci(), dom0.xl.guests[0]["domid"] != domid) == ({"firewall": [CARD, NVME]}, True)


def test_a_guest_that_was_started_without_an_iommu_gets_no_device_while_it_runs(dom0: Dom0) -> None:
    """Xen sets one up for a domain that is made with a device or with passthrough=, and never later."""
    wish = {"name": "firewall", "devices": [{"address": "01:00.0"}]}
    dom0.converge({"name": "firewall"})
    warnings = str(dom0.converge(wish)["warnings"])
    assert "guest firewall runs with other devices than its configuration lists, until it is restarted" in warnings
    assert dom0.pci() == {"firewall": []}
    planned = dom0.converge(wish, restart_guests="when_needed")
    assert [action["summary"] for action in planned["actions"]] == ["restart firewall"]
    assert dom0.pci() == {"firewall": [NVME]}
    assert not any("pci-attach" in call for call in dom0.calls)


def test_options_of_the_file_reach_a_guest_that_runs(dom0: Dom0) -> None:
    dom0.config("firewall", "pci_permissive = 1\npassthrough = 'enabled'\n")
    dom0.converge({"name": "firewall"})
    dom0.converge({"name": "firewall", "devices": [{"address": "01:00.0", "msitranslate": True, "vslot": "7"}]})
    assert any("pci-attach 2 01:00.0@7,permissive=1,msitranslate=1" in call for call in dom0.calls), dom0.calls


def test_a_guest_that_is_not_managed_keeps_what_it_has(dom0: Dom0) -> None:
    dom0.load_pciback()
    call(assignable.main, {"devices": [{"address": "01:00.0"}], "xl": XL})
    dom0.run_guest("mail", NVME)
    planned = dom0.converge(FIREWALL)
    assert "01:00.0 is with guest mail, which runs on" in str(planned["warnings"])
    assert dom0.pci()["mail"] == [NVME]


PLACES = ("firewall", "storage", "extra", "dom0")
WISHES = st.fixed_dictionaries(
    {
        "cards": st.lists(st.sampled_from(PLACES), min_size=3, max_size=3),
        "states": st.lists(st.sampled_from(["running", "running", "stopped"]), min_size=2, max_size=2),
        "reboot": st.booleans(),
        "restart": st.booleans(),
    }
)


@settings(max_examples=15)
@given(st.lists(WISHES, min_size=1, max_size=3))
def test_any_wishes_are_fulfilled_and_undone(wishes: list[dict[str, Any]]) -> None:
    """Whatever is wanted in whatever order: the host gets there, a boot keeps it, and undo leaves what was there."""
    cards = ("00:05.0", "00:07.0", "01:00.0")
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patches:
        dom0 = connect(Dom0(Path(folder)), patches)
        before = dom0.tree(), dom0.drivers(), dom0.initramfs
        for wish in wishes:
            lists = {place: [card for card, at in zip(cards, wish["cards"]) if at == place] for place in PLACES}
            guests = [
                {"name": name, "state": state, "devices": [{"address": card} for card in lists[name]]}
                for name, state in zip(("firewall", "storage"), wish["states"])
            ]
            more = {
                "extra_devices": [{"address": card} for card in lists["extra"]],
                "restart_guests": "when_needed" if wish["restart"] else "never",
                "allow": [{"code": "nothing-wanted"}],
            }
            dom0.converge(*guests, **more)
            held = {f"0000:{card}" for place in PLACES[:3] for card in lists[place]}
            assert {address for address, driver in dom0.drivers().items() if driver == "pciback"} == held
            if wish["reboot"]:
                dom0.reboot()
                assert {address for address, driver in dom0.drivers().items() if driver == "pciback"} == held
                dom0.converge(*guests, **more)
        dom0.converge({"name": "firewall", "state": "stopped"}, {"name": "storage", "state": "stopped"}, state="absent")
        assert (dom0.tree(), dom0.drivers(), dom0.initramfs) == before
        assert not Path(state_directory.DIRECTORY).exists()
