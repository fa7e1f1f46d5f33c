# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How a fault of an xl configuration is reported: its code, its place in the file, and text that every log can hold."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.refusals import DOMAIN_CONFIG_INVALID


def place(data: bytes, offset: int) -> tuple[int, int]:
    """Line and column of a byte, from 1; the column counts bytes."""
    return data.count(b"\n", 0, offset) + 1, offset - data.rfind(b"\n", 0, offset)


def error_at(data: bytes, file: str, offset: int, message: str) -> PcibackError:
    """The refusal of what stands at an offset of a file."""
    line, column = place(data, offset)
    return PcibackError(message, code=DOMAIN_CONFIG_INVALID, file=file, line=line, column=column)


def printable(text: str) -> str:
    """Text of a file in a form that every log can hold: bytes that are not UTF-8 as ``\\xff``."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
