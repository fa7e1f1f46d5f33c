# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""pcibackd as a script of rc.d(8).

rc.subr(8) reads rc.conf(5), which is its owner's, and then rc.conf.d/NAME, if there is one: what that sets counts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.host.files import content
from ansible_collections.xen.pciback.plugins.module_utils.host.service import NAME, Service

SCRIPT = f"/etc/rc.d/{NAME}"
SETTING = f"/etc/rc.conf.d/{NAME}"
RC_CONF = "/etc/rc.conf"

_SETTING = b"# By xen.pciback. rc.d(8) reads it after rc.conf(5); that is where pcibackd_flags belongs.\npcibackd=YES\n"
_OF_THE_OWNER = re.compile(rb"^[ \t]*pcibackd=[\"']?([A-Za-z0-9]*)", re.MULTILINE)
_YES = (b"yes", b"true", b"on", b"1")


class RcService(Service):
    """See :class:`Service`."""

    source = "pcibackd.rc"
    syslog = ("/var/log/messages",)

    def files(self, text: bytes) -> Mapping[str, bytes]:
        return {self._at(SCRIPT): text, self._at(SETTING): _SETTING}

    def warnings(self) -> tuple[str, ...]:
        words = _OF_THE_OWNER.findall(content(self._at(RC_CONF)) or b"")
        if not words or words[-1].lower() in _YES:
            return ()
        said = words[-1].decode()
        return (f"{RC_CONF} says pcibackd={said}; {SETTING}, which is read after it, says YES and counts",)

    def enabled(self) -> bool:
        # What is in the file is compared with what was installed.
        return os.path.isfile(self._at(SETTING))

    def enable(self) -> None:
        return

    def disable(self) -> None:
        return

    def start(self) -> str:
        return self._try(self._at(SCRIPT), "start")

    def restart(self) -> str:
        return self._try(self._at(SCRIPT), "restart")

    def reload(self) -> str:
        return self._try(self._at(SCRIPT), "reload")

    def stop(self) -> str:
        # Not 'stop', which does nothing where the owner has turned the service off meanwhile.
        return self._try(self._at(SCRIPT), "onestop") if os.path.exists(self._at(SCRIPT)) else ""
