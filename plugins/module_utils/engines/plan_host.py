# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Plans a host: reads what is wanted, observes, resolves, decides. Data go down, and each is read once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.devices.resolve import Selection
from ansible_collections.xen.pciback.plugins.module_utils.engines import native_inspect
from ansible_collections.xen.pciback.plugins.module_utils.engines.inventory import read_wanted
from ansible_collections.xen.pciback.plugins.module_utils.engines.observe import observe
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.platform import Platform
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.draft import Draft
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed
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
    observed, selection = observe(
        run,
        host,
        wanted,
        boot_path=options["boot_config"],
        state=state,
        native=native_inspect.inspect(
            state,
            prefix=options["native_prefix"],
            source_sha256=options["native_source_sha256"] or None,
            compiler=native_inspect.compiler_version(run, native_inspect.find_compiler(find)),
            flags=options["native_cflags"] or "",
        ),
        prefix=options["native_prefix"],
        xl=options["xl"],
    )
    return decide(wanted, observed, selection, host, backend=options["backend"]), observed


def decide(wanted: Wanted, observed: Observed, selection: Selection, host: Platform, *, backend: str) -> Plan:
    """The plan of a host that was observed: pure."""
    draft = Draft(wanted, observed, selection)
    if wanted.malformed:
        # Without what could not be read, all else that would be said of this host may be wrong.
        for error in wanted.malformed:
            draft.refuse_error(error, INVENTORY_INVALID)
        draft.refuse_problems()
        return draft.without_actions()
    boot = host.boot_planner(observed.boot)
    if wanted.state != ABSENT:
        return plan_present(draft, host.backends[backend], boot)
    # Here, because a converged host waits for imports most of all.
    from ansible_collections.xen.pciback.plugins.module_utils.planning.absent import plan_absent

    return plan_absent(draft, host.backends[backend], boot)
