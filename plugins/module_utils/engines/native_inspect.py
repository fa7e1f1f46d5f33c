# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Is the native component of a host the one that was built and checked, and does its pcibackd run?

A record on the host says from which sources, by which compiler and with which flags the files were made and what their
digests are. Installed files that don't match it are not trusted.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import Callable, Optional

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_service
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.native_record import NativeRecord
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import run as run_command
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import CONTROL, daemon_status
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import NATIVE, StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.host.trial import PROGRAM as TRIAL
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import DaemonState, NativeState

FindProgram = Callable[..., Optional[str]]

TOOL_DIRECTORIES = ["/usr/pkg/bin", "/usr/local/bin"]

PREFIX = "/usr/local"


# Directories whose files are run.
_OF_PROGRAMS = ("sbin", "bin", "rc.d", "init.d")


def is_program(path: str) -> bool:
    """Whether a file that is installed is to be run."""
    return os.path.basename(os.path.dirname(path)) in _OF_PROGRAMS


def recorded(state: StateDirectory) -> NativeRecord | None:
    """What was installed, ``None`` if there is no record that can be read and understood: then nothing is verified."""
    try:
        return state.native().value
    except PcibackError:
        return None


def inspect(
    state: StateDirectory,
    *,
    prefix: str = PREFIX,
    source_sha256: str | None = None,
    compiler: str | None = None,
    flags: str | None = None,
    daemon: bool = False,
    run: Run = run_command,
) -> NativeState:
    """Compare what is installed with the record, and the record with what is wanted.

    :param source_sha256: digest of the sources that it should be made of; ``None``: don't care
    :param compiler: first line of what the host's compiler says of its version; ``None``: there is none
    :param flags: compiler flags that it should be made with; ``None``: don't care
    :param daemon: also whether pcibackd runs as a service, which asks pcibackctl; else only whether it is recorded
    """
    record = recorded(state)
    native = _compare(state, record, prefix, source_sha256, compiler, flags, daemon)
    native = replace(native, trial=record is not None and TRIAL in record.files)
    if daemon:
        return replace(native, daemon=_inspect_daemon(native, record, prefix, run))
    return replace(native, daemon=DaemonState(record is not None and native_service.is_installed(record.files)))


def _inspect_daemon(native: NativeState, record: NativeRecord | None, prefix: str, run: Run) -> DaemonState:
    """What there is of pcibackd. Whether one runs is said also if it is not the installed one."""
    control = os.path.join(prefix, CONTROL)
    installed = record is not None and native_service.is_installed(record.files)
    not_ready = native.reason if installed or not native.ready else "pcibackd was not installed"
    if record is None or not (native.ready or record.files.get(control) == digest_of(control)):
        return DaemonState(installed, reason=not_ready)
    try:
        status = daemon_status(run, control)
        if not_ready:
            return DaemonState(installed, reason=not_ready, status=status)
        service = platforms.here(run).service()
    except PcibackError as error:
        return DaemonState(installed, reason=str(error))
    if not record.files.keys() >= service.files(b"").keys():
        return DaemonState(reason="pcibackd was not installed for the init system of this host", status=status)
    return native_service.judge(status, service, record.source_sha256)


def _compare(
    state: StateDirectory,
    record: NativeRecord | None,
    prefix: str,
    source_sha256: str | None,
    compiler: str | None,
    flags: str | None,
    daemon: bool,
) -> NativeState:
    control = os.path.join(prefix, CONTROL)
    if record is None:
        return NativeState(False, f"nothing of it is recorded in {state.place(NATIVE)}")
    if control not in record.files:
        return NativeState(False, f"it was not installed under {prefix}")
    # Not asked for; and a run that was killed while it removed them has left some.
    ignored = frozenset() if daemon else native_service.of_daemon(record.files)
    for path, digest in sorted(record.files.items()):
        if path in ignored:
            continue
        found = digest_of(path)
        if found is None:
            return NativeState(False, f"{path} is missing")
        if found != digest:
            return NativeState(False, f"{path} is not the file that was installed and checked")
        if is_program(path) and not os.access(path, os.X_OK):
            return NativeState(False, f"{path} has lost the right to be run")
    if source_sha256 is not None and record.source_sha256 != source_sha256:
        return NativeState(False, "its sources have changed")
    if flags is not None and record.flags != flags:
        return NativeState(False, "its compiler flags have changed")
    if record.method == "host" and compiler is not None and record.compiler != compiler:
        return NativeState(False, "the host's compiler has changed")
    return NativeState(True)


def digest_of(path: str) -> str | None:
    """SHA-256 of a regular file; ``None`` if there is no such file."""
    try:
        return hashlib.sha256(read_file(path)).hexdigest()
    except PcibackError:
        return None


def find_compiler(find: FindProgram) -> str | None:
    """The host's C compiler, looked for where root's PATH over ssh may not lead.

    :param find: the path of a program, ``None`` if there is none, as an AnsibleModule's ``get_bin_path`` finds it
    """
    return find("cc", opt_dirs=TOOL_DIRECTORIES) or find("gcc")


def compiler_version(run: Run, compiler: str | None) -> str | None:
    """The first line that the compiler prints of its version; ``None`` if there is no compiler."""
    if compiler is None:
        return None
    status, out, _err = run([compiler, "--version"])
    return out.splitlines()[0].strip() if status == 0 and out.strip() else None
