# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Argument specifications that several modules share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SELECTOR_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "address": {"type": "str"},
    "id": {"type": "str"},
    "subsystem": {"type": "str"},
    "class": {"type": "str"},
    "driver": {"type": "str"},
    "name": {"type": "str"},
    "all": {"type": "bool", "default": False},
}

# What xl may be told of one device, beside its address (PCI_SPEC_STRING of xl.cfg(5)).
XL_DEVICE_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "permissive": {"type": "bool"},
    "msitranslate": {"type": "bool"},
    "seize": {"type": "bool"},
    "power_mgmt": {"type": "bool"},
    "rdm_policy": {"type": "str", "choices": ["strict", "relaxed"]},
    "vslot": {"type": "str"},
}
