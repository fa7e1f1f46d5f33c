# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Brings the native component onto a host, or away from it; what has to be sent for that is asked for first."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.engines import native_build, native_inspect, native_install
from ansible_collections.xen.pciback.plugins.module_utils.engines.native_inspect import FindProgram
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import CONTROL
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import NativeState

AUTO, HOST, CROSS = "auto", "host", "cross"
METHODS = (AUTO, HOST, CROSS)


@dataclass(frozen=True)
class NativeRequest:
    """What the host is to have.

    :ivar source_sha256: digest of the sources
    :ivar method: where it is built: on the host, elsewhere (``cross``), or on the host if it can (``auto``)
    :ivar target: the host's system in zig's words, ``None``: as uname says
    :ivar flags: compiler flags in the place of the makefile's own, empty without any
    :ivar archive: a tar file that was sent, ``None``: nothing was
    :ivar archive_compiler: what built the files of the archive; empty if it holds sources
    :ivar scratch: a directory for temporary files
    :ivar who: what others are told while they wait for the lock
    """

    prefix: str
    source_sha256: str
    method: str
    target: str | None
    flags: str
    archive: str | None
    archive_compiler: str
    scratch: str
    who: str
    check_mode: bool


@dataclass(frozen=True)
class Outcome:
    """The documented result, and what the owner should know."""

    values: Mapping[str, Any]
    warnings: Sequence[str] = ()


def bring(run: Run, find: FindProgram, state: StateDirectory, request: NativeRequest) -> Outcome:
    """Say what the host needs, or install what was sent.

    :param find: see :func:`native_inspect.find_compiler`
    :raises PcibackError: it can't be built or installed; what was installed before is as it was
    """
    compiler, make = native_inspect.find_compiler(find), native_build.find_make(find)
    native = _inspect(run, state, request, compiler)
    values: dict[str, Any] = {"changed": not native.ready, "reason": native.reason, "needs": "nothing"}
    if native.ready:
        return Outcome(values)
    if request.archive is not None:
        installed = _install(run, state, request, compiler, make)
        return Outcome({**values, **installed.values}, installed.warnings)
    on_host = request.method == HOST or (request.method == AUTO and compiler and make)
    if on_host and not (compiler and make):
        raise PcibackError(
            f"the host has no {'make' if compiler else 'C compiler'}",
            remedy="install it (NetBSD's comp set), or let method be auto, so that the controller builds",
        )
    if on_host:
        values["needs"] = "sources"
    else:
        target = request.target or native_build.zig_target(run, find("uname", required=True) or "uname")
        values.update(needs="binaries", target=target, prefix=request.prefix)
    return Outcome(values)


def remove(state: StateDirectory, *, who: str, check_mode: bool) -> Outcome:
    """Remove what was installed and what is recorded of it.

    :raises PcibackError: it can't be removed
    """
    with state.lock(who, check_mode=check_mode):
        originals = state.originals()
        known = originals.originals
        removal = native_install.plan_removal(state, known)
        recorded = bool(known.of_kind(NATIVE) or known.directories or (originals.exists and known.empty))
        if not check_mode:
            native_install.remove(state, originals)
    listing = "".join(f"{path}\n" for path in removal.paths)
    values = {
        "changed": bool(removal.paths or recorded),
        "needs": "nothing",
        "reason": "",
        "removed": list(removal.paths),
        "diff": [{"before": listing, "after": ""}] if listing else [],
    }
    return Outcome(values, removal.warnings)


def _inspect(run: Run, state: StateDirectory, request: NativeRequest, compiler: str | None) -> NativeState:
    return native_inspect.inspect(
        state,
        prefix=request.prefix,
        source_sha256=request.source_sha256,
        compiler=native_inspect.compiler_version(run, compiler),
        flags=request.flags,
    )


def _install(
    run: Run, state: StateDirectory, request: NativeRequest, compiler: str | None, make: str | None
) -> Outcome:
    """Install what the archive holds: sources that are built here, or files that were built for this host."""
    workspace = tempfile.mkdtemp(dir=request.scratch, prefix="native-")
    try:
        unpacked, stage = os.path.join(workspace, "unpacked"), os.path.join(workspace, "stage")
        native_build.unpack(request.archive or "", unpacked)
        if request.archive_compiler:
            method, built_by, stage = CROSS, request.archive_compiler, unpacked
        else:
            method, built_by = HOST, native_inspect.compiler_version(run, compiler) or ""
            variables = {"CC": compiler or "", "SOURCE_SHA256": request.source_sha256}
            if request.flags:
                variables["CFLAGS"] = request.flags
            native_build.build(run, unpacked, stage, prefix=request.prefix, make=make or "", variables=variables)
        staged = os.path.join(stage, os.path.join(request.prefix, CONTROL).lstrip("/"))
        os.chmod(staged, 0o755)
        native_build.selftest(run, staged)
        # Building takes minutes and changes nothing that another run reads.
        with state.lock(request.who, check_mode=request.check_mode):
            if _inspect(run, state, request, compiler).ready:
                # Another run was faster.
                return Outcome({"changed": False, "reason": ""})
            record, warnings = native_install.install(
                native_build.staged_files(stage),
                state,
                source_sha256=request.source_sha256,
                method=method,
                compiler=built_by,
                flags=request.flags,
            )
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    return Outcome({"method": record.method, "compiler": record.compiler, "files": dict(record.files)}, warnings)
