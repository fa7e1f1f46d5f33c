# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Plans a host: reads what is wanted, observes, resolves, decides. Data go down, and each is read once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.resolve import Selection
from ansible_collections.xen.pciback.plugins.module_utils.engines import native_inspect
from ansible_collections.xen.pciback.plugins.module_utils.engines.inventory import read_wanted
from ansible_collections.xen.pciback.plugins.module_utils.engines.observe import observe
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import listed
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import CONTROL, daemon_status
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import AUTO, KERNEL, NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import DaemonState, NativeState, Observed
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan
from ansible_collections.xen.pciback.plugins.module_utils.planning.present import plan_present
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import ABSENT, Wanted
from ansible_collections.xen.pciback.plugins.module_utils.refusals import INVENTORY_INVALID


def plan_host(
    run: Run, find: native_inspect.FindProgram, options: Mapping[str, Any], state: StateDirectory
) -> tuple[Plan, Observed]:
    """The plan of this host, whatever it runs and whatever is wanted of it, and what it was made from.

    :param find: see :func:`native_inspect.find_compiler`
    :param options: those of module ``plan``, with absolute paths
    :raises PcibackError: this is no dom0, or its tools can't be used
    """
    wanted = read_wanted(options)
    host = platforms.here(run)
    native = _inspect(run, find, options, state, daemon=options["backend"] != KERNEL or wanted.state == ABSENT)
    choice = choose_backend(options["backend"], wanted, host, native.daemon)
    observed, selection = observe(
        run,
        host,
        wanted,
        boot_path=options["boot_config"],
        state=state,
        backend=host.backends[choice.name],
        native=native,
        prefix=options["native_prefix"],
        xl=options["xl"],
    )
    return decide(wanted, observed, selection, host, choice), observed


def _inspect(
    run: Run, find: native_inspect.FindProgram, options: Mapping[str, Any], state: StateDirectory, *, daemon: bool
) -> NativeState:
    """What there is of the native component.

    :param daemon: whether pcibackd may be wanted; of one that may not be, it only matters what it holds
    """
    prefix = options["native_prefix"]
    native = native_inspect.inspect(
        state,
        prefix=prefix,
        source_sha256=options["native_source_sha256"] or None,
        compiler=native_inspect.compiler_version(run, native_inspect.find_compiler(find)),
        flags=options["native_cflags"] or "",
        daemon=daemon,
        run=run,
    )
    if daemon or not native.daemon.installed:
        return native
    status = daemon_status(run, os.path.join(prefix, CONTROL))
    return replace(native, daemon=replace(native.daemon, status=status))


@dataclass(frozen=True)
class Choice:
    """Which backend gives devices to guests.

    :ivar why: why it is not the one that would be better, for a sentence; empty if it is, or if the owner chose it
    """

    name: str
    why: str = ""


def choose_backend(name: str, wanted: Wanted, host: Platform, daemon: DaemonState) -> Choice:
    """The backend that the owner wants.

    :param name: as the owner says it, or :data:`AUTO`: the one that has devices already, else the one that suits the host
    """
    if wanted.state == ABSENT:
        # Who undoes everything undoes what is there, whoever wanted it.
        serves = daemon.installed or daemon.status is not None
        return Choice(NATIVE if serves and host.claims() is None else KERNEL)
    if name != AUTO:
        return Choice(name)
    if daemon.status is not None and daemon.status.claims:
        return Choice(NATIVE)
    suitable, why = host.suitable_backend()
    held = host.claims() if suitable == NATIVE else None
    if not held:
        return Choice(suitable, why)
    # A default moves no host that works, least of all by a reboot.
    moves = "pciback_backend: native moves them to pcibackd"
    return Choice(KERNEL, f"pciback holds {listed(held)} already, and {moves}")


def decide(wanted: Wanted, observed: Observed, selection: Selection, host: Platform, choice: Choice) -> Plan:
    """The plan of a host that was observed: pure."""
    draft = Draft(wanted, observed, selection, host.backends[choice.name])
    if wanted.malformed:
        # Without what could not be read, all else that would be said of this host may be wrong.
        for error in wanted.malformed:
            draft.refuse_error(error, INVENTORY_INVALID)
        draft.refuse_problems()
        return draft.without_actions()
    if choice.why and draft.wanted.requests:
        draft.warnings.append(f"the {choice.name} backend serves the guests: {choice.why}")
    boot = host.boot_planner(observed.boot)
    if wanted.state != ABSENT:
        return plan_present(draft, boot)
    # Here, because a converged host waits for imports most of all.
    from ansible_collections.xen.pciback.plugins.module_utils.planning.absent import plan_absent

    return plan_absent(draft, boot)
