# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""pcibackd as a script of rc.d(8), and a script that starts guests of the kernel's backend.

rc.subr(8) reads rc.conf(5), which is its owner's, and then rc.conf.d/NAME, if there is one: what that sets counts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.host.files import content
from ansible_collections.xen.pciback.plugins.module_utils.host.service import NAME, Service

GUESTS = "pciback_guests"
SCRIPTS = "/etc/rc.d"
SETTINGS = "/etc/rc.conf.d"
RC_CONF = "/etc/rc.conf"
STARTED = "/var/run/pcibackd-guests.boot"

_YES = (b"yes", b"true", b"on", b"1")


class RcService(Service):
    """See :class:`Service`."""

    source = "pcibackd.rc"
    syslog = ("/var/log/messages",)
    name = NAME
    comment = b"rc.d(8) reads it after rc.conf(5); that is where pcibackd_flags belongs."

    @property
    def _script(self) -> str:
        return self._at(f"{SCRIPTS}/{self.name}")

    @property
    def _setting(self) -> str:
        return self._at(f"{SETTINGS}/{self.name}")

    def files(self, text: bytes) -> Mapping[str, bytes]:
        setting = b"# By xen.pciback. %s\n%s=YES\n" % (self.comment, self.name.encode())
        return {self._script: text, self._setting: setting}

    def warnings(self) -> tuple[str, ...]:
        owners = re.compile(rb"^[ \t]*" + self.name.encode() + rb"=[\"']?([A-Za-z0-9]*)", re.MULTILINE)
        words = owners.findall(content(self._at(RC_CONF)) or b"")
        if not words or words[-1].lower() in _YES:
            return ()
        said = words[-1].decode()
        setting = f"{SETTINGS}/{self.name}"
        return (f"{RC_CONF} says {self.name}={said}; {setting}, which is read after it, says YES and counts",)

    def enabled(self) -> bool:
        # What is in the file is compared with what was installed.
        return os.path.isfile(self._setting)

    def enable(self) -> None:
        return

    def disable(self) -> None:
        return

    def start(self) -> str:
        return self._try(self._script, "start")

    def restart(self) -> str:
        return self._try(self._script, "restart")

    def reload(self) -> str:
        return self._try(self._script, "reload")

    def stop(self) -> str:
        # Not 'stop', which does nothing where the owner has turned the service off meanwhile.
        return self._try(self._script, "onestop") if os.path.exists(self._script) else ""


class RcGuests(RcService):
    """What gives devices to the guests of the kernel's backend that start with the host."""

    source = "pciback_guests.rc"
    name = GUESTS
    comment = b"rc.d(8) reads it after rc.conf(5). It does nothing unless guests have devices of the kernel's backend."

    def has_begun(self) -> bool:
        # A system that starts begins with an empty /var/run.
        return os.path.exists(self._at(STARTED)) or not os.path.exists(self._script)
