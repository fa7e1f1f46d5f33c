# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""NetBSD's tools as witnesses: what they print, and a note of each that fails or does not say what it says everywhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Unseen
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run

_KILLED = -9
_LONGEST_LINE = 80


class Tools:
    """The tools of one host; each call is a process.

    :ivar unchecked: what is not known without a tool, where that costs nothing
    :ivar unseen: what could not be seen of the use of disks and of the network
    """

    def __init__(self, run: Run) -> None:
        self._start = run
        self.unchecked: list[str] = []
        self.unseen: list[Unseen] = []

    def run(self, argv: Sequence[str]) -> tuple[int, str, str]:
        """Run a tool; one that had to be killed is one that has failed."""
        try:
            return self._start(list(argv))
        except PcibackError as error:
            return _KILLED, "", error.message

    def ask(
        self,
        argv: Sequence[str],
        otherwise: str,
        *,
        use: Collection[str] = (),
        tells: Callable[[str], object] = str.strip,
    ) -> str:
        """What a tool prints; nothing if it fails.

        :param otherwise: what is not known without it
        :param use: what it tells the use of; nothing is lost with others
        :param tells: whether a text is what the tool prints on every host; an empty one never is
        """
        status, out, err = self.run(argv)
        if status != 0:
            self.failed(argv, status, err or out, otherwise, use)
            return ""
        if not tells(out):
            said = next((line.strip() for line in out.splitlines() if line.strip()), "")
            shown = f"'{said[:_LONGEST_LINE]}'" if said else "nothing"
            self.miss(f"'{' '.join(argv)}' prints {shown}, which tells nothing: {otherwise}", use)
        return out

    def failed(self, argv: Sequence[str], status: int, said: str, otherwise: str, use: Collection[str]) -> None:
        """Note that a tool has failed."""
        lines = said.strip().splitlines()
        self.miss(f"'{' '.join(argv)}' failed ({lines[0] if lines else f'status {status}'}): {otherwise}", use)

    def miss(self, why: str, use: Collection[str]) -> None:
        """Note what could not be seen."""
        self.unseen += [Unseen(each, why) for each in use]
        if not use:
            self.unchecked.append(why)
