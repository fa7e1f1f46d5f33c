# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""What pcibackd needs on a host: to run, the owner's consent for each device, and a record for the host's start-up.

NetBSD's own backend needs the record, too: there the host has pcibackctl give devices to the guests that it starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address
from ansible_collections.xen.pciback.plugins.module_utils.formats.attachments import (
    Attachments,
    GuestAttachments,
    render_over,
    spec_word,
    take_word,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import (
    KERNEL,
    KERNEL_ALLOWS,
    NATIVE,
)
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Step
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import WantedGuest
from ansible_collections.xen.pciback.plugins.module_utils.refusals import CONSENTS


def consents(allow: Sequence[tuple[str, Address | None]], address: Address) -> tuple[str, ...]:
    """What the owner allows for a device of what pcibackd would refuse.

    :param allow: pairs of refusal code and address
    """
    return tuple(sorted({code for code, about in allow if about == address and code in CONSENTS}))


def told_otherwise(draft: Draft) -> list[Address]:
    """The devices that pcibackd holds, and for which it knows other consents or another interrupt than the owner gives."""
    status = draft.observed.native.daemon.status
    if status is None:
        return []
    allow, irqs = draft.wanted.allow, draft.irqs
    told = []
    for address in (planned.device.address for planned in draft.devices if planned.held):
        wanted = frozenset(consents(allow, address))
        if wanted != status.allowed.get(address, wanted) or irqs.get(address) != status.irqs.get(address):
            told.append(address)
    return told


def serve(draft: Draft) -> None:
    """Let pcibackd run if there is something to serve."""
    daemon = draft.observed.native.daemon
    if daemon.outdated:
        draft.warnings.append(daemon.outdated)
    if not daemon.ready and (draft.hidden or draft.claims):
        what = (
            "start pcibackd, if the boot has not" if draft.reboots else f"install and start pcibackd: {daemon.reason}"
        )
        draft.act(Step.SERVICE, what, {"daemon": True})


def retire(draft: Draft) -> None:
    """End pcibackd where the kernel's backend serves the guests."""
    if draft.observed.native.daemon.installed:
        draft.act(Step.SERVICE, "remove pcibackd: the kernel's backend serves the guests", {"daemon": False})


def record_start_up(draft: Draft) -> None:
    """Record what the host's start-up gives to guests, if that is not recorded.

    While pcibackd is installed, what it gives stays recorded beside what the kernel's backend is to give: which of the two is
    up, a boot decides.
    """
    attachments, before = _attachments(draft), draft.observed.attachments
    if prepare(draft):
        before = render_over(replace(attachments, beside_kernel=True), before)
    if render_over(attachments, before) != before:
        draft.act(Step.START_UP, "record what the host gives to its guests when it starts", _option(attachments))


def prepare(draft: Draft) -> Mapping[str, Any]:
    """What is installed and recorded of pcibackd before the kernel's backend ends; nothing if all of it is.

    Whenever a boot without that one comes, it finds pcibackd, which takes and gives what is recorded. Until then the kernel's
    backend gives what it gave.
    """
    if draft.backend.hides or draft.observed.other_claims is None or not draft.hidden:
        return {}
    native, before = draft.observed.native, draft.observed.attachments
    attachments = replace(_attachments(draft), beside_kernel=True)
    if native.ready and native.daemon.starts and render_over(attachments, before) == before:
        return {}
    return {"daemon": True, "start": False, "attachments": _option(attachments)}


def _attachments(draft: Draft) -> Attachments:
    """What the host's start-up is to give to guests."""
    by_kernel = draft.backend.hides
    taken, guests = [], []
    for planned in sorted(draft.devices, key=lambda planned: planned.device.address):
        device = planned.device
        allowed = set(consents(draft.wanted.allow, device.address)).union(KERNEL_ALLOWS if by_kernel else ())
        if not by_kernel or planned.guest is not None:
            taken.append(take_word(str(device.address), device.id, device.subsystem_id, sorted(allowed), planned.irq))
    for guest in draft.wanted.guests:
        words = _attach_words(draft, guest)
        if words:
            guests.append(GuestAttachments(guest.name, guest.config, words))
    beside = by_kernel and draft.observed.native.daemon.installed
    return Attachments(tuple(taken), tuple(guests), by_kernel, beside)


def _option(attachments: Attachments) -> Mapping[str, Any]:
    """The same as the option of module ``native_backend``."""
    return {
        "backend": KERNEL if attachments.by_kernel else NATIVE,
        **{name: True for name in ("beside_native", "beside_kernel") if getattr(attachments, name)},
        "devices": list(attachments.devices),
        "guests": [
            {"name": each.name, "config": each.config, "devices": list(each.devices)} for each in attachments.guests
        ],
    }


def forget_start_up(draft: Draft) -> None:
    """Let the host give nothing to guests any more."""
    if draft.observed.attachments is not None and draft.observed.native.daemon.installed:
        arguments = {"backend": draft.backend.name, "devices": [], "guests": []}
        draft.act(Step.START_UP, "let the host give nothing to its guests when it starts", arguments)


def _attach_words(draft: Draft, guest: WantedGuest) -> tuple[str, ...]:
    """A guest's devices as its file gives them, in the words of ``pcibackctl attach``."""
    config = draft.files.get(guest.name)
    if config is None:
        return ()
    specs = [config.with_defaults(entry.spec) for entry in config.pci]
    return tuple(spec_word(spec) for spec in specs if spec.address is not None)
