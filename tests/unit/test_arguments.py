# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state directory that a module's options name, and the options of 0.1.0."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import (
    DIRECTORY,
    DRIVERS,
    LOCK,
    NATIVE,
    ORIGINALS,
    PINS,
)


class Module:
    """What is used of an AnsibleModule."""

    def __init__(self, **params: Any) -> None:
        self.params = {"state_directory": DIRECTORY, **params}
        self.deprecations: list[tuple[str, str, str]] = []

    def deprecate(self, message: str, *, version: str, collection_name: str) -> None:
        self.deprecations.append((message, version, collection_name))


def test_the_default_needs_no_option() -> None:
    module = Module(record=None, lock=None)
    state = open_state_directory(module)
    assert (state.path, state.place(LOCK)) == ("/var/db/xen-pciback", "/var/db/xen-pciback/lock")
    assert module.deprecations == []


@pytest.mark.parametrize(
    ("option", "name"), [("record", PINS), ("originals", ORIGINALS), ("drivers", DRIVERS), ("lock", LOCK)]
)
def test_an_option_of_0_1_0_overrides_one_file(option: str, name: str) -> None:
    module = Module(state_directory="/db", **{option: "/old/file"})
    state = open_state_directory(module)
    assert state.place(name) == "/old/file"
    assert [state.place(other) for other in (PINS, ORIGINALS, DRIVERS, LOCK, NATIVE) if other != name] == [
        f"/db/{other}" for other in (PINS, ORIGINALS, DRIVERS, LOCK, NATIVE) if other != name
    ]
    ((message, version, collection),) = module.deprecations
    assert f"'{option}'" in message and "'state_directory'" in message and f"'{name}'" in message
    assert (version, collection) == ("1.0.0", "xen.pciback")


def test_the_record_of_native_backend_is_another_file() -> None:
    state = open_state_directory(Module(record="/old/native.json"), record=NATIVE)
    assert (state.place(NATIVE), state.place(PINS)) == ("/old/native.json", f"{DIRECTORY}/pins.json")


@pytest.mark.parametrize("option", ["state_directory", "record", "lock"])
def test_a_relative_path_is_refused(option: str) -> None:
    with pytest.raises(PcibackError, match=f"option '{option}' is 'db', and has to be an absolute path"):
        open_state_directory(Module(**{option: "db"}))


def test_a_module_has_the_options_that_it_had() -> None:
    assert state_directory_options("lock") == {
        "state_directory": {"type": "path", "default": state_directory.DIRECTORY},
        "lock": {"type": "path"},
    }
