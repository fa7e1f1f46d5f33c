# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connection plugin for embedded dom0s."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lab
short_description: Log in to an embedded dom0
description:
  - Runs commands as root inside an embedded dom0, a directory on the controller that behaves like a NetBSD host with
    Xen. C(lab/dom0.py create) makes such directories.
  - The user of the controller needs no privileges where the kernel lets ordinary users make user namespaces.
  - An embedded dom0 that is rebooting, or whose last boot went wrong, does not answer, and the host becomes
    unreachable.
version_added: 0.1.0
author:
  - xen.pciback contributors (@xen-pciback)
requirements:
  - Linux on the controller, with C(unshare), C(mount) and C(chroot)
options:
  dom0:
    description:
      - The directory of the embedded dom0, the one given to C(lab/dom0.py create).
    type: path
    vars:
      - name: ansible_lab_dom0
notes:
  - Commands run as root inside, so privilege escalation to root changes nothing.
"""

import os
import subprocess
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_bytes, to_native
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

display = Display()

# How lab/enter says that it did not get as far as the command, after ssh's example.
_NO_ANSWER_STATUS = 255
_NO_ANSWER_PREFIX = b"enter: "


class Connection(ConnectionBase):
    """Runs commands and copies files through lab/enter."""

    transport = "xen.pciback.lab"
    has_pipelining = True
    # Tells Ansible that becoming root needs no further program.
    default_user = "root"

    _connected: bool

    def _connect(self) -> Connection:
        """Nothing stays open between two commands; check only that there is such a directory."""
        if not self._connected:
            directory = self.get_option("dom0")
            if not directory:
                raise AnsibleConnectionFailure("ansible_lab_dom0 is not set; it is the directory of an embedded dom0")
            if not os.path.isdir(os.path.join(directory, "machine")):
                raise AnsibleConnectionFailure(
                    f"{to_native(directory)} is not an embedded dom0; 'lab/dom0.py create' makes one"
                )
            self._connected = True
        return self

    def _enter(self, arguments: list[str], **streams: Any) -> tuple[int, bytes, bytes]:
        """Run a command inside. Returns status, output and errors."""
        self._connect()
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "lab", "enter")
        root = os.path.join(self.get_option("dom0"), "root")
        command = ["/bin/sh", os.path.normpath(script), root, "--", *arguments]
        in_data = streams.pop("in_data", None)
        streams.setdefault("stdin", subprocess.PIPE)
        streams.setdefault("stdout", subprocess.PIPE)
        try:
            process = subprocess.Popen(
                [to_bytes(word, errors="surrogate_or_strict") for word in command],
                stderr=subprocess.PIPE,
                **streams,
            )
        except OSError as error:
            raise AnsibleConnectionFailure(f"lab/enter does not start: {to_native(error)}") from error
        stdout, stderr = process.communicate(in_data)
        if process.returncode == _NO_ANSWER_STATUS and stderr.startswith(_NO_ANSWER_PREFIX):
            raise AnsibleConnectionFailure(to_native(stderr[len(_NO_ANSWER_PREFIX) :].strip()))
        return process.returncode, stdout, stderr

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a shell command in root's home, as a login does."""
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        display.vvv(f"EXEC {to_native(cmd)}", host=self.get_option("dom0"))
        return self._enter(["/bin/sh", "-c", "cd\n" + to_native(cmd, errors="surrogate_or_strict")], in_data=in_data)

    def put_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the controller into the dom0."""
        super().put_file(in_path, out_path)
        display.vvv(f"PUT {in_path} TO {out_path}", host=self.get_option("dom0"))
        try:
            with open(to_bytes(in_path, errors="surrogate_or_strict"), "rb") as stream:
                self._copy('cat >"$1"', out_path, stdin=stream)
        except FileNotFoundError as error:
            raise AnsibleFileNotFound(f"{to_native(in_path)} is not there to be copied") from error

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Copy a file of the dom0 to the controller."""
        super().fetch_file(in_path, out_path)
        display.vvv(f"FETCH {in_path} TO {out_path}", host=self.get_option("dom0"))
        with open(to_bytes(out_path, errors="surrogate_or_strict"), "wb") as stream:
            self._copy('cat <"$1"', in_path, stdout=stream)

    def _copy(self, script: str, path: str, **streams: Any) -> None:
        status, _unused, stderr = self._enter(["/bin/sh", "-c", script, "sh", path], **streams)
        if status != 0:
            raise AnsibleError(f"{to_native(path)} could not be copied: {to_native(stderr).strip()}")

    def reset(self) -> None:
        """Forget that the dom0 was there; it may have been rebooted."""
        self.close()
        self._connect()

    def close(self) -> None:
        """Nothing is open between two commands."""
        self._connected = False
