# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which modules drive which PCI functions: sysfs's modalias against modules.alias of depmod(8).

The form of both is that of file2alias.c of the kernel's modpost.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import Dict, List, Tuple

# Patterns of functions with the modules that drive them, by vendor and device, which may be _ANY.
Aliases = Dict[Tuple[str, str], List[Tuple[Tuple[str, ...], str]]]

_ANY = "*"

# Vendor, device, those of the subsystem, and the three parts of the class: hexadecimal, or _ANY.
_MODALIAS = "pci:" + "".join(rf"{field}([0-9A-F]+|\*)" for field in ("v", "d", "sv", "sd", "bc", "sc", "i"))
_FUNCTION = re.compile(_MODALIAS)
_ALIAS = re.compile(rf"alias {_MODALIAS}\*? (\S+)\s*\Z")


def parse_aliases(text: str) -> Aliases:
    """Which modules drive which PCI functions, from modules.alias of depmod(8)."""
    found: Aliases = {}
    for line in text.splitlines():
        match = _ALIAS.match(line)
        if match:
            *pattern, module = match.groups()
            found.setdefault((pattern[0], pattern[1]), []).append((tuple(pattern), module.replace("-", "_")))
    return found


def modules_for(modalias: str, aliases: Aliases) -> tuple[str, ...]:
    """Modules that the kernel loads for a PCI function, by what sysfs says of it."""
    match = _FUNCTION.match(modalias)
    if match is None:
        return ()
    function = match.groups()
    near = [each for key in product((function[0], _ANY), (function[1], _ANY)) for each in aliases.get(key, ())]
    return tuple(sorted({module for pattern, module in near if _fits(pattern, function)}))


def _fits(pattern: Sequence[str], function: Sequence[str]) -> bool:
    return all(wanted in (_ANY, has) for wanted, has in zip(pattern, function))
