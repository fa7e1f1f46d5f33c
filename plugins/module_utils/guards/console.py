# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Guard of the console: dom0's display and its serial console."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.guards.case import Case, Notes, Trace
from ansible_collections.xen.pciback.plugins.module_utils.guards.trace import base_of, functions_above
from ansible_collections.xen.pciback.plugins.module_utils.refusals import CONSOLE

SAYS = {CONSOLE: "is dom0's console"}


def console(case: Case) -> Notes:
    """Refuse the display in use and the serial console; warn of other serial ports and of keyboards."""
    for name in case.facts.parents:
        kind = base_of(name)
        for trace in functions_above(case, name):
            device = case.chosen_of(trace)
            if device is None:
                continue
            if kind == "wsdisplay":
                yield from case.evidence(CONSOLE, [trace])
            elif name in case.facts.consoles:
                reason = case.facts.consoles[name]
                yield from case.evidence(CONSOLE, [Trace((reason, *trace.steps), trace.address)])
            elif kind in ("com", "ttyS"):
                yield f"{device.describe()} is a serial port: {trace.steps[0]}; make sure that no console is on it"
            elif kind == "wskbd":
                yield f"{device.describe()} has a keyboard: {trace.steps[0]}"
