# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Brings the native component onto a host, or away from it; what has to be sent for that is asked for first.

Files come first and their record last, then the service is enabled, then it is started. On the way back it is the other
way round. So a run that was killed leaves less than is wanted, and the next one sees what.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.xen.pciback.plugins.module_utils.engines import (
    native_build,
    native_inspect,
    native_install,
    native_service,
)
from ansible_collections.xen.pciback.plugins.module_utils.engines.native_inspect import FindProgram
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.host import platforms
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import CONTROL
from ansible_collections.xen.pciback.plugins.module_utils.host.service import Service
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import ATTACHMENTS, StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.host.trial import PROGRAM as TRIAL
from ansible_collections.xen.pciback.plugins.module_utils.host.trial import Trials
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import NativeState

AUTO, HOST, CROSS = "auto", "host", "cross"
METHODS = (AUTO, HOST, CROSS)


@dataclass(frozen=True)
class NativeRequest:
    """What the host is to have.

    :ivar source_sha256: digest of the sources
    :ivar method: where it is built: on the host, elsewhere (``cross``), or on the host if it can (``auto``)
    :ivar target: the host's system in zig's words, ``None``: as uname says
    :ivar daemon: also pcibackd, as a service that runs
    :ivar keeps_daemon: without ``daemon``, a pcibackd that is installed runs on, unless something has to be installed
    :ivar after_reboot: whether dom0 will have been rebooted by then, which check mode can't see; that boot starts pcibackd
    :ivar start: whether pcibackd is to run now, and not only when the host starts
    :ivar trial: also pciback-trial; without it, what there is of that stays
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
    daemon: bool
    archive: str | None
    archive_compiler: str
    scratch: str
    who: str
    check_mode: bool
    trial: bool = False
    keeps_daemon: bool = False
    after_reboot: bool = False
    start: bool = True


@dataclass(frozen=True)
class Outcome:
    """The documented result, and what the owner should know."""

    values: Mapping[str, Any]
    warnings: Sequence[str] = ()


def bring(run: Run, find: FindProgram, state: StateDirectory, request: NativeRequest) -> Outcome:
    """Say what the host needs, or install what was sent, and let pcibackd run if it is wanted.

    :param find: see :func:`native_inspect.find_compiler`
    :raises PcibackError: it can't be built, installed or started; what could not be installed is as it was before
    """
    compiler, make = native_inspect.find_compiler(find), native_build.find_make(find)
    native = _inspect(run, state, request, compiler)
    # What there is of it stays, also where it isn't asked for.
    trial = request.trial or native.trial
    reason = _reason(run, native, request)
    values: dict[str, Any] = {"changed": bool(reason), "reason": reason, "needs": "nothing"}
    if not reason:
        return _with_daemon(values, request, native.daemon.outdated)
    if native.ready and (native.daemon.installed or not request.daemon) and (native.trial or not request.trial):
        return _settle(run, state, request, values)
    if request.archive is not None:
        installed = _install(run, state, request, compiler, make, trial=trial)
        return Outcome({**values, **installed.values}, installed.warnings)
    on_host = request.method == HOST or (request.method == AUTO and compiler and make)
    if on_host and not (compiler and make):
        raise PcibackError(
            f"the host has no {'make' if compiler else 'C compiler'}",
            remedy="install it (NetBSD's comp set), or let method be auto, so that the controller builds",
        )
    # Building takes minutes; that nothing here could or may start a program is said before.
    if request.daemon:
        _service(run).check()
    if request.trial:
        _trials(run).check_start()
    if on_host:
        values["needs"] = "sources"
    else:
        uname = find("uname", required=True) or "uname"
        target = request.target or native_build.zig_target(run, uname, daemon=request.daemon)
        if request.daemon:
            native_build.check_target(target)
        values.update(needs="binaries", target=target, prefix=request.prefix, trial=trial)
    return Outcome(values)


def remove(run: Run, state: StateDirectory, *, who: str, check_mode: bool) -> Outcome:
    """End pcibackd, and remove what was installed and what is recorded of it.

    :raises PcibackError: a guest has devices of pcibackd, or something can't be removed
    """
    with state.lock(who, check_mode=check_mode):
        originals = state.originals()
        known = originals.originals
        removal = native_install.plan_removal(state, known)
        recorded = bool(known.of_kind(NATIVE) or known.directories or (originals.exists and known.empty))
        installed = [change.path for change in removal.changes if change.before is not None]
        control = next((path for path in installed if path.endswith(f"/{CONTROL}")), CONTROL)
        warnings = list(removal.warnings)
        service = None
        if native_service.is_installed(change.path for change in removal.changes):
            native_service.check_unused(run, control)
            service = _service(run)
        guests = platforms.here(run).guests_service()
        if not check_mode:
            if guests is not None:
                guests.stop()
            if service is not None:
                warnings += native_service.end_it(run, service, control)
            if TRIAL in installed:
                _trials(run).disable()
            native_install.remove(state, originals)
            if service is not None:
                service.forget()
    listing = "".join(f"{path}\n" for path in removal.paths)
    values = {
        "changed": bool(removal.paths or recorded),
        "needs": "nothing",
        "reason": "",
        "removed": list(removal.paths),
        "diff": [{"before": listing, "after": ""}] if listing else [],
    }
    return Outcome(values, warnings)


def _service(run: Run) -> Service:
    return platforms.here(run).service()


def _trials(run: Run) -> Trials:
    trials = platforms.here(run).trials()
    if trials is None:
        raise PcibackError("pciback-trial has no use on a system whose boots can't undo themselves")
    return trials


def _inspect(run: Run, state: StateDirectory, request: NativeRequest, compiler: str | None) -> NativeState:
    return native_inspect.inspect(
        state,
        prefix=request.prefix,
        source_sha256=request.source_sha256,
        compiler=native_inspect.compiler_version(run, compiler),
        flags=request.flags,
        daemon=request.daemon,
        run=run,
    )


def _reason(run: Run, native: NativeState, request: NativeRequest) -> str:
    """Why the host is not as it is wanted; empty if it is."""
    if request.daemon and request.after_reboot and request.check_mode:
        # It was prepared for the boot.
        return ""
    if not native.ready:
        return native.reason
    if request.trial and not native.trial:
        return "pciback-trial was not installed"
    if request.trial and not _trials(run).starts():
        return "pciback-trial does not start with the host"
    if request.daemon:
        as_wanted = native.daemon.ready if request.start else native.daemon.starts
        return "" if as_wanted else native.daemon.reason
    return "pcibackd is installed and not wanted" if native.daemon.installed and not request.keeps_daemon else ""


def _with_daemon(values: Mapping[str, Any], request: NativeRequest, outdated: str, *warnings: str) -> Outcome:
    """The result, with what there is to say of pcibackd."""
    if not request.daemon:
        return Outcome(values, warnings)
    return Outcome({**values, "outdated": outdated}, (*warnings, *filter(None, (outdated,))))


def _settle(run: Run, state: StateDirectory, request: NativeRequest, values: Mapping[str, Any]) -> Outcome:
    """Let start what is installed as it is wanted, or remove pcibackd if it is not wanted."""
    control = os.path.join(request.prefix, CONTROL)
    installed = native_inspect.recorded(state)
    is_there = native_service.is_installed(installed.files if installed else ())
    unwanted = is_there and not request.daemon and not request.keeps_daemon
    if request.check_mode:
        if unwanted and not request.after_reboot:
            native_service.check_unused(run, control)
        return Outcome(values)
    with state.lock(request.who):
        if request.trial:
            _trials(run).enable()
        if request.daemon:
            return _run_daemon(run, request, values)
        if not unwanted:
            return Outcome(values)
        service = _service(run)
        warnings = list(native_service.end_it(run, service, control))
        record = native_inspect.recorded(state)
        files = record.files if record else {}
        surplus = native_service.of_daemon(files).union(set(files).intersection(service.files(b"")))
        warnings += native_install.uninstall(surplus, state)
        service.forget()
    return Outcome(values, warnings)


def _run_daemon(run: Run, request: NativeRequest, values: Mapping[str, Any], *warnings: str) -> Outcome:
    source = request.source_sha256
    running = native_service.run_it(
        run, _service(run), prefix=request.prefix, source_sha256=source, start=request.start
    )
    return _with_daemon(values, request, running.outdated, *warnings, *running.warnings)


def _install(
    run: Run, state: StateDirectory, request: NativeRequest, compiler: str | None, make: str | None, *, trial: bool
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
            _build(run, request, unpacked, stage, compiler or "", make or "", trial=trial)
        staged = native_build.staged_files(stage)
        files = native_service.placed(
            _trials(run).placed(staged) if trial else staged,
            request.prefix,
            _service(run) if request.daemon else None,
            platforms.here(run).guests_service(),
            attachments=state.place(ATTACHMENTS),
        )
        _check(run, request, stage)
        # Building takes minutes and changes nothing that another run reads.
        with state.lock(request.who, check_mode=request.check_mode):
            native = _inspect(run, state, request, compiler)
            if not _reason(run, native, request):
                # Another run was faster.
                return _with_daemon({"changed": False, "reason": ""}, request, native.daemon.outdated)
            warnings: list[str] = []
            if native.daemon.installed and not request.daemon:
                warnings += native_service.end_it(run, _service(run), os.path.join(request.prefix, CONTROL))
            record, left = native_install.install(
                files,
                state,
                source_sha256=request.source_sha256,
                method=method,
                compiler=built_by,
                flags=request.flags,
            )
            if trial:
                _trials(run).enable()
            values = {"method": record.method, "compiler": record.compiler, "files": dict(record.files)}
            if request.daemon:
                return _run_daemon(run, request, values, *left)
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    return Outcome(values, (*warnings, *left))


def _build(
    run: Run, request: NativeRequest, sources: str, stage: str, compiler: str, make: str, *, trial: bool
) -> None:
    """Build what was sent, on this host."""
    variables = {"CC": compiler, "SOURCE_SHA256": request.source_sha256}
    if request.flags:
        variables["CFLAGS"] = request.flags
    native_build.build(
        run,
        sources,
        stage,
        prefix=request.prefix,
        make=make,
        daemon=request.daemon,
        trial=trial,
        variables=variables,
    )


def _check(run: Run, request: NativeRequest, stage: str) -> None:
    """Let what was built show that it runs on this host."""
    programs = [CONTROL, *([native_service.DAEMON] if request.daemon else [])]
    staged = [os.path.join(stage, os.path.join(request.prefix, program).lstrip("/")) for program in programs]
    for path in staged:
        os.chmod(path, 0o755)
    native_build.selftest(run, *staged)
