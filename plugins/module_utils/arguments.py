# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Arguments that several modules share: their specifications, and checks that a specification can't express."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.xl_cfg.spec import OPTIONS
from ansible_collections.xen.pciback.plugins.module_utils.host import state_directory
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import PROGRAM
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import KERNEL, NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import (
    AUTO,
    CONFIRMATIONS,
    NEVER,
    WHEN_POSSIBLE,
)
from ansible_collections.xen.pciback.plugins.module_utils.refusals import ALLOWABLE

SELECTOR_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "address": {"type": "str"},
    "id": {"type": "str"},
    "subsystem": {"type": "str"},
    # Raw, because text that Ansible makes of a number hides that YAML read 0x0200 as 512.
    "class": {"type": "raw"},
    "driver": {"type": "str"},
    "name": {"type": "str"},
    "mac": {"type": "str"},
    "serial": {"type": "str"},
    "slot": {"type": "str"},
    "all": {"type": "bool", "default": False},
}

# Refusals that the owner overrides, each for one device or, without an address, for the host.
ALLOW: Mapping[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "code": {"type": "str", "choices": list(ALLOWABLE), "required": True},
        "address": {"type": "str"},
    },
}

# Which backend, and how it is asked.
BACKEND: Mapping[str, Mapping[str, Any]] = {
    "backend": {"type": "str", "choices": [KERNEL, NATIVE], "default": KERNEL},
    "pcibackctl": {"type": "path", "default": PROGRAM},
}

# What the host's start-up gives to guests, in pcibackctl's words.
ATTACHMENTS: Mapping[str, Any] = {
    "type": "dict",
    "options": {
        "backend": {"type": "str", "choices": [KERNEL, NATIVE], "default": NATIVE},
        **{name: {"type": "bool", "default": False} for name in ("beside_native", "beside_kernel")},
        "devices": {"type": "list", "elements": "str", "default": []},
        "guests": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "config": {"type": "path", "required": True},
                "devices": {"type": "list", "elements": "str", "required": True},
            },
        },
    },
}

# What xl may be told of one device, beside its address.
XL_DEVICE_OPTIONS: Mapping[str, Mapping[str, Any]] = {name: option.argument for name, option in OPTIONS.items()}

# Raw, because Ansible takes a truth for a whole number.
IRQ_OPTION: Mapping[str, Mapping[str, Any]] = {"irq": {"type": "raw"}}
"""The interrupt of a guest's device, where only its owner knows it."""

TRIAL_OPTIONS: Mapping[str, Any] = {
    "trial": {"type": "str", "choices": [NEVER, WHEN_POSSIBLE], "default": NEVER},
    "confirm": {"type": "str", "choices": list(CONFIRMATIONS), "default": AUTO},
    "confirm_within": {"type": "int", "default": 600},
    "retry_failed": {"type": "bool", "default": False},
}
"""Which reboots undo themselves."""

# Options of 0.1.0, each a path of one file of the state directory. In native_backend `record` was another file.
OLD_OPTIONS: Mapping[str, str] = {
    "record": state_directory.PINS,
    "originals": state_directory.ORIGINALS,
    "drivers": state_directory.DRIVERS,
    "lock": state_directory.LOCK,
}


def state_directory_options(*old: str) -> dict[str, dict[str, Any]]:
    """The specification of ``state_directory``, and of the options of 0.1.0 that a module had in its place."""
    options: dict[str, dict[str, Any]] = {option: {"type": "path"} for option in old}
    return {"state_directory": {"type": "path", "default": state_directory.DIRECTORY}, **options}


def open_state_directory(module: Any, *, record: str = state_directory.PINS) -> StateDirectory:
    """The state directory that an AnsibleModule's options name; an option of 0.1.0 overrides the path of its file.

    :param record: which file the option ``record`` stands for
    :raises PcibackError: a path is not absolute
    """
    path = absolute_path(module.params["state_directory"], "state_directory")
    elsewhere = {}
    for option, name in {**OLD_OPTIONS, "record": record}.items():
        if module.params.get(option) is None:
            continue
        elsewhere[name] = absolute_path(module.params[option], option)
        module.deprecate(
            f"Option '{option}' is deprecated. Use 'state_directory' instead, in which the file is '{name}'",
            version="1.0.0",
            collection_name="xen.pciback",
        )
    return StateDirectory(path, elsewhere)


def absolute_path(value: str, option: str) -> str:
    """A path on the host in its plain form. A relative one would depend on where the module happens to run.

    :raises PcibackError: it is not absolute
    """
    if not os.path.isabs(value):
        raise PcibackError(f"option '{option}' is '{value}', and has to be an absolute path")
    return os.path.normpath(value)
