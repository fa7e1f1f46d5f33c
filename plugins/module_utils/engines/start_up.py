# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Records what the host's start-up gives to guests, when nobody is there who could ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.engines.native_component import Outcome
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import (
    Attachments,
    GuestAttachments,
    is_kernels,
    kernels_part,
    render_over,
)
from ansible_collections.xen.pciback.plugins.module_utils.formats.differences import Difference, difference
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import KERNEL
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import ABSENT


def read_attachments(option: Mapping[str, Any]) -> Attachments:
    """What is to be recorded, as the module's option has it.

    :raises PcibackError: a shell that reads lines and fields would read something else
    """
    guests = tuple(
        GuestAttachments(guest["name"], guest["config"], tuple(guest["devices"])) for guest in option["guests"]
    )
    fields = [*option["devices"], *(field for guest in guests for field in (guest.name, guest.config, *guest.devices))]
    for field in fields:
        if not field or "\t" in field or "\n" in field:
            raise PcibackError(
                f"attachments: {field!r} is no field of a line; it has no tab and no newline, and is not empty"
            )
    by_kernel = option.get("backend") == KERNEL
    beside_native = by_kernel and bool(option.get("beside_native"))
    beside_kernel = not by_kernel and bool(option.get("beside_kernel"))
    return Attachments(tuple(option["devices"]), guests, by_kernel, beside_native, beside_kernel)


def record_start_up(
    state: StateDirectory, attachments: Attachments, *, who: str, check_mode: bool, prepared: bool = False
) -> tuple[Difference, ...]:
    """Record these attachments, beside those of the other backend if they say so; without any, the record goes.

    :param prepared: whether they will have been recorded beside those of the kernel's backend by then, which check mode foresees
    :returns: what changes; nothing if they are recorded already
    :raises PcibackError: the record can't be read or replaced
    """
    with state.lock(who, check_mode=check_mode):
        record = state.attachments()
        before = record.value
        if prepared and check_mode:
            before = render_over(replace(attachments, beside_kernel=True), before)
        wanted = render_over(attachments, before)
        if wanted == before:
            return ()
        if not check_mode:
            record.save(wanted)
    return (difference(record.path, before, wanted),)


def wanted_start_up(
    option: Mapping[str, Any] | None, state: StateDirectory, *, state_wanted: str, daemon: bool
) -> Attachments | None:
    """What is to be recorded. Without pcibackd nothing of it stays recorded, and what the kernel's backend gives does.

    :param option: the module's option, ``None``: nobody says
    :param state_wanted: ``absent``: nothing is
    :returns: ``None``: the record stays as it is
    :raises PcibackError: as :func:`read_attachments`, or the record can't be read
    """
    if state_wanted == ABSENT:
        return Attachments()
    if option is not None and (daemon or option["backend"] == KERNEL):
        return read_attachments(option)
    record = None if daemon else state.attachments().value
    if record is None:
        return None
    return kernels_part(record) if is_kernels(record) else Attachments()


def with_start_up(
    outcome: Outcome,
    state: StateDirectory,
    attachments: Attachments | None,
    *,
    who: str,
    check_mode: bool,
    after_reboot: bool = False,
) -> Outcome:
    """The same after the record; it is not written before what it needs is installed, which check mode foresees.

    :param attachments: as :func:`wanted_start_up` has it
    :param after_reboot: what pcibackd gives was recorded for both backends before it. That of a record for both backends
        pcibackd's part goes with it is not shown, because check mode does not know of that record, which comes before the reboot
    :raises PcibackError: as :func:`record_start_up`
    """
    is_early = outcome.values.get("needs", "nothing") != "nothing" and not check_mode
    if attachments is None or is_early:
        return outcome
    prepared = after_reboot and not attachments.by_kernel
    changes = record_start_up(state, attachments, who=who, check_mode=check_mode, prepared=prepared)
    diff = (
        {"diff": [*outcome.values.get("diff", ()), *changes]}
        if changes and not (after_reboot and attachments.by_kernel)
        else {}
    )
    values = {**outcome.values, "changed": outcome.values["changed"] or bool(changes), **diff}
    return replace(outcome, values=values)
