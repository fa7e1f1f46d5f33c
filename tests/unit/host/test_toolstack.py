# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest is made paused, gets its devices from pcibackd or the kernel's backend, and only then runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.guests import bring_into_states, read_guests
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.host import toolstack
from ansible_collections.xen.pciback.plugins.module_utils.host.kernel_pciback import KernelPciback
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.module_utils.host.toolstack import (
    KernelToolstack,
    PcibackdToolstack,
    toolstack_of,
)
from ansible_collections.xen.pciback.plugins.module_utils.host.xl import Xl
from tests.pcibackd_double import PROGRAM, PcibackdDouble
from tests.xl_double import XlDouble

CARD, DISK = "0000:00:05.0", "0000:01:00.0"


class Host(XlDouble):
    """A dom0 with xl, pcibackd, and the file of a guest that has two devices."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.pcibackd = PcibackdDouble()
        self.pcibackd.taken = {CARD: CARD, DISK: DISK}
        self.order: list[str] = []
        self.config("pci = [ '00:05.0', '01:00.0,permissive=1,rdm_policy=relaxed' ]\n")

    def config(self, more: str) -> None:
        (self.home / "a.cfg").write_text(f"name = 'a'\n{more}")

    def run(self, argv: Sequence[str], cwd: str | None = None) -> tuple[int, str, str]:
        words = list(argv[1:])
        if words[0] not in ("list", "info", "status"):
            self.order.append(" ".join([Path(argv[0]).name, *words]))
        return self.pcibackd.run(argv) if argv[0] == PROGRAM else super().run(argv, cwd)

    def toolstack(self) -> PcibackdToolstack:
        found = toolstack_of(
            Netbsd.backends["native"], Xl(self.run, str(self.path)), Netbsd(self.run), PROGRAM, self.run
        )
        assert isinstance(found, PcibackdToolstack)
        return found

    def bring(self, state: str = "running", **more: Any) -> dict[str, Any]:
        wish = {"name": "a", "config": str(self.home / "a.cfg"), "state": state, "restart": False, "hot_plug": False}
        try:
            guests = read_guests([{**wish, **more}], Netbsd.backends["native"])
            outcome = bring_into_states(guests, self.toolstack(), timeout=1, frontend_timeout=1, check_mode=False)
        except PcibackError as error:
            return {"failed": True, "msg": str(error), "code": error.code}
        return {**outcome.values, **({"failed": True, "msg": str(outcome.failure)} if outcome.failure else {})}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize(("iommu", "more"), [(True, ' passthrough="enabled"'), (False, "")])
def test_a_guest_starts_with_its_devices(host: Host, iommu: bool, more: str) -> None:
    host.iommu = iommu
    result = host.bring()
    assert host.order == [
        f"xl create -p {host.home}/a.cfg pci=[] e820_host=1{more}",
        f"pcibackctl attach --domain 1 {CARD} {DISK},permissive=1,rdm_policy=relaxed",
        "xl unpause 1",
    ]
    assert (result["domains"][0]["after"], result["domains"][0]["devices"]) == ("running", [CARD, DISK])
    assert host.bring()["changed"] is False


def test_a_guest_without_devices_is_xl_s_alone(host: Host) -> None:
    host.config("")
    host.bring()
    assert host.order == [f"xl create {host.home}/a.cfg"]


def test_one_that_does_not_get_its_devices_never_runs(host: Host) -> None:
    host.pcibackd.refuses["attach"] = "0000:01:00.0 is of no use"
    failed = host.bring()
    assert failed["msg"] == "guest a did not get its devices: 0000:01:00.0 is of no use"
    assert host.order[-1] == "xl destroy 1"
    assert (host.guests, failed["domains"][0]["after"]) == ([], "absent")


def test_one_that_is_gone_before_it_gets_them(host: Host) -> None:
    host.habits["a"] = "dies"
    assert host.bring()["msg"] == "guest a was made and is gone"


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("type = 'hvm'\npci = [ '00:05.0' ]\n", "it makes a guest of type hvm, and pcibackd serves PV guests only"),
        (
            "pci = [ '00:05.*' ]\n",
            "00:05.* is no address of a function, and only xl knows what it stands for",
        ),
    ],
)
def test_what_pcibackd_can_not_do(host: Host, more: str, sentence: str) -> None:
    host.config(more)
    assert host.bring()["msg"] == f"{host.home}/a.cfg: {sentence}"
    assert host.guests == []


def test_what_helps_with_a_list_that_only_xl_understands(host: Host) -> None:
    host.config("pci = [ 'name=wifi' ]\n")
    config = XlConfig.parse((host.home / "a.cfg").read_bytes(), "a.cfg")
    with pytest.raises(PcibackError) as refused:
        host.toolstack().create(config)
    assert refused.value.remedy == "list each function by its address"


def test_devices_that_were_not_taken(host: Host) -> None:
    del host.pcibackd.taken[DISK]
    assert host.bring()["msg"] == "guest a: pcibackd has not taken 01:00.0"
    host.pcibackd.running = False
    assert host.bring()["msg"] == "guest a: pcibackd does not run, which gives devices to guests"
    assert host.order == []


def test_devices_come_and_go_while_it_runs(host: Host) -> None:
    host.bring()
    host.config("pci = [ '01:00.0', '00:07.0' ]\n")
    host.pcibackd.taken["0000:00:07.0"] = ""
    host.order = []
    result = host.bring(hot_plug=True)
    assert host.order == [f"pcibackctl detach --domain 1 {CARD}", "pcibackctl attach --domain 1 0000:00:07.0"]
    assert result["domains"][0]["devices"] == [DISK, "0000:00:07.0"]


def test_a_frontend_that_never_connects(host: Host) -> None:
    host.pcibackd.phases[1] = "ready"
    assert host.bring()["msg"] == "guest a has not connected to pcibackd within 1 s"


# --- the kernel's backend


class KernelHost(XlDouble):
    """A dom0 with xl, pcibackctl, and a kernel whose backend keeps two devices.

    :ivar state: of the backend, for each guest that gets devices; empty: the guest's frontend connects when it runs
    """

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.order: list[str] = []
        self.served: dict[int, list[str]] = {}
        self.state = ""
        self.refuses = ""
        (home / "a.cfg").write_text("name = 'a'\npci = [ '00:05.0', '01:00.0,rdm_policy=relaxed' ]\n")
        self.host = Netbsd(self.run)
        self.host.claims = lambda: (parse_address(CARD), parse_address(DISK))  # type: ignore[method-assign]

    def run(self, argv: Sequence[str], cwd: str | None = None) -> tuple[int, str, str]:
        words = list(argv[1:])
        if argv[0] == "/usr/pkg/bin/xenstore-ls":
            return 0, "".join(map(self._nodes, self.served)), ""
        if words[0] not in ("list", "info"):
            self.order.append(" ".join([Path(argv[0]).name, *words]))
        if argv[0] != PROGRAM:
            return super().run(argv, cwd)
        domid = int(words[4])
        if self.refuses:
            return 1, "", f"pcibackctl: {self.refuses}\n"
        if words[0] == "attach":
            self.served[domid] = words[7:]
        else:
            del self.served[domid]
        return 0, "", ""

    def _nodes(self, domid: int) -> str:
        runs = any(guest["domid"] == domid and guest["state"] == "running" for guest in self.guests)
        gone = domid not in self.domains.values()
        values = {"state": self.state or ("6" if gone else "4" if runs else "3"), "num_devs": len(self.served[domid])}
        for number, word in enumerate(self.served[domid]):
            address, _comma, options = word.partition(",")
            values.update({f"dev-{number}": address, f"opts-{number}": f"permissive=0,{options}"})
        return "".join(f'/local/domain/0/backend/pci/{domid}/0/{key} = "{value}"\n' for key, value in values.items())

    def toolstack(self) -> KernelToolstack:
        return KernelToolstack(Xl(self.run, str(self.path)), self.host, KernelPciback(self.run, PROGRAM), patience=0)

    def bring(self, state: str = "running", **more: Any) -> dict[str, Any]:
        wish = {"name": "a", "config": str(self.home / "a.cfg"), "state": state, "restart": False, "hot_plug": False}
        try:
            guests = read_guests([{**wish, **more}], Netbsd.backends["kernel"])
            outcome = bring_into_states(guests, self.toolstack(), timeout=1, frontend_timeout=1, check_mode=False)
        except PcibackError as error:
            return {"failed": True, "msg": str(error), "code": error.code}
        return {**outcome.values, **({"failed": True, "msg": str(outcome.failure)} if outcome.failure else {})}


@pytest.fixture
def kernel_host(tmp_path: Path) -> KernelHost:
    return KernelHost(tmp_path)


ATTACH = "pcibackctl attach --backend kernel --domain"


def test_the_kernel_s_guest_gets_all_its_devices_at_once(kernel_host: KernelHost) -> None:
    result = kernel_host.bring(allow=["no-iommu"])
    assert kernel_host.order == [
        f'xl create -p {kernel_host.home}/a.cfg pci=[] e820_host=1 passthrough="enabled"',
        f"{ATTACH} 1 --allow no-iommu,no-reset,shared-irq {CARD} {DISK},rdm_policy=relaxed",
        "xl unpause 1",
    ]
    assert (result["domains"][0]["after"], result["domains"][0]["devices"]) == ("running", [CARD, DISK])
    assert kernel_host.bring()["changed"] is False
    # What is left of it when it is shut down is removed.
    kernel_host.order = []
    assert kernel_host.bring("stopped")["domains"][0]["after"] == "absent"
    assert kernel_host.order == ["xl shutdown -F 1", "pcibackctl detach --backend kernel --domain 1"]
    kernel_host.bring()
    kernel_host.order = []
    kernel_host.habits["a"] = "ignores"
    kernel_host.bring("absent")
    assert kernel_host.order[-2:] == ["xl destroy 2", "pcibackctl detach --backend kernel --domain 2"]


def test_an_interrupt_that_the_owner_states_goes_with_the_device(kernel_host: KernelHost) -> None:
    kernel_host.bring(irq={"0000:01:00.0": 20})
    assert f"{ATTACH} 1 --allow no-reset,shared-irq {CARD} {DISK},rdm_policy=relaxed,irq=20" in kernel_host.order
    (domain,) = kernel_host.toolstack().domains()
    assert domain.irqs == {parse_address(DISK): 20}
    assert kernel_host.bring(irq={"0000:01:00.0": "255"})["msg"] == (
        "irq of 0000:01:00.0 is 255, and an interrupt that a guest can be told has a number from 1 to 254"
    )


def test_one_that_gets_nothing_of_the_kernel_is_destroyed(kernel_host: KernelHost) -> None:
    kernel_host.refuses = "0000:00:05.0 is domain 9's still"
    assert kernel_host.bring()["msg"] == "guest a did not get its devices: 0000:00:05.0 is domain 9's still"
    assert (kernel_host.order[-1], kernel_host.guests) == ("xl destroy 1", [])


def test_one_with_which_the_kernel_has_stopped_half_way_is_left_alone(kernel_host: KernelHost) -> None:
    kernel_host.refuses = "the kernel's backend has stopped half-way with domain 1"
    kernel_host.served[1] = [CARD]
    kernel_host.state = "3"
    assert "has stopped half-way" in kernel_host.bring()["msg"]
    assert (kernel_host.order[-1].split()[1], kernel_host.domains) == ("attach", {"a": 1})


@pytest.mark.parametrize("state", ["stopped", "absent"])
def test_a_guest_that_has_not_connected_does_not_end(kernel_host: KernelHost, state: str) -> None:
    kernel_host.state = "3"
    assert kernel_host.bring()["msg"] == "guest a has not connected to the kernel's backend within 1 s"
    kernel_host.order = []
    result = kernel_host.bring(state)
    assert kernel_host.order == []
    says = "guest a has not connected to its devices, and dom0's kernel panics when such a guest ends"
    assert (result["failed"], result["msg"]) == (True, says)
    with pytest.raises(PcibackError) as refused:
        kernel_host.toolstack().destroy(kernel_host.toolstack().domains()[0])
    assert refused.value.remedy == "let its kernel find them and run again, or reboot dom0 by hand when it suits you"
    assert kernel_host.bring(restart=True)["msg"] == says
    kernel_host.state = ""
    assert "failed" not in kernel_host.bring(state)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            "type = 'pvh'\npci = [ '00:05.0' ]\n",
            "it makes a guest of type pvh, and the kernel's backend serves PV guests only",
        ),
        (
            "pci = [ '00:05.0,permissive=1' ]\n",
            "0000:00:05.0,permissive=1 is to be permissive, which the kernel's backend does not know: it passes each write on",
        ),
    ],
)
def test_what_the_kernel_can_not_do(kernel_host: KernelHost, more: str, sentence: str) -> None:
    (kernel_host.home / "a.cfg").write_text(f"name = 'a'\n{more}")
    said = kernel_host.bring()["msg"]
    assert said.startswith(f"{kernel_host.home}/a.cfg: ") and sentence.split(" is ")[-1] in said
    assert kernel_host.guests == []


def test_what_helps_with_a_permissive_device(kernel_host: KernelHost) -> None:
    (kernel_host.home / "a.cfg").write_text("name = 'a'\npci = [ '00:05.0,permissive=1' ]\n")
    config = XlConfig.parse((kernel_host.home / "a.cfg").read_bytes(), "a.cfg")
    with pytest.raises(PcibackError) as refused:
        kernel_host.toolstack().create(config)
    assert refused.value.remedy == "take permissive out of it, or choose pciback_backend: native"


def test_devices_that_the_kernel_does_not_keep(kernel_host: KernelHost) -> None:
    kernel_host.host.claims = lambda: (parse_address(CARD),)  # type: ignore[method-assign]
    assert kernel_host.bring()["msg"] == "guest a: 01:00.0 is not kept by pciback(4)"
    assert kernel_host.order == []


def test_what_the_host_starts_by_itself_comes_first(kernel_host: KernelHost, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([False, False, True])
    service = mock.Mock(has_begun=lambda: next(looks))
    monkeypatch.setattr(kernel_host.host, "guests_service", lambda: service)
    pauses: list[float] = []
    monkeypatch.setattr(toolstack.time, "sleep", pauses.append)
    assert bring_into_states(
        [], kernel_host.toolstack(), timeout=9, frontend_timeout=0, check_mode=False, after_reboot=True
    )
    assert (len(pauses), list(looks)) == (2, [])
    # A run that reboots nothing waits for nothing, nor does check mode; and no wait is without an end.
    service.has_begun = lambda: False
    for more in ({"check_mode": False}, {"check_mode": True, "after_reboot": True}):
        bring_into_states([], kernel_host.toolstack(), timeout=9, frontend_timeout=0, **more)
    bring_into_states([], kernel_host.toolstack(), timeout=0, frontend_timeout=0, check_mode=False, after_reboot=True)
    assert len(pauses) == 2


def test_whose_xl_gives_devices_itself(kernel_host: KernelHost) -> None:
    xl = Xl(kernel_host.run, "/usr/sbin/xl")
    kinds = {
        type(toolstack_of(backend, xl, kernel_host.host, PROGRAM, kernel_host.run)).__name__
        for backend in (Linux.backends["kernel"], Netbsd.backends["kernel"])
    }
    assert kinds == {"XlToolstack", "KernelToolstack"}
