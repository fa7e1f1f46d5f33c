# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is observed once, and selectors are resolved on what was seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import pin_of, to_mapping
from ansible_collections.xen.pciback.plugins.module_utils.devices.resolve import Selection
from ansible_collections.xen.pciback.plugins.module_utils.engines.observe import (
    observe,
    read_traces,
    resolve_wanted,
)
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats import json_record
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import (
    BOOT,
    GUEST,
    NATIVE,
    Original,
    Originals,
    render,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.trial import NoTrial
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import (
    NativeState,
    Observed,
    RunningGuest,
    Traces,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import (
    ABSENT,
    Wanted,
    WantedGuest,
    WantedTrial,
)
from tests.unit.formats.test_guest_kernel import GUEST_OS, LINUX, elf
from tests.unit.linux_modules import CARD, NVME, SECOND, XL, Dom0
from tests.unit.planning.hosts import BUS, ONE, device, host

HELD = parse_address(CARD)


def look(dom0: Dom0, wanted: Wanted, *, xl: str | None = XL) -> tuple[Observed, Selection]:
    """Observe a host, with its records beside it."""
    return observe(
        dom0.run,
        Linux(dom0.run),
        wanted,
        boot_path=None,
        state=StateDirectory(str(dom0.folder / "db")),
        backend=Linux.backends["kernel"],
        native=NativeState(True),
        prefix="/usr/local",
        xl=xl,
    )


@pytest.fixture
def config(dom0: Dom0) -> Path:
    """The file of a guest."""
    return dom0.config("firewall")


@pytest.fixture
def wanted(config: Path) -> Wanted:
    """A guest with a card."""
    return Wanted(guests=(WantedGuest("firewall", str(config), devices=(device(address="00:05.0"),)),))


@pytest.fixture
def pins(dom0: Dom0) -> Path:
    """Where pins are recorded."""
    folder = dom0.folder / "db"
    folder.mkdir()
    return folder / "pins.json"


# --- observing


def test_a_host_with_a_device_that_is_still_dom0_s(dom0: Dom0, config: Path, wanted: Wanted) -> None:
    observed, selection = look(dom0, wanted)
    assert len(observed.devices) == 12
    assert (observed.claims, observed.running, observed.pins) == (None, (), {})
    assert observed.boot.path == "/boot/grub/grub.cfg"
    assert observed.guest_configs == {str(config): config.read_bytes()}
    assert [each.address for each in selection.unclaimed] == [HELD]
    assert observed.facts is not None and observed.facts.iommu, "the guards have to judge"


def test_facts_are_read_only_for_what_is_to_leave_dom0(dom0: Dom0, wanted: Wanted) -> None:
    dom0.write(f"{dom0.sys}/bus/pci/drivers/e1000/unbind", CARD)
    dom0.load_pciback((CARD,))
    observed, selection = look(dom0, wanted)
    assert (observed.claims, observed.facts, selection.unclaimed) == ((HELD,), None, ())
    # But where an owner states an interrupt, the host has to say what it knows of it.
    (line,) = wanted.guests[0].devices
    stated = replace(wanted, guests=(replace(wanted.guests[0], devices=(replace(line, irq=20),)),))
    observed = look(dom0, stated)[0]
    assert observed.facts is not None and observed.devices[0].config is not None


def test_facts_are_read_when_dom0_gets_a_device_back(dom0: Dom0, wanted: Wanted) -> None:
    """What stays away may be on its line."""
    for address in (CARD, SECOND):
        dom0.write(f"{dom0.sys}/bus/pci/drivers/e1000/unbind", address)
    dom0.load_pciback((CARD, SECOND))
    observed, selection = look(dom0, wanted)
    assert (observed.claims, selection.unclaimed) == ((HELD, parse_address(SECOND)), ())
    assert observed.facts is not None and observed.facts.iommu
    # Everything goes back: nothing stays away.
    assert look(dom0, Wanted())[0].facts is None


def test_a_kernel_that_can_not_use_its_devices_is_noticed(dom0: Dom0, config: Path, wanted: Wanted) -> None:
    kernel = dom0.folder / "netbsd-XEN3_DOMU"
    config.write_text(f"name = 'firewall'\nkernel = '{kernel}'\n")
    kernel.write_bytes(elf(GUEST_OS))
    assert look(dom0, wanted)[0].deaf_kernels == {str(config): str(kernel)}
    without = replace(wanted, guests=(replace(wanted.guests[0], devices=()),))
    assert look(dom0, without)[0].deaf_kernels == {}
    kernel.write_bytes(elf(LINUX))
    assert look(dom0, wanted)[0].deaf_kernels == {}
    kernel.unlink()
    assert look(dom0, wanted)[0].deaf_kernels == {}
    config.write_text("name = 'firewall'\nkernel = 'netbsd-XEN3_DOMU'\n")
    assert look(dom0, wanted)[0].deaf_kernels == {}
    config.write_text("name = \n")
    assert look(dom0, wanted)[0].deaf_kernels == {}


def test_guests_that_run_and_domains_that_are_gone(dom0: Dom0, wanted: Wanted) -> None:
    with_card, asked, without = (dom0.xl.add(*words) for words in (("firewall", "running", CARD), ("mail",), ("web",)))
    dom0.xl.guests[1]["asked"] = True
    dom0.xl.stale = {7: [NVME]}
    observed, _selection = look(dom0, wanted)
    off = {"permissive": False, "msitranslate": False, "power_mgmt": False, "vslot": 0}
    assert observed.running == (
        RunningGuest("firewall", with_card, (HELD,), passthrough=True, options={HELD: off}),
        RunningGuest("mail", asked, (), passthrough=True),
        RunningGuest("web", without, (), passthrough=False),
    )
    assert observed.stale == {7: (parse_address(NVME),)}


def test_only_a_host_with_guests_needs_a_toolstack(dom0: Dom0, wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.xen.pciback.plugins.module_utils.host.xl.PLACES", ("/nowhere/xl",))
    observed, _selection = look(dom0, Wanted(extra_devices=(device(address="01:00.0"),)), xl=None)
    assert (observed.running, observed.stale) == ((), {})
    with pytest.raises(PcibackError, match="xl was found at none of /nowhere/xl"):
        look(dom0, wanted, xl=None)


def test_a_guest_s_file_that_can_not_be_read_is_kept_as_the_error(dom0: Dom0, config: Path, wanted: Wanted) -> None:
    config.unlink()
    error = look(dom0, wanted)[0].guest_configs[str(config)]
    assert isinstance(error, PcibackError)
    assert (error.code, error.message) == ("domain-config-invalid", "it does not exist")


@pytest.mark.parametrize("state", ["present", ABSENT])
def test_who_wants_to_be_rid_of_pins_need_not_read_them(dom0: Dom0, pins: Path, state: str) -> None:
    pins.write_text("{}")
    wanted = Wanted(state=state)
    if state == ABSENT:
        observed, _selection = look(dom0, wanted)
        assert (observed.pins, observed.traces.devices) == ({}, True)
    else:
        with pytest.raises(PcibackError, match="its schema is null"):
            look(dom0, wanted)


def test_pins_are_read(dom0: Dom0, wanted: Wanted, pins: Path) -> None:
    document = {"schema": "xen.pciback/pins/1", "pins": to_mapping({HELD: pin_of(BUS[2])})}
    pins.write_bytes(json_record.encode(document))
    assert list(look(dom0, wanted)[0].pins) == [HELD]


# --- traces


def recorded(folder: Path) -> tuple[StateDirectory, dict[str, Original]]:
    """Records of a boot configuration, of a guest's file that is gone, and of the native component."""
    (folder / "boot.cfg").write_bytes(b"timeout=5\n")
    files = {
        str(folder / "boot.cfg"): Original(BOOT, b"timeout=9\n", ("a" * 64,)),
        str(folder / "gone"): Original(GUEST, b"", ("b" * 64,)),
        str(folder / "pcibackctl"): Original(NATIVE, None, ("c" * 64,)),
    }
    (folder / "db").mkdir()
    (folder / "db/originals.json").write_bytes(render(Originals(files)))
    return StateDirectory(str(folder / "db")), files


def test_recorded_files_are_read_only_if_they_are_to_be_put_back(tmp_path: Path) -> None:
    state, files = recorded(tmp_path)
    traces = read_traces(Wanted(), "/boot.cfg", state)
    assert traces == Traces(Originals(files), places={"/boot.cfg": "/boot.cfg"})


def test_all_that_is_left_of_us(tmp_path: Path) -> None:
    state, files = recorded(tmp_path)
    link = tmp_path / "link"
    link.symlink_to("gone")
    wanted = Wanted(guests=(WantedGuest("firewall", str(link)),), state=ABSENT)
    traces = read_traces(wanted, str(tmp_path / "boot.cfg"), state)
    assert traces.originals == Originals(files)
    assert traces.files == {str(tmp_path / "boot.cfg"): b"timeout=5\n", str(tmp_path / "gone"): None}
    assert traces.places == {
        str(tmp_path / "boot.cfg"): str(tmp_path / "boot.cfg"),
        str(link): str(tmp_path / "gone"),
    }
    assert (traces.devices, traces.native) == (False, True)


def test_a_recorded_file_that_can_not_be_read_is_kept_as_the_error(tmp_path: Path) -> None:
    state, _files = recorded(tmp_path)
    (tmp_path / "gone").mkdir()
    error = read_traces(Wanted(state=ABSENT), "/boot.cfg", state).files[str(tmp_path / "gone")]
    assert isinstance(error, PcibackError)
    assert (error.code, "it is a directory" in error.message) == ("domain-config-invalid", True)


@pytest.mark.parametrize(
    ("files", "devices", "native"),
    [
        ({}, False, False),
        ({"pins.json": b"{}"}, True, False),
        ({"native.json": b"{}"}, False, True),
        ({"originals.json": render(Originals())}, False, True),
    ],
)
def test_what_records_leave_even_if_they_are_empty(
    tmp_path: Path, files: dict[str, bytes], devices: bool, native: bool
) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    traces = read_traces(Wanted(state=ABSENT), "/boot.cfg", StateDirectory(str(tmp_path)))
    assert (traces.devices, traces.native) == (devices, native)


# --- resolving


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, ["identity-changed"]),
        ({"allow": (("identity-changed", BUS[2].address),)}, [None]),
        ({"allow": (("boot-disk", BUS[2].address),)}, ["identity-changed"]),
    ],
)
def test_another_card_in_a_pinned_place_is_accepted_for_that_place(
    changes: dict[str, Any], codes: list[str | None]
) -> None:
    other = replace(pin_of(BUS[2]), id="10ec:8139")
    selection = resolve_wanted(replace(ONE, **changes), host(pins={BUS[2].address: other}), units=True)
    assert [answer.error.code if answer.error else None for answer in selection.answers] == codes


# --- trials


def test_a_host_is_asked_for_what_hinders_a_trial_only_if_a_plan_may_reboot_it(
    dom0: Dom0, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = WantedTrial("when_possible")
    for wanted in (replace(ONE, trials=tried, reboot="when_needed"), replace(ONE, reboot="when_changed")):
        assert look(dom0, wanted)[0].trial.obstacle is None
    hindered = look(dom0, replace(ONE, trials=tried, reboot="when_changed"))[0].trial
    assert (hindered.obstacle is not None and hindered.obstacle.code, hindered.starts) == ("no-watchdog", False)
    monkeypatch.setattr(Linux, "trials", lambda _self: None)
    none = look(dom0, ONE)[0].trial.obstacle
    assert none == NoTrial("not-here", "this system starts in no way that undoes itself")
