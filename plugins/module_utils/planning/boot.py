# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What planning asks of a platform about its next boot, and what the platforms' answers have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ansible_collections.xen.pciback.plugins.module_utils.devices.pins import to_mapping
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, listed
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Action, Step


@dataclass(frozen=True)
class Listed:
    """A hide list that is there now and that the plan would replace.

    :ivar where: the file and the line, for a person
    :ivar value: as it is written
    :ivar addresses: what it hides, as far as it can be read
    :ivar written: whether an earlier run wrote it, as far as its file shows
    """

    where: str
    value: str
    addresses: tuple[Address, ...]
    written: bool


class BootPlanner(Protocol):
    """The boot configuration of one platform, as planning sees it: pure functions of the draft.

    Each adds refusals and warnings to the draft, and changes nothing else of it but ``recovery``. :meth:`hide` also says what a
    reboot is for that only the boot configuration needs, and what becomes of a trial.
    """

    def hide(self, draft: Draft) -> Sequence[Action]:
        """Make the next boot hide ``draft.listed``; nothing if it does."""

    def lists(self, draft: Draft) -> Sequence[Listed]:
        """The hide lists that :meth:`hide` would replace; none of a boot configuration that it refuses."""

    def own_claims(self, draft: Draft, restored: Mapping[str, bytes | None]) -> tuple[Address, ...]:
        """What the owner's own boot configuration hides.

        :param restored: the recorded files as they will be, by their paths
        """

    def to_restore(self, draft: Draft) -> tuple[Sequence[str], Sequence[str]]:
        """The boot configurations that are to be put back, and what a person is told of them."""


def hide_action(
    draft: Draft, where: str, *, changed: bool, keep_held: bool, trial: int | None = None
) -> Sequence[Action]:
    """The step that hides devices and pins them; nothing if both are so already.

    :param where: what hides them, for a person
    :param changed: whether the boot configuration has to change
    :param trial: how many seconds the next boot waits to be confirmed; ``None`` for a plain one
    :param keep_held: whether devices stay pinned that pciback holds and nobody wants any more
    """
    pins = draft.selection.record(keep_held=keep_held)
    # Where the boot configuration hides nothing, devices are pinned when they are taken.
    if not changed and (pins == draft.observed.pins or not draft.backend.hides):
        return []
    shown = listed(draft.listed) or "nothing"
    summary = f"make {where} hide {shown}" if changed else f"pin {shown}"
    arguments: dict[str, Any] = {"devices": [str(address) for address in draft.listed], "pins": to_mapping(pins)}
    if trial is not None:
        summary = f"make {where} try to hide {shown} in the next boot"
        arguments["trial"] = trial
    return [Action(Step.HIDE, summary, arguments)]
