# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is planned from the options of module ``plan``, whatever it runs and whatever is wanted of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_inspect
from ansible_collections.xen.pciback.plugins.module_utils.engines import plan_host as plan_host_module
from ansible_collections.xen.pciback.plugins.module_utils.engines.observe import resolve_wanted
from ansible_collections.xen.pciback.plugins.module_utils.engines.plan_host import (
    Choice,
    choose_backend,
    decide,
    plan_host,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import PcibackdStatus
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd import platform
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import DaemonState, NativeState, Observed
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted
from tests.unit.engines.test_inventory import DEFAULTS
from tests.unit.linux_modules import CARD, XL, Dom0
from tests.unit.planning.hosts import ONE, host, kinds
from tests.unit.plans import run


def plan(dom0: Dom0, **options: Any) -> tuple[Plan, Observed]:
    """Plan the host for a guest with a card."""
    guest = {"name": "firewall", "config": str(dom0.folder / "firewall"), "state": "running"}
    given: dict[str, Any] = {
        **DEFAULTS,
        "guests": [{**guest, "devices": [{"address": "00:05.0"}]}],
        "boot_config": None,
        "native_prefix": "/usr/local",
        "native_source_sha256": "",
        "native_cflags": "",
        "backend": "kernel",
        "xl": XL,
        **options,
    }
    return plan_host(dom0.run, lambda _name, **_options: None, given, StateDirectory(str(dom0.folder / "db")))


def test_options_become_a_plan(dom0: Dom0) -> None:
    planned, observed = plan(dom0)
    assert kinds(planned) == ["hide", "configure", "assign", "run"]
    assert observed.boot.path == "/boot/grub/grub.cfg"
    assert not observed.native.ready and "nothing of it is recorded in" in observed.native.reason


def test_a_host_that_nobody_touched_has_nothing_to_undo(dom0: Dom0) -> None:
    planned, _observed = plan(dom0, state="absent", guests=[])
    assert (planned.actions, planned.refusals, planned.warnings) == ((), (), ())


def test_all_that_can_not_be_meant_is_refused_and_nothing_else_is_said(dom0: Dom0) -> None:
    """A guest without the device that could not be read would look like one that is to lose it."""
    planned, _observed = plan(dom0, boot_entries=5, extra_devices=[{"address": "00:1f.0"}, {"address": "x"}])
    assert [refusal.code for refusal in planned.refusals] == ["inventory-invalid"] * 2
    assert planned.refusals[0].message.startswith("option 'boot_entries' must be 'xen'")
    assert planned.refusals[1].message.startswith("extra_devices: 'x' is not a PCI address")
    assert planned.actions == ()


def test_the_backend_that_suits_a_host(dom0: Dom0, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Linux that is the kernel's; on NetBSD pcibackd, where it can run."""
    wanted = Wanted()
    assert choose_backend("auto", wanted, Linux(dom0.run), DaemonState()) == Choice("kernel")
    netbsd = Netbsd(dom0.run)
    monkeypatch.setattr(netbsd, "claims", lambda: None)
    monkeypatch.setattr(platform, "PRIVCMD", str(tmp_path / "privcmd"))
    monkeypatch.setattr(platform, "LIBRARY_DIRECTORIES", (str(tmp_path),))
    why = f"pcibackd needs {tmp_path}/privcmd, and this host has none"
    assert choose_backend("auto", wanted, netbsd, DaemonState()) == Choice("kernel", why)
    (tmp_path / "privcmd").touch()
    why = f"pcibackd needs Xen's libxencall.so.1, and {tmp_path} has none"
    assert choose_backend("auto", wanted, netbsd, DaemonState()) == Choice("kernel", why)
    for library in platform.XEN_LIBRARIES:
        (tmp_path / library).touch()
    assert choose_backend("auto", wanted, netbsd, DaemonState()) == Choice("native")
    assert choose_backend("kernel", wanted, netbsd, DaemonState()) == Choice("kernel")


def test_a_host_stays_with_the_backend_that_has_its_devices(dom0: Dom0, monkeypatch: pytest.MonkeyPatch) -> None:
    card = parse_address(CARD)
    netbsd = Netbsd(dom0.run)
    monkeypatch.setattr(netbsd, "suitable_backend", lambda: ("native", ""))
    monkeypatch.setattr(netbsd, "claims", lambda: (card,))
    why = "pciback holds 00:05.0 already, and pciback_backend: native moves them to pcibackd"
    assert choose_backend("auto", Wanted(), netbsd, DaemonState()) == Choice("kernel", why)
    monkeypatch.setattr(netbsd, "claims", lambda: ())
    assert choose_backend("auto", Wanted(), netbsd, DaemonState()) == Choice("native")
    served = DaemonState(True, True, status=PcibackdStatus(idle=(card,)))
    assert choose_backend("auto", Wanted(), Linux(dom0.run), served) == Choice("native")


def test_why_the_other_backend_serves_is_said() -> None:
    plan = decide(ONE, host(), resolve_wanted(ONE, host(), units=True), Netbsd(run), Choice("kernel", "it is so"))
    assert "the kernel backend serves the guests: it is so" in plan.warnings


@pytest.mark.parametrize(
    ("daemon", "claims", "backend"),
    [(DaemonState(), None, "kernel"), (DaemonState(True), None, "native"), (DaemonState(True), (), "kernel")],
)
def test_undone_is_what_is_there(
    dom0: Dom0, monkeypatch: pytest.MonkeyPatch, daemon: DaemonState, claims: Any, backend: str
) -> None:
    linux = Linux(dom0.run)
    monkeypatch.setattr(linux, "claims", lambda: claims)
    assert choose_backend("kernel", Wanted(state="absent"), linux, daemon) == Choice(backend)


def test_what_pcibackd_holds_is_the_backend_s(dom0: Dom0, monkeypatch: pytest.MonkeyPatch) -> None:
    status = PcibackdStatus(idle=(parse_address(CARD),))
    monkeypatch.setattr(
        native_inspect, "inspect", lambda *_a, **_k: NativeState(True, daemon=DaemonState(True, True, status=status))
    )
    planned, observed = plan(dom0, backend="native")
    assert (planned.backend, observed.claims) == ("native", (parse_address(CARD),))
    (device,) = planned.devices
    assert (device.held, observed.other_claims) == (True, None)
    monkeypatch.setattr(plan_host_module, "daemon_status", lambda *_a: status)
    planned, observed = plan(dom0)
    assert (observed.claims, observed.other_claims) == (None, (parse_address(CARD),))
    assert [action.kind for action in planned.actions if action.kind in ("release", "assign")] == ["release", "assign"]
