# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of the role, as its argument specification documents them, and what of an inventory can't be meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible.module_utils.common.yaml import yaml_load

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.ranges import SHUT_DOWN_TIME, TRIAL_TIME, Range

PREFIX = "pciback_"
ROLE = Path(__file__).resolve().parents[2] / "roles/pciback"

# With less, a host is said to be away that is still booting. A throttle of 0 is Ansible's word for all at once.
RANGES: Mapping[str, Range] = {
    f"{PREFIX}reboot_timeout": Range(5, 86400, "seconds"),
    f"{PREFIX}reboot_throttle": Range(1, 10000, "hosts"),
    f"{PREFIX}guest_timeout": SHUT_DOWN_TIME,
    f"{PREFIX}confirm_within": TRIAL_TIME,
}

_NAME = re.compile(rf"\b{PREFIX}\w+")


@lru_cache(maxsize=1)
def documented() -> tuple[str, ...]:
    """The variables that an inventory can set for the role."""
    specification = yaml_load((ROLE / "meta/argument_specs.yml").read_text(encoding="utf-8"))
    return tuple(specification["argument_specs"]["main"]["options"])


@lru_cache(maxsize=1)
def used() -> frozenset[str]:
    """All names that the role itself has: what it is given, and the facts and results that it sets."""
    texts = (path.read_text(encoding="utf-8") for path in sorted(ROLE.rglob("*.yml")))
    return frozenset(name for text in texts for name in _NAME.findall(text))


def unknown_variables(names: Iterable[str]) -> list[str]:
    """One sentence for each variable that looks like the role's and is none, with the nearest right name."""
    return [_unknown(name, documented()) for name in sorted(names) if name.startswith(PREFIX) and name not in used()]


def numbers_out_of_range(values: Mapping[str, Any]) -> list[str]:
    """One sentence for each variable of :data:`RANGES` that is no whole number in its range."""
    problems = []
    for name, value in values.items():
        try:
            RANGES[name].check(int(str(value)), name)
        except ValueError:
            problems.append(f"'{name}' is '{value}', and has to be a whole number")
        except PcibackError as error:
            problems.append(str(error))
    return problems


def _unknown(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    meant = f"the nearest right name is '{near[0]}'" if near else "no right name is near"
    return f"the role has no variable '{name}', and names that begin with '{PREFIX}' are the role's; {meant}"
