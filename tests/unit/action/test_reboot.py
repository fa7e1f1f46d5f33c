# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action reboots in the way of NetBSD, and not at all once a host was lost."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure

from ansible_collections.xen.pciback.plugins.action import reboot
from ansible_collections.xen.pciback.plugins.modules import reboot as module
from ansible_collections.xen.pciback.plugins.plugin_utils.reboots import LostHost, add_lost_host, lost_hosts

Result = dict[str, Any]
TIMED_OUT = "Timed out waiting for last boot time check (timeout=600)"


class Host:
    """A host on which ansible.builtin.reboot ends as a test wants; it keeps how that was called."""

    def __init__(self, end: Result | Exception, told: bool) -> None:
        self.end, self.told = end, told
        self.called: list[Result] = []

    def reboot(self, arguments: Result | None = None, *, check: bool = False, name: str = "beta") -> Result:
        """Call the action."""
        action = reboot.ActionModule.__new__(reboot.ActionModule)
        action._task = SimpleNamespace(args=arguments or {}, check_mode=check, action="xen.pciback.reboot")

        def run(self: Any, tmp: Any, task_vars: Any) -> Result:
            host.called.append(self._task.args)
            self.perform_reboot(task_vars, {})
            if isinstance(host.end, Exception):
                raise host.end
            return host.end

        host = self
        told = {"failed": not self.told}
        with mock.patch.multiple(reboot.Reboot, run=run, perform_reboot=lambda *_arguments: told):
            return action.run(task_vars={"inventory_hostname": name})


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of its own."""
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))


def test_netbsd_is_rebooted_in_its_way() -> None:
    host = Host({"changed": True, "rebooted": True, "elapsed": 7}, told=True)
    assert host.reboot({"timeout": "60"}) == {"changed": True, "rebooted": True, "elapsed": 7, "lost": False}
    (arguments,) = host.called
    assert (arguments["boot_time_command"], arguments["reboot_command"], arguments["reboot_timeout"]) == (
        "/sbin/sysctl kern.boottime 2>/dev/null || cat /proc/sys/kernel/random/boot_id",
        "/sbin/shutdown -r now",
        60,
    )
    assert set(arguments) <= reboot.Reboot._VALID_ARGS


@pytest.mark.parametrize(
    "end", [{"failed": True, "rebooted": True, "msg": TIMED_OUT}, AnsibleConnectionFailure(TIMED_OUT)]
)
def test_a_host_that_stays_away_is_lost_and_the_next_is_not_rebooted(end: Result | Exception) -> None:
    message = f"alpha did not come back: {TIMED_OUT}. Reset it. Choose the last entry."
    lost = Host(end, told=True).reboot({"recovery": ["Reset it.", "Choose the last entry."]}, name="alpha")
    assert lost == {"failed": True, "changed": True, "rebooted": True, "lost": True, "msg": message}
    assert lost_hosts() == [LostHost("alpha", message)]

    following = Host({"changed": True}, told=True)
    assert following.reboot() == {
        "failed": True,
        "changed": False,
        "rebooted": False,
        "lost": False,
        "msg": f"beta was not rebooted, because this run has lost a host: {message}",
    }
    assert following.called == []


@pytest.mark.parametrize(
    "end", [{"failed": True, "rebooted": False, "msg": "Reboot command failed."}, AnsibleConnectionFailure("no answer")]
)
def test_a_host_that_was_not_told_to_reboot_is_not_lost(end: Result | Exception) -> None:
    failed = Host(end, told=False).reboot()
    reason = str(end) if isinstance(end, Exception) else end["msg"]
    assert (failed["failed"], failed["rebooted"], failed["lost"]) == (True, False, False)
    assert failed["msg"] == f"beta was not rebooted: {reason}"
    assert lost_hosts() == []


def test_check_mode_waits_for_nobody_and_looks_at_no_other_host() -> None:
    add_lost_host(LostHost("alpha", "alpha did not come back"))
    host = Host({"changed": True, "rebooted": True}, told=False)
    assert host.reboot(check=True) == {"changed": True, "rebooted": True, "lost": False}


def test_an_unknown_option_is_refused() -> None:
    host = Host({}, told=True)
    with pytest.raises(AnsibleActionFail, match="Unsupported parameters"):
        host.reboot({"reboot_command": "/bin/true"})
    assert host.called == []


def test_options_and_their_documentation_agree() -> None:
    documented = yaml.safe_load(module.DOCUMENTATION)["options"]
    assert {
        name: {key: value for key, value in option.items() if key != "description"}
        for name, option in documented.items()
    } == reboot.OPTIONS


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"timeout": 0}, "beta was not rebooted: 'timeout' is 0, and has to be from 5 to 86400 seconds"),
        ({"throttle": 0}, "beta was not rebooted: 'throttle' is 0, and has to be from 1 to 10000 hosts"),
    ],
)
def test_numbers_have_ranges_and_nothing_reboots_before(arguments: Result, sentence: str) -> None:
    host = Host({"changed": True, "rebooted": True}, told=True)
    result = host.reboot(arguments)
    assert (result["failed"], result["msg"], host.called) == (True, sentence, [])
