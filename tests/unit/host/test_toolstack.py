# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest is made paused, gets its devices from pcibackd, and only then runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines.guests import bring_into_states, read_guests
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.document import XlConfig
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackd import Pcibackd
from ansible_collections.xen.pciback.plugins.module_utils.host.toolstack import PcibackdToolstack, toolstack_of
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
        found = toolstack_of("native", Xl(self.run, str(self.path)), Netbsd(self.run), Pcibackd(self.run, PROGRAM))
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


def test_the_kernel_s_backend_is_xl_s() -> None:
    xl = Xl(lambda *_a: (0, "", ""), "/usr/sbin/xl")
    found = toolstack_of("kernel", xl, Netbsd(lambda *_a: (0, "", "")), Pcibackd(lambda *_a: (0, "", "")))
    assert type(found).__name__ == "XlToolstack"
