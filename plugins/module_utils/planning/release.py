# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""How the other backend lets go of devices while dom0 runs, so that the wanted one can have them."""

from __future__ import annotations

from collections.abc import Collection

from ansible_collections.xen.pciback.plugins.module_utils.formats.address import Address, listed
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import KERNEL, NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.guests import shut_down
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import RunningGuest
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Step
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import STOPPED, UNMANAGED, WHEN_NEEDED
from ansible_collections.xen.pciback.plugins.module_utils.refusals import BACKEND_BUSY


def refuse_busy_backend(draft: Draft) -> None:
    """Refuse a change of the backend that can't be, or that would shut a guest down without leave."""
    if draft.released is None:
        return
    if draft.observed.is_built_in:
        draft.refuse(
            BACKEND_BUSY,
            "this kernel has xen-pciback built in, so it can't be unloaded, and pcibackd can't serve beside it",
            remedy="use pciback_backend: kernel, or boot one in which that is a module",
        )
        return
    states = {guest.name: guest.state for guest in draft.wanted.guests if guest.state != UNMANAGED}
    for guest in _served(draft):
        state = states.get(guest.name)
        if state == STOPPED or (state is not None and draft.wanted.restart_guests == WHEN_NEEDED):
            continue
        has = "runs with" if set(guest.devices).intersection(draft.released) else "may still reach"
        which = listed(sorted(set(_of(guest)).intersection(draft.released)))
        draft.refuse(
            BACKEND_BUSY,
            f"guest {guest.name} {has} {which} of {_other(draft)[1]}, and {draft.backend.holder} can't have that meanwhile",
            remedy="shut that guest down"
            if state is None
            else "shut that guest down, or allow its restart with pciback_restart_guests: when_needed",
        )


def release(draft: Draft) -> Collection[str]:
    """Let the other backend let go of all that it holds, and end it if it is the kernel's; return the names of guests that are shut
    down for that.
    """
    if draft.released is None:
        return ()
    name, holder = _other(draft)
    names = sorted(guest.name for guest in _served(draft))
    if names:
        shut_down(draft, names, f"before {holder} lets go of what they have", name)
    what = [f"let {holder} let go of {listed(draft.released)}"] if draft.released else []
    what += ["unload xen-pciback"] if name == KERNEL else []
    devices = [{"address": str(address)} for address in draft.released]
    draft.act(Step.RELEASE, ", and ".join(what), {"backend": name, "devices": devices})
    return names


def _other(draft: Draft) -> tuple[str, str]:
    """The name of the other backend, and what holds its devices."""
    return (NATIVE, "pcibackd") if draft.backend.hides else (KERNEL, "pciback")


def _served(draft: Draft) -> list[RunningGuest]:
    """The guests that run with devices of the other backend, or may still reach one."""
    released = set(draft.released or ())
    return [guest for guest in draft.observed.running if released.intersection(_of(guest))]


def _of(guest: RunningGuest) -> Collection[Address]:
    return (*guest.devices, *guest.reaches)
