# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""pcibackd as a unit of systemd, or as a script of a System V init."""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.service import NAME, Service, reason

# There while systemd runs as the init, see sd_booted(3).
SYSTEMD_RUNS = "/run/systemd/system"
UNITS = "/etc/systemd/system"
UNIT = f"{NAME}.service"
SCRIPTS = "/etc/init.d"
UPDATE_RC_D = "/usr/sbin/update-rc.d"


def of_this_host(run: Run, root: str = "/") -> Service:
    """The service under the init system that runs.

    :param root: the directory that the host's paths begin at
    :raises PcibackError: none is known that runs
    """
    if os.path.isdir(os.path.join(root, SYSTEMD_RUNS.lstrip("/"))):
        return Systemd(run, root)
    if os.path.exists(os.path.join(root, UPDATE_RC_D.lstrip("/"))):
        return SysvInit(run, root)
    raise PcibackError(
        f"no init system is known here that could start pcibackd: systemd does not run, and {UPDATE_RC_D} is missing",
        remedy="start pcibackd by a script of your own and leave daemon out, or use a host with systemd or sysvinit",
    )


class Systemd(Service):
    """See :class:`Service`."""

    source = "pcibackd.service"

    def __init__(self, run: Run, root: str = "/") -> None:
        super().__init__(run, root)
        self._made = time.time()

    def files(self, text: bytes) -> Mapping[str, bytes]:
        return {self._at(f"{UNITS}/{UNIT}"): text}

    def check(self) -> None:
        place = self._at(f"{UNITS}/{UNIT}")
        if os.path.islink(place) and os.readlink(place) == "/dev/null":
            raise PcibackError(
                f"the owner of this host has masked {UNIT}, so systemd would not start it",
                remedy=f"allow it with 'systemctl unmask {UNIT}'",
            )

    def enabled(self) -> bool:
        # A link for each target that wants or requires it.
        return any(glob.glob(self._at(f"{UNITS}/*.{kind}/{UNIT}")) for kind in ("wants", "requires"))

    def enable(self) -> None:
        self._do("systemctl", "daemon-reload")
        self._do("systemctl", "enable", UNIT)

    def disable(self) -> None:
        if self.enabled():
            self._do("systemctl", "disable", UNIT)

    def start(self) -> str:
        return self._begin("start")

    def restart(self) -> str:
        return self._begin("restart")

    def reload(self) -> str:
        return self._begin("reload")

    def stop(self) -> str:
        return self._try("systemctl", "stop", UNIT) if os.path.exists(self._at(f"{UNITS}/{UNIT}")) else ""

    def forget(self) -> None:
        self._try("systemctl", "daemon-reload")

    def logged(self) -> str:
        # Since this was made, so that another start's reason is not taken for this one's.
        since = f"--since=@{int(self._made)}"
        _status, out, _err = self._run(["journalctl", "-u", UNIT, since, "-n", "20", "-o", "cat", "--no-pager"])
        return reason(out)

    def _begin(self, how: str) -> str:
        # The unit may have been replaced, also by a run that was killed before it came here.
        self._do("systemctl", "daemon-reload")
        # One that failed too often is not started again before that is forgotten.
        self._try("systemctl", "reset-failed", UNIT)
        return self._try("systemctl", how, UNIT)


class SysvInit(Service):
    """See :class:`Service`."""

    source = "pcibackd.init"
    syslog = ("/var/log/daemon.log", "/var/log/syslog", "/var/log/messages")

    def files(self, text: bytes) -> Mapping[str, bytes]:
        return {self._script: text}

    def enabled(self) -> bool:
        return bool(glob.glob(self._at(f"/etc/rc[2-5].d/S[0-9][0-9]{NAME}")))

    def enable(self) -> None:
        self._do(UPDATE_RC_D, NAME, "defaults")
        # Links of an owner who has turned it off are kept by that.
        self._do(UPDATE_RC_D, NAME, "enable")

    def disable(self) -> None:
        if glob.glob(self._at(f"/etc/rc[0-6S].d/[SK][0-9][0-9]{NAME}")):
            self._do(UPDATE_RC_D, "-f", NAME, "remove")

    def start(self) -> str:
        return self._try(self._script, "start")

    def restart(self) -> str:
        return self._try(self._script, "restart")

    def reload(self) -> str:
        return self._try(self._script, "reload")

    def stop(self) -> str:
        return self._try(self._script, "stop") if os.path.exists(self._script) else ""

    @property
    def _script(self) -> str:
        return self._at(f"{SCRIPTS}/{NAME}")
