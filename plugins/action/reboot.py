# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""reboot: ansible.builtin.reboot with a brake."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action.reboot import ActionModule as Reboot

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.plugin_utils.reboots import LostHost, add_lost_host, lost_hosts, turn
from ansible_collections.xen.pciback.plugins.plugin_utils.role_variables import PREFIX, RANGES

OPTIONS: dict[str, dict[str, Any]] = {
    "timeout": {"type": "int", "default": 600},
    "throttle": {"type": "int", "default": 1},
    "recovery": {"type": "list", "elements": "str", "default": []},
}


class ActionModule(Reboot):
    """Reboots in its turn, and only as long as every host of the run has come back."""

    # Whether the host was told to reboot.
    _told = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        _unused, options = self.validate_argument_spec(OPTIONS)
        host = (task_vars or {}).get("inventory_hostname", "the host")
        try:
            for name in ("timeout", "throttle"):
                RANGES[f"{PREFIX}reboot_{name}"].check(options[name], name)
        except PcibackError as error:
            return _failure(f"{host} was not rebooted: {error}")
        self._task.args = {
            # NetBSD has no boot_id, and its shutdown(8) refuses the default "-r 0".
            "boot_time_command": "/sbin/sysctl kern.boottime 2>/dev/null || cat /proc/sys/kernel/random/boot_id",
            "reboot_command": "/sbin/shutdown -r now",
            "reboot_timeout": options["timeout"],
        }
        if self._task.check_mode:
            return {**super().run(tmp, task_vars), "lost": False}
        with turn(options["throttle"]):
            lost = lost_hosts()
            if lost:
                because = " ".join(each.message for each in lost)
                return _failure(f"{host} was not rebooted, because this run has lost a host: {because}")
            result = self._reboot(tmp, task_vars)
            if not result.get("failed"):
                return {**result, "lost": False}
            if not self._told:
                return _failure(f"{host} was not rebooted: {result['msg']}")
            message = " ".join([f"{host} did not come back: {result['msg']}.", *options["recovery"]])
            add_lost_host(LostHost(host, message))
        return {**_failure(message), "changed": True, "rebooted": True, "lost": True}

    def _reboot(self, tmp: str | None, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """Reboot; what Ansible raises, such as for a connection that gives up, is a failure with a sentence, too."""
        try:
            result: dict[str, Any] = super().run(tmp, task_vars)
        except (AnsibleError, OSError) as error:
            return {"failed": True, "msg": str(error)}
        return result

    def perform_reboot(self, task_vars: dict[str, Any], distribution: str) -> dict[str, Any]:
        """Called by the run of ansible.builtin.reboot as soon as it knows the time of the last boot."""
        result: dict[str, Any] = super().perform_reboot(task_vars, distribution)
        self._told = not result["failed"]
        return result


def _failure(message: str) -> dict[str, Any]:
    return {"failed": True, "changed": False, "rebooted": False, "lost": False, "msg": message}
