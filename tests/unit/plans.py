# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans of hosts that a test describes, without a host."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.engines.observe import resolve_wanted
from ansible_collections.xen.pciback.plugins.module_utils.engines.plan_host import Choice, decide
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot import LinuxBoot
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.platform import Linux
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.boot_plan import NetbsdBoot
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.platform import Netbsd
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import Observed
from ansible_collections.xen.pciback.plugins.module_utils.planning.plan import Plan
from ansible_collections.xen.pciback.plugins.module_utils.planning.wanted import Wanted

_BOOT = {"boot_path": "path", "boot_config": "data", "prediction": "prediction"}


def run(*_command: Any, **_options: Any) -> Any:
    """A plan runs nothing."""
    raise AssertionError("a plan is pure")


def netbsd(**values: Any) -> Observed:
    """What a NetBSD dom0 shows; ``boot_path``, ``boot_config`` and ``prediction`` are what it has for its next boot."""
    boot = NetbsdBoot(**{_BOOT[name]: values.pop(name) for name in list(values) if name in _BOOT})
    return Observed(boot=boot, **values)


def changed(observed: Observed, **changes: Any) -> Observed:
    """The same with other values, named as in :func:`netbsd`."""
    boot = {_BOOT[name]: changes.pop(name) for name in list(changes) if name in _BOOT}
    return replace(observed, boot=replace(observed.boot, **boot), **changes)  # type: ignore[type-var]


def make_plan(wanted: Wanted, observed: Observed, backend: str = "kernel") -> Plan:
    """The plan of the platform whose boot is observed."""
    host = Linux(run) if isinstance(observed.boot, LinuxBoot) else Netbsd(run)
    return decide(wanted, observed, resolve_wanted(wanted, observed, units=host.units), host, Choice(backend))
