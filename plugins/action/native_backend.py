# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of native_backend: sends sources or cross-built files, but only to a host that needs them."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from ansible import constants as C
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.plugin_utils.cross_build import cross_build
from ansible_collections.xen.pciback.plugins.plugin_utils.native_sources import pack, read_sources, source_digest

MODULE = "xen.pciback.native_backend"
display = Display()


class ActionModule(ActionBase):
    """Asks the host first; only what it lacks is packed, built and transferred."""

    TRANSFERS_FILES = True
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        sources = read_sources()
        arguments = {**self._task.args, "source_sha256": source_digest(sources)}
        asked = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        needs = asked.get("needs", "nothing")
        if asked.get("failed") or needs == "nothing" or self._task.check_mode:
            result.update(asked)
            return result
        try:
            with tempfile.TemporaryDirectory(dir=C.DEFAULT_LOCAL_TMP) as workspace:
                if needs == "sources":
                    archive, compiler = pack(sources), ""
                else:
                    display.display(
                        f"<{self._task_host(task_vars)}> building the native component for {asked['target']}"
                    )
                    files, compiler = cross_build(
                        sources,
                        target=asked["target"],
                        prefix=asked["prefix"],
                        flags=arguments.get("cflags") or "",
                        daemon=boolean(arguments.get("daemon") or False),
                        workspace=workspace,
                        trial=bool(asked.get("trial")),
                    )
                    archive = pack(
                        files,
                        executable=("pcibackctl", "pcibackd", "pcibackd-guests", "pciback-trial", "pciback_trial"),
                    )
                arguments["archive"] = self._send(workspace, archive)
        except PcibackError as error:
            result.update(failed=True, msg=str(error), remedy=error.remedy)
            return result
        arguments["archive_compiler"] = compiler
        result.update(self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars))
        return result

    def _send(self, workspace: str, archive: bytes) -> str:
        local = os.path.join(workspace, "native.tar.gz")
        with open(local, "wb") as file:
            file.write(archive)
        remote: str = self._connection._shell.join_path(self._connection._shell.tmpdir, "native.tar.gz")
        self._transfer_file(local, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))
        return remote

    @staticmethod
    def _task_host(task_vars: dict[str, Any] | None) -> str:
        return str((task_vars or {}).get("inventory_hostname", "host"))
