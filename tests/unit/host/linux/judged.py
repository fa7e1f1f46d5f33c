# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Linux dom0 in a folder as its adapters read it, and what the guards say of devices of it."""

from __future__ import annotations

from ansible_collections.xen.pciback.plugins.module_utils.devices.model import Device
from ansible_collections.xen.pciback.plugins.module_utils.guards.facts import Facts
from ansible_collections.xen.pciback.plugins.module_utils.guards.run import Verdict, guard
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import bus as linux_bus
from ansible_collections.xen.pciback.plugins.module_utils.host.linux import facts as linux_facts
from tests.linux_host import LinuxHost


def devices(host: LinuxHost) -> tuple[Device, ...]:
    return linux_bus.devices(str(host.sys))


def facts(host: LinuxHost, connection: str | None = None) -> Facts:
    return linux_facts.read_facts(connection, sys=str(host.sys), proc=str(host.proc))


def judge(host: LinuxHost, *addresses: str, connection: str | None = None) -> Verdict:
    chosen = [device for device in devices(host) if device.address.bdf in addresses]
    assert len(chosen) == len(addresses)
    return guard(facts(host, connection), devices(host), chosen)


def evidence(verdict: Verdict, code: str) -> str:
    """The sentence of the one finding that a verdict has of a code."""
    (finding,) = [each for each in verdict.findings if each.code == code]
    return finding.message.partition(": ")[2]
