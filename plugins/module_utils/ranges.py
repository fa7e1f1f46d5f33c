# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which whole numbers an option can be, the same in a module and in the role's variables."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError


@dataclass(frozen=True)
class Range:
    """Which whole numbers an option can be."""

    least: int
    most: int
    unit: str

    def check(self, value: int, name: str) -> None:
        """Refuse a number that is outside.

        :raises PcibackError: it is
        """
        if not self.least <= value <= self.most:
            raise PcibackError(f"'{name}' is {value}, and has to be from {self.least} to {self.most} {self.unit}")


SHUT_DOWN_TIME = Range(1, 86400, "seconds")
"""How long guests have to shut down: with none, each would be asked and then taken for one that does not obey."""

TRIAL_TIME = Range(10, 86400, "seconds")
"""How long a trial boot waits to be confirmed."""

FRONTEND_TIME = Range(0, 86400, "seconds")
"""How long a guest's PCI frontend has to connect."""
