# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which system a host runs, and that a further one is a package and a line: here it is this file and a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin
from ansible_collections.xen.pciback.plugins.module_utils.devices.selectors import Selector
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.backend import RunTimeBackend
from ansible_collections.xen.pciback.plugins.module_utils.host.boot_edit import BootRequest, BootResult
from ansible_collections.xen.pciback.plugins.module_utils.host.native_backend import Drivers
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.service import Service
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import AT_RUN_TIME, Backend
from ansible_collections.xen.pciback.plugins.module_utils.planning.boot import Listed, hide_action
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import BootState
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Action
from ansible_collections.xen.pciback.plugins.modules import boot_hide, plan
from tests.unit.module_call import call

CARD = Device(parse_address("00:05.0"), 0x8086, 0x10D3, 0x020000, name="Intel 82574L", driver="em0")


@dataclass(frozen=True)
class ToyBoot:
    """A loader's settings file that lists hidden functions, one a line."""

    path: str
    hidden: tuple[str, ...] = ()
    predictable: bool = False
    loader: str | None = None
    predicted_claims: tuple[Address, ...] | None = None


@dataclass(frozen=True)
class ToyBootPlanner:
    boot: ToyBoot

    def hide(self, draft: Draft) -> Sequence[Action]:
        wanted = tuple(str(address) for address in draft.listed)
        return hide_action(draft, self.boot.path, changed=wanted != self.boot.hidden, keep_held=False)

    def lists(self, draft: Draft) -> Sequence[Listed]:
        return ()

    def own_claims(self, draft: Draft, restored: Mapping[str, bytes | None]) -> tuple[Address, ...]:
        return ()

    def to_restore(self, draft: Draft) -> tuple[Sequence[str], Sequence[str]]:
        return (), ()


@dataclass
class Toy(Platform):
    """A system whose backend takes devices at run time and can't change those of a running guest."""

    settings: Path
    bus: tuple[Device, ...] = (CARD,)
    units: bool = True
    backends: Mapping[str, Backend] = field(
        default_factory=lambda: {"kernel": Backend("kernel", AT_RUN_TIME, False, "the toy breaks")}
    )

    def check_dom0(self) -> None:
        pass

    def claims(self) -> tuple[Address, ...] | None:
        return ()

    def devices(self, *, configuration: bool = True) -> tuple[Device, ...]:
        return self.bus

    def devices_for(
        self, selectors: Sequence[Selector], claims: Sequence[Address], pins: Mapping[Address, Pin]
    ) -> tuple[Device, ...]:
        return self.bus

    def complete(self, devices: Sequence[Device]) -> tuple[Device, ...]:
        return tuple(devices)

    def facts(self, devices: Sequence[Device], xl: str | None) -> Facts:
        return Facts(iommu=True)

    def read_boot(self, path: str | None, state_directory: str, pcibackctl: str | None) -> ToyBoot:
        hidden = self.settings.read_text().split() if self.settings.exists() else ()
        return ToyBoot(path or str(self.settings), tuple(hidden))

    def boot_planner(self, boot: BootState) -> ToyBootPlanner:
        assert isinstance(boot, ToyBoot)
        return ToyBootPlanner(boot)

    def drivers(self) -> Drivers:
        raise AssertionError("nothing changes hands")

    def service(self) -> Service:
        raise AssertionError("pcibackd is not wanted")

    def kernel_backend(self, state: StateDirectory, xl: str | None) -> RunTimeBackend:
        raise AssertionError("nothing changes hands")

    def edit_boot(self, request: BootRequest) -> BootResult:
        if not request.check_mode:
            self.settings.write_text("".join(f"{address}\n" for address in request.devices))
        return BootResult(True, (), {"claims": list(request.devices), "entries": [], "previous": {}})


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """A host that runs the toy: it is known by a folder, and stands before the others."""
    mark = tmp_path / "toy"
    mark.mkdir()
    host = Toy(settings=tmp_path / "settings")
    monkeypatch.setattr(platforms, "SYSTEMS", ((mark.is_dir, lambda _run: host), *platforms.SYSTEMS))
    return host


def test_a_further_system_is_planned_and_edited_by_the_modules(toy: Toy, tmp_path: Path) -> None:
    xl = tmp_path / "xl"
    xl.write_text(
        "#!/bin/sh\ncase $* in 'list -l') echo '[]' ;; *) printf 'Name\\nDomain-0 0 512 1 r----- 1.0\\n' ;; esac\n"
    )
    xl.chmod(0o755)
    wanted: dict[str, Any] = {
        "extra_devices": [{"address": "00:05.0"}],
        "state_directory": str(tmp_path / "state"),
        "native": False,
        "xl": str(xl),
    }
    planned = call(plan.main, wanted)
    assert [action["action"] for action in planned["actions"]] == ["hide", "assign"]
    assert planned["actions"][0]["summary"] == f"make {toy.settings} hide 00:05.0"
    assert (planned["boot_config"], planned["predictable"]) == (str(toy.settings), False)
    assert planned["reboot_required"] is False

    hide = {**planned["actions"][0]["arguments"], "lock": str(tmp_path / "lock")}
    assert call(boot_hide.main, hide)["claims"] == ["0000:00:05.0"]
    assert toy.settings.read_text() == "0000:00:05.0\n"


@pytest.mark.parametrize(
    ("kernfs", "sysfs", "name"),
    [(True, False, "Netbsd"), (False, True, "Linux"), (True, True, "Netbsd"), (False, False, "Netbsd")],
)
def test_a_system_is_known_by_what_only_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernfs: bool, sysfs: bool, name: str
) -> None:
    for constant, there in (("KERNFS_XEN", kernfs), ("SYSFS_PCI", sysfs)):
        place = tmp_path / constant
        if there:
            place.mkdir()
        monkeypatch.setattr(platforms, constant, str(place))
    assert type(platforms.here(lambda *_a, **_k: (0, "", ""))).__name__ == name
