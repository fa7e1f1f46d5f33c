# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules on a Linux dom0, in the order in which the role calls them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.xen.pciback.plugins.module_utils.host import platforms, state_directory
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import boot_files, bus, facts, pciback
from ansible_collections.xen.pciback.plugins.modules import (
    assignable,
    boot_hide,
    device_info,
    domain,
    domain_pci,
    plan,
)
from tests.linux_dom0 import LinuxDom0
from tests.unit.module_call import call

XL = "/usr/sbin/xl"
CARD, RTL, SECOND, NVME = "0000:00:05.0", "0000:00:06.0", "0000:00:06.1", "0000:01:00.0"
FIREWALL = {"name": "firewall", "devices": [{"address": "00:05.0"}]}


class Dom0(LinuxDom0):
    """A host with the modules."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        for name in ("firewall", "storage"):
            self.config(name)

    def config(self, name: str, more: str = "") -> Path:
        path = self.folder / name
        path.write_text(f"name = '{name}'\nkernel = '/boot/vmlinuz'\n{more}")
        return path

    def wanted(self, *guests: dict[str, Any], **more: Any) -> dict[str, Any]:
        listed = [{"config": str(self.folder / guest["name"]), "devices": [], **guest} for guest in guests]
        return {"guests": listed, "xl": XL, **more}

    def plan(self, *guests: dict[str, Any], **more: Any) -> dict[str, Any]:
        return call(plan.main, self.wanted(*guests, **more, state_directory=state_directory.DIRECTORY))

    def apply(self, planned: dict[str, Any], check: bool = False) -> list[dict[str, Any]]:
        """What the role does with a plan."""
        done = []
        for action in planned["actions"]:
            arguments = action["arguments"]
            if action["action"] == "hide":
                done.append(call(boot_hide.main, {"path": planned["boot_config"], **arguments}, check=check))
            elif action["action"] == "configure":
                done.append(call(domain_pci.main, arguments, check=check))
            elif action["action"] in ("assign", "return"):
                state = "assigned" if action["action"] == "assign" else "returned"
                done.append(call(assignable.main, {**arguments, "state": state, "xl": XL}, check=check))
            elif action["action"] == "run":
                done.append(call(domain.main, {**arguments, "xl": XL, "timeout": 0}, check=check))
            elif action["action"] == "restore":
                if arguments["guests"]:
                    done.append(
                        call(domain_pci.main, {"domains": arguments["guests"], "state": "original"}, check=check)
                    )
                for path in arguments["boot"]:
                    done.append(call(boot_hide.main, {"path": path, "state": "original"}, check=check))
            else:
                raise ValueError(action["action"])
            assert not done[-1].get("failed"), done[-1]["msg"]
        return done

    def converge(self, *guests: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Plan and apply; then nothing may be left to do."""
        planned = self.plan(*guests, **more)
        assert not planned.get("failed") and planned["refusals"] == [], planned
        self.apply(planned)
        again = self.plan(*guests, **more)
        assert (again["actions"], again["refusals"]) == ([], []), again
        return planned

    def run_guest(self, name: str, *devices: str) -> None:
        self.next += 1
        self.guests.append(
            {"name": name, "domid": self.next, "pci": list(devices), "asked": False, "context": bool(devices)}
        )

    def pci(self) -> dict[str, list[str]]:
        return {guest["name"]: guest["pci"] for guest in self.guests}


@pytest.fixture
def dom0(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dom0:
    return connect(Dom0(tmp_path), monkeypatch)


def connect(host: Dom0, monkeypatch: pytest.MonkeyPatch) -> Dom0:
    """Let the modules work on a host."""
    monkeypatch.setattr(platforms, "SYSFS_PCI", str(host.sys / "bus/pci/devices"))
    monkeypatch.setattr(bus, "SYS", str(host.sys))
    monkeypatch.setattr(facts, "PROC", str(host.proc))
    monkeypatch.setattr(boot_files, "HOST", boot_files.Host(str(host.root)))
    monkeypatch.setattr(pciback, "write", host.write)
    for module in (assignable, boot_hide, device_info, domain, plan):
        monkeypatch.setattr(module, "runner", lambda _module: host.run)
    return host


def kinds(planned: dict[str, Any]) -> list[str]:
    return [action["action"] for action in planned["actions"]]


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
    dom0.converge({"name": "firewall", "state": "stopped"})
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
    domid = dom0.guests[0]["domid"]
    dom0.calls.clear()
    planned = dom0.converge({"name": "firewall", "devices": [{"address": "00:05.0"}, {"address": "01:00.0"}]})
    assert kinds(planned) == ["hide", "configure", "assign", "run"]
    assert (dom0.guests[0]["domid"], dom0.pci()) == (domid, {"firewall": [CARD, NVME]})
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
    planned = dom0.converge({"name": "firewall"})
    assert kinds(planned) == ["hide", "configure", "run", "return"]
    assert dom0.drivers() == before
    assert dom0.pci() == {"firewall": []}
    # Xen keeps what was in a guest from all memory until xl asks it not to.
    assert dom0.quarantined == set()


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
    planned = dom0.converge({"name": "firewall", "devices": [{"address": "01:00.0"}]})
    assert "the list of this collection comes later and counts" in str(planned["warnings"])
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
    dom0.iommu = False
    assert [refusal["code"] for refusal in dom0.plan(FIREWALL)["refusals"]] == ["no-iommu"]


def test_a_guest_that_can_not_start_without_an_iommu(dom0: Dom0) -> None:
    dom0.converge({**FIREWALL, "state": "unmanaged"})
    dom0.iommu = False
    config = str(dom0.folder / "firewall")
    failed = call(domain.main, {"domains": [{"name": "firewall", "config": config}], "xl": XL})
    assert (failed["code"], "Xen has no IOMMU in use" in failed["msg"]) == ("no-iommu", True)


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
    dom0.stale[7] = [CARD, NVME]
    planned = dom0.converge(FIREWALL)
    (warning,) = [text for text in map(str, planned["warnings"]) if "xenstore still" in text]
    assert "xenstore still lists 00:05.0 01:00.0 for domain 7, which is gone: " in warning
    assert "'xenstore-rm /local/domain/0/backend/pci/7' removes it" in warning


def test_a_guest_that_is_shut_down_leaves_nothing_behind(dom0: Dom0) -> None:
    dom0.converge(FIREWALL, {"name": "storage"})
    dom0.converge({**FIREWALL, "state": "stopped"}, {"name": "storage", "state": "stopped"})
    assert (dom0.guests, dom0.stale) == ([], {})
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
    monkeypatch.setattr(dom0, "_xl_list", lambda _words: (1, "", f"{said}cannot init xl context\n"))
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


def test_a_menu_that_turns_out_otherwise_is_not_used(dom0: Dom0) -> None:
    """A setting that no one could foresee: a later file replaces the whole command line."""
    dom0.write_file("/etc/default/grub.d/zz.cfg", 'GRUB_CMDLINE_LINUX_XEN_REPLACE="quiet"\n')
    before = dom0.tree()
    failed = call(boot_hide.main, {"devices": ["00:05.0"]})
    assert failed["code"] == "prediction-mismatch", failed
    assert "would hide nothing, not (0000:00:05.0)" in failed["msg"]
    assert dom0.tree() == before
    assert "update-initramfs" not in dom0.calls


def test_a_menu_that_grub_can_not_read_is_not_used(dom0: Dom0) -> None:
    dom0.write_file("/etc/grub.d/50_mine", "#!/bin/sh\necho '}'\n", 0o755)
    before = dom0.tree()
    failed = call(boot_hide.main, {"devices": ["00:05.0"]})
    assert "grub-script-check" in failed["msg"] and "has a syntax error" in failed["msg"]
    assert dom0.tree() == before


def test_what_an_interrupted_run_left_is_finished(dom0: Dom0, monkeypatch: pytest.MonkeyPatch) -> None:
    (hide,) = [action for action in dom0.plan(FIREWALL)["actions"] if action["action"] == "hide"]
    with monkeypatch.context() as full:
        full.setattr(dom0, "_update_initramfs", lambda _words: (1, "", "No space left on device\n"))
        failed = call(boot_hide.main, hide["arguments"])
    assert failed["msg"] == "'/usr/sbin/update-initramfs -u -k all' failed with status 1: No space left on device"
    assert "conf/modules" not in dom0.initramfs
    assert kinds(dom0.converge(FIREWALL)) == ["hide", "configure", "assign", "run"]
    assert dom0.initramfs["conf/modules"] == b"xen-pciback\n"


def test_the_menu_is_in_the_language_of_the_host(dom0: Dom0) -> None:
    dom0.write_file("/etc/default/locale", '#  File generated by update-locale\nLANG="de_DE.UTF-8"\n')
    assert call(boot_hide.main, {"devices": ["00:05.0"]})["changed"]
    assert dom0.language == "de_DE.UTF-8"


def test_the_previous_entry_boots_what_was_before(dom0: Dom0) -> None:
    dom0.converge(FIREWALL)
    first = call(boot_hide.main, {"devices": ["00:05.0"]})
    assert first["changed"] is False
    assert first["previous"]["title"] == "Debian GNU/Linux, with Xen hypervisor (previous pciback)"
    assert first["previous"]["number"] == 9
    second = call(boot_hide.main, {"devices": ["01:00.0"]})
    script = dom0.path("/etc/grub.d/42_xen_pciback")
    assert second["changed"] and f"xen-pciback.hide=({CARD})" in script.read_text()
    assert call(boot_hide.main, {"devices": ["01:00.0"], "previous": False})["previous"]["reason"] == "none is wanted"
    assert not script.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"entries": "default"}, "option 'entries' can only be 'xen'"),
        ({"predictor": "/usr/local/sbin/pcibackctl"}, "leave option 'predictor' out on Linux"),
        ({"devices": ["x"]}, "'x' is not a PCI address"),
    ],
)
def test_what_boot_hide_refuses(dom0: Dom0, arguments: dict[str, Any], sentence: str) -> None:
    assert sentence in call(boot_hide.main, {"devices": ["00:05.0"], **arguments})["msg"]
    assert dom0.calls == []


def test_a_deaf_guest_is_restarted_if_it_may_be(dom0: Dom0) -> None:
    dom0.converge(FIREWALL)
    dom0.deaf.add("firewall")
    two = {"name": "firewall", "devices": [{"address": "00:05.0"}, {"address": "01:00.0"}]}
    planned = dom0.plan(two)
    with pytest.raises(AssertionError, match="has not noticed its PCI devices within 0 s"):
        dom0.apply(planned)
    dom0.guests[0]["pci"].remove(NVME)
    domid = dom0.guests[0]["domid"]
    dom0.converge(two, restart_guests="when_needed")
    assert (dom0.pci(), dom0.guests[0]["domid"] != domid) == ({"firewall": [CARD, NVME]}, True)


def test_a_guest_that_starts_reports_its_devices(dom0: Dom0) -> None:
    dom0.converge({**FIREWALL, "state": "unmanaged"})
    started = {"name": "firewall", "config": str(dom0.folder / "firewall")}
    arguments = {"domains": [started], "xl": XL, "frontend_timeout": 1}
    assert not call(domain.main, arguments).get("failed")
    dom0._xl_shutdown(["2"])
    dom0.deaf.add("firewall")
    failed = call(domain.main, arguments)
    assert failed["msg"].startswith("guest firewall has not noticed its PCI devices within 1 s")


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


def test_xl_says_so_when_a_guest_has_no_iommu(dom0: Dom0) -> None:
    config = str(dom0.config("firewall"))
    dom0.converge({"name": "firewall"}, extra_devices=[{"address": "01:00.0"}])
    dom0.config("firewall", "pci = ['01:00.0']\n")
    failed = call(domain.main, {"domains": [{"name": "firewall", "config": config, "hot_plug": True}], "xl": XL})
    assert "Xen has set up no IOMMU for the guest, because it was started without PCI devices" in failed["msg"]
    assert "passthrough" in failed["remedy"]


def test_options_of_the_file_reach_a_guest_that_runs(dom0: Dom0) -> None:
    dom0.config("firewall", "pci_permissive = 1\npassthrough = 'enabled'\n")
    dom0.converge({"name": "firewall"})
    dom0.converge({"name": "firewall", "devices": [{"address": "01:00.0", "msitranslate": True, "vslot": "7"}]})
    assert any("pci-attach 2 01:00.0@7,permissive=1,msitranslate=1" in call for call in dom0.calls), dom0.calls


@pytest.mark.parametrize(
    ("pci", "sentence"),
    [
        ("['00:05.0', '00:05.0']", "line 3, column 19: it lists 00:05.0 twice"),
        ("['00:06.*', '00:06.1']", "it lists 00:06.1 twice"),
        ("['00:15.0']", "guest firewall: 00:15.0 does not exist"),
        ("['0001:00:05.0']", "guest firewall: 0001:00:05.0 does not exist"),
        ("['00:06.0']", "guest firewall: 00:06.0 is not with pciback but with 8139cp"),
        ("['00:05']", "the function is missing, and xl crashes on that; write '00:05.0'"),
        ("['nonsense']", "xl can't take 'nonsense' for a PCI device"),
        ("['00:05.0,bogus=1']", "xl knows no option 'bogus'"),
        ("[ 5 ]", "xl can't take '5' for a PCI device"),
    ],
)
def test_what_xl_would_fail_on_never_reaches_it(dom0: Dom0, pci: str, sentence: str) -> None:
    config = str(dom0.config("firewall", f"pci = {pci}\n"))
    failed = call(domain.main, {"domains": [{"name": "firewall", "config": config}], "xl": XL})
    assert sentence in failed["msg"] and failed["code"] == "domain-config-invalid"
    assert dom0.calls == []


def test_what_a_guest_has_is_not_returned(dom0: Dom0) -> None:
    dom0.converge(FIREWALL)
    failed = call(assignable.main, {"devices": [{"address": "00:05.0"}], "state": "returned", "xl": XL})
    assert failed["msg"] == "00:05.0 is with guest firewall"
    assert dom0.driver(CARD) == "pciback"


def test_a_guest_that_is_not_managed_keeps_what_it_has(dom0: Dom0) -> None:
    dom0.load_pciback()
    call(assignable.main, {"devices": [{"address": "01:00.0"}], "xl": XL})
    dom0.run_guest("mail", NVME)
    planned = dom0.converge(FIREWALL)
    assert "01:00.0 is with guest mail, which runs on" in str(planned["warnings"])
    assert dom0.pci()["mail"] == [NVME]


def test_what_xl_handed_over_goes_back_to_the_driver_that_xl_noted(dom0: Dom0) -> None:
    dom0.load_pciback()
    dom0.write(f"{dom0.sys}/bus/pci/drivers/8139cp/unbind", RTL)
    dom0.write(f"{dom0.sys}/bus/pci/drivers/pciback/new_slot", RTL)
    dom0.write(f"{dom0.sys}/bus/pci/drivers/pciback/bind", RTL)
    dom0.libxl[RTL] = "/sys/bus/pci/drivers/8139cp"
    result = call(assignable.main, {"devices": [{"id": "10ec:8139"}], "state": "returned", "xl": XL})
    assert (result["changed"], dom0.driver(RTL)) == (True, "8139cp")


def test_a_driver_gets_its_device_back_if_pciback_does_not_take_it(dom0: Dom0, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: str, text: str) -> None:
        if not path.endswith("pciback/bind"):
            dom0.write(path, text)

    monkeypatch.setattr(pciback, "write", write)
    failed = call(assignable.main, {"devices": [{"address": "00:05.0"}], "xl": XL})
    assert failed["msg"] == "pciback did not take 00:05.0; no driver holds it now"
    assert dom0.driver(CARD) == "e1000"
    assert (dom0.sys / "bus/pci/drivers/pciback/slots").read_text() == ""


def test_a_run_that_was_killed_between_two_drivers(dom0: Dom0) -> None:
    call(assignable.main, {"devices": [{"address": "00:05.0"}], "xl": XL})
    dom0.write(f"{dom0.sys}/bus/pci/drivers/pciback/unbind", CARD)
    assert call(assignable.main, {"devices": [{"address": "00:05.0"}], "xl": XL})["changed"]
    assert dom0.driver(CARD) == "pciback"
    dom0.write(f"{dom0.sys}/bus/pci/drivers/pciback/unbind", CARD)
    call(assignable.main, {"devices": [{"address": "00:05.0"}], "state": "returned", "xl": XL})
    assert (dom0.driver(CARD), Path(state_directory.DIRECTORY).exists()) == ("e1000", False)


def test_assignable_is_idempotent(dom0: Dom0) -> None:
    for state in ("assigned", "returned"):
        arguments = {"devices": [{"id": "1b36:0010"}, {"id": "10ec:8139"}], "state": state, "xl": XL}
        arguments["allow"] = [{"code": "iommu-group", "address": "00:06.0"}]
        predicted = call(assignable.main, arguments, check=True)
        assert predicted["diff"] == call(assignable.main, arguments)["diff"] != []
        again = call(assignable.main, {**arguments, "devices": [{"address": "01:00.0"}, {"address": "00:06.0"}]})
        assert (again["changed"], again["diff"]) == (False, [])


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


def test_device_info(dom0: Dom0) -> None:
    dom0.host.groups(_7=(CARD,))
    info = call(device_info.main, {})
    assert info["backend"] is False and len(info["devices"]) == 12
    (card,) = [each for each in info["devices"] if each["address"] == CARD]
    assert (card["iommu_group"], card["slot"], card["driver"], card["irq"]) == ("7", "0000:00/05.0", "e1000", 21)
    (nvme,) = [each for each in info["devices"] if each["address"] == NVME]
    assert (nvme["reset_methods"], nvme["slot"]) == (["flr", "bus"], "0000:00/08.0/00.0")
