# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a host: where they are, what 0.1.0 left, and what a crash leaves."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.devices import pins as pins_format
from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import Pin
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import difference
from ansible_collections.xen.pciback.plugins.module_utils.formats.native_record import NativeRecord
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import BOOT, Original, Originals
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import (
    DRIVERS,
    LOCK,
    NATIVE,
    ORIGINALS,
    PINS,
    StateDirectory,
)
from tests.crash import Disk, run, watched

CARD, OTHER = parse_address("03:00.0"), parse_address("04:00.0")
PIN = Pin("8086:100e", None, "020000", driver="wm0")
OLD, NEW = {CARD: PIN}, {CARD: PIN, OTHER: PIN}

# What 0.1.0 wrote, byte for byte.
DEVICES_JSON = b"""\
{
  "schema": "xen.pciback/pins/1",
  "pins": {
    "0000:03:00.0": {
      "id": "8086:100e",
      "subsystem": null,
      "class": "020000",
      "driver": "wm0",
      "slot": null,
      "mac": null,
      "serial": null,
      "known_as": null
    }
  }
}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "xen-pciback"


@pytest.fixture
def state(path: Path) -> StateDirectory:
    return StateDirectory(str(path))


@pytest.fixture
def old(path: Path) -> StateDirectory:
    """The directory as 0.1.0 left it."""
    path.mkdir()
    (path / "devices.json").write_bytes(DEVICES_JSON)
    return StateDirectory(str(path))


def names(path: Path) -> list[str]:
    return sorted(os.listdir(path)) if path.exists() else []


def test_nothing_is_there_at_first_and_looking_makes_nothing(state: StateDirectory, path: Path) -> None:
    assert (state.pins(), state.has_pins) == ({}, False)
    assert (state.originals().originals, state.originals().exists) == (Originals(), False)
    assert (state.drivers().value, state.native().value) == ({}, None)
    assert state.save_pins({}) == []
    assert not path.exists()


def test_each_record_has_its_file_and_goes_when_it_is_empty(state: StateDirectory, path: Path) -> None:
    originals, drivers, native = state.originals(), state.drivers(), state.native()
    state.save_pins(OLD)
    originals.save(Originals({"/boot.cfg": Original(BOOT, b"")}))
    drivers.save({CARD: "e1000", OTHER: None})
    record = NativeRecord("a" * 64, "host", "cc 12", "", {"/usr/local/sbin/pcibackctl": "b" * 64})
    native.save(record)
    assert names(path) == [DRIVERS, NATIVE, ORIGINALS, PINS]
    modes = {name: stat.S_IMODE((path / name).stat().st_mode) for name in names(path)}
    assert modes == {DRIVERS: 0o644, NATIVE: 0o644, ORIGINALS: 0o600, PINS: 0o644}
    again = StateDirectory(str(path))
    assert again.pins() == OLD
    assert again.originals().originals == Originals({"/boot.cfg": Original(BOOT, b"")})
    assert again.drivers().value == {CARD: "e1000", OTHER: None}
    assert again.native().value == record
    state.save_pins({})
    originals.save(Originals())
    drivers.save({})
    native.save(None)
    assert names(path) == []


def test_a_record_that_somebody_else_has_changed_is_not_overwritten(state: StateDirectory, path: Path) -> None:
    mine, theirs = state.drivers(), state.drivers()
    theirs.save({CARD: "e1000"})
    with pytest.raises(PcibackError, match="somebody else made it meanwhile"):
        mine.save({OTHER: "e1000"})
    assert state.drivers().value == {CARD: "e1000"}


def test_the_lock_is_there_as_long_as_it_is_held(state: StateDirectory, path: Path) -> None:
    with state.lock("test"):
        assert names(path) == [LOCK]
    assert not path.exists()


def test_check_mode_takes_no_lock(state: StateDirectory, path: Path) -> None:
    with state.lock("test", check_mode=True):
        assert not path.exists()


def test_files_may_be_elsewhere(tmp_path: Path, path: Path) -> None:
    state = StateDirectory(str(path), {PINS: str(tmp_path / "devices.json"), LOCK: str(tmp_path / "busy")})
    with state.lock("test"):
        assert names(tmp_path) == ["busy"]
    state.save_pins(OLD)
    assert names(tmp_path) == ["devices.json"], "the file keeps its name"
    assert state.place(DRIVERS) == f"{path}/drivers.json"


# --- pins


def test_pins_are_written_once(state: StateDirectory, path: Path) -> None:
    assert state.save_pins(OLD) == [difference(f"{path}/pins.json", None, DEVICES_JSON)]
    assert state.save_pins(OLD) == []
    assert state.save_pins(NEW) == [difference(f"{path}/pins.json", DEVICES_JSON, pins_format.render(NEW))]
    assert state.pins() == NEW


@pytest.mark.parametrize("wanted", [{}, OLD, NEW])
def test_check_mode_says_the_same_and_changes_nothing(
    old: StateDirectory, path: Path, wanted: dict[Address, Pin]
) -> None:
    said = old.save_pins(wanted, check_mode=True)
    assert names(path) == ["devices.json"] and old.pins() == OLD
    assert old.save_pins(wanted) == said


def test_pins_that_can_not_be_understood_are_refused_and_can_be_removed(state: StateDirectory, path: Path) -> None:
    path.mkdir()
    (path / PINS).write_text("{}")
    for read in (state.pins, lambda: state.save_pins(OLD)):
        with pytest.raises(PcibackError, match="its schema is null"):
            read()
    assert (path / PINS).read_text() == "{}" and state.has_pins
    assert state.save_pins({}) == [difference(f"{path}/pins.json", b"{}", None)]
    assert names(path) == []


# --- pins of 0.1.0


def test_pins_of_0_1_0_are_read(old: StateDirectory) -> None:
    assert (old.pins(), old.has_pins) == (OLD, True)


def test_pins_of_0_1_0_are_no_reason_for_a_change(old: StateDirectory, path: Path) -> None:
    assert old.save_pins(OLD) == []
    assert names(path) == ["devices.json"]


def test_pins_of_0_1_0_go_when_others_are_written(old: StateDirectory, path: Path) -> None:
    assert old.save_pins(NEW) == [difference(f"{path}/pins.json", DEVICES_JSON, pins_format.render(NEW))]
    assert names(path) == [PINS] and old.pins() == NEW


def test_pins_of_0_1_0_go_without_a_trace(old: StateDirectory, path: Path) -> None:
    assert old.save_pins({}) == [difference(f"{path}/devices.json", DEVICES_JSON, None)]
    assert names(path) == [] and not old.has_pins


def test_the_new_name_counts_if_both_are_there(old: StateDirectory, path: Path) -> None:
    (path / PINS).write_bytes(pins_format.render(NEW))
    assert old.pins() == NEW
    assert old.save_pins(NEW, check_mode=True) == [] and len(names(path)) == 2
    assert old.save_pins(NEW) == [], "what a killed run left is no change"
    assert names(path) == [PINS]


def test_both_names_go_together(old: StateDirectory, path: Path) -> None:
    (path / PINS).write_bytes(pins_format.render(NEW))
    old.save_pins({})
    assert names(path) == []


def write_old(path: Path) -> None:
    path.mkdir()
    (path / "devices.json").write_bytes(DEVICES_JSON)


def write_both(path: Path) -> None:
    """What a run left that was killed between the two names."""
    write_old(path)
    (path / PINS).write_bytes(pins_format.render(NEW))


CHANGES = [(write_old, OLD, NEW), (write_old, OLD, {}), (write_both, NEW, OLD), (write_both, NEW, {})]


@pytest.mark.parametrize(("prepare", "before", "after"), CHANGES)
def test_pins_are_readable_wherever_a_run_is_killed(
    tmp_path: Path, prepare: Callable[[Path], None], before: Mapping[Address, Pin], after: Mapping[Address, Pin]
) -> None:
    for point in itertools.count():
        path = tmp_path / str(point)
        prepare(path)
        state = StateDirectory(str(path))
        if run(lambda state=state: state.save_pins(after), die_at=point):  # type: ignore[misc]
            break
        assert state.pins() in (before, after)
        state.save_pins(after)
        assert (state.pins(), names(path)) == (after, [PINS] if after else [])
    assert point > 3


@pytest.mark.parametrize(("prepare", "before", "after"), CHANGES)
def test_pins_are_readable_whenever_the_power_goes(
    tmp_path: Path,
    path: Path,
    prepare: Callable[[Path], None],
    before: Mapping[Address, Pin],
    after: Mapping[Address, Pin],
) -> None:
    prepare(path)
    disk = Disk(path)
    found: list[Mapping[Address, Pin]] = []

    def look(_call: str) -> None:
        for files in disk.after_power_loss():
            # The name that counts, with all that may be in it then.
            contents = files.get(PINS) or files.get("devices.json") or set()
            found.extend(pins_format.parse(content.data, PINS) for content in contents)
            found.extend([{}] if not contents else [])

    with watched(disk, look):
        StateDirectory(str(path)).save_pins(after)
    assert disk.complete and len(found) > 3
    assert [pins for pins in found if pins not in (before, after)] == []
    assert before in found and found[-1] == after
