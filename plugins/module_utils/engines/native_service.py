# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Lets the installed pcibackd run as a service, or ends it.

A guest must not lose its devices by that: while one has any, pcibackd is not ended, and replaced only if it can hand over.
"""

from __future__ import annotations

import os
import posixpath
import re
import shlex
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.pcibackd_status import PcibackdStatus
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import CONTROL, daemon_status
from ansible_collections.xen.pciback.plugins.module_utils.host.service import NAME, Service
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import DaemonState

DAEMON = f"sbin/{NAME}"
GUESTS = f"sbin/{NAME}-guests"
KERNEL_GUESTS = "pciback_guests"
SERVICES = "share/xen-pciback"
"""Where they are below the prefix, the last one a directory of files for each init system; ``KERNEL_GUESTS`` is the script by
which a host starts guests of the kernel's backend, wherever its init system has scripts.
"""

# Where the start-up script looks for the record, unless it is told otherwise.
_RECORD = re.compile(rb"^record=.*$", re.MULTILINE)

PATIENCE = 10.0
"""Seconds that pcibackd has until it answers, once its service says that it was started."""
SHORT_PATIENCE = 1.0
"""The same if the service says that something failed."""
_LOOK = 0.2

_KERNEL_BACKEND = "kernel's own backend"


@dataclass(frozen=True)
class Running:
    """A pcibackd that runs as a service.

    :ivar outdated: why it is an older one than the installed one, empty if it is not
    :ivar warnings: sentences about what the owner should know besides
    """

    outdated: str
    warnings: tuple[str, ...]


def is_installed(paths: Iterable[str]) -> bool:
    """Whether pcibackd is among the installed files, wherever they are."""
    return any(path.endswith(f"/{DAEMON}") for path in paths)


def of_daemon(paths: Collection[str]) -> frozenset[str]:
    """Those of the installed files that are for pcibackd alone."""
    names = {posixpath.basename(path) for path in paths}
    shared = {posixpath.basename(CONTROL), *([posixpath.basename(GUESTS)] if KERNEL_GUESTS in names else [])}
    return frozenset(
        path for path in paths if posixpath.basename(path).startswith(NAME) and posixpath.basename(path) not in shared
    )


def placed(
    staged: Mapping[str, bytes],
    prefix: str,
    service: Service | None,
    guests: Service | None = None,
    *,
    attachments: str,
) -> dict[str, bytes]:
    """What is to be installed of all that was built, by its places on the host.

    :param staged: what ``make install`` installs
    :param service: of this host; ``None``: without pcibackd
    :param guests: the service that starts guests of the kernel's backend, ``None`` where there is none
    :param attachments: where the record is that the host's start-up reads
    :raises PcibackError: it has nothing for the init system of this host
    """
    services = os.path.join(prefix, SERVICES)
    files = {path: data for path, data in staged.items() if posixpath.dirname(path) != services}
    script = os.path.join(prefix, GUESTS)
    files.update({script: _told(files[script], attachments)} if script in files else {})
    source = os.path.join(services, guests.source) if guests is not None else ""
    if guests is not None and source in staged:
        files.update(guests.files(staged[source]))
    if service is None:
        unwanted = of_daemon(files)
        return {path: data for path, data in files.items() if path not in unwanted}
    source = os.path.join(services, service.source)
    if source not in staged or os.path.join(prefix, DAEMON) not in staged:
        raise PcibackError(f"what was built has no pcibackd with a service for this host: {source} is missing")
    return {**files, **service.files(staged[source])}


def _told(script: bytes, attachments: str) -> bytes:
    """The start-up script, told where the record of this host is."""
    line = f"record={shlex.quote(attachments)}".encode()
    return _RECORD.sub(lambda _match: line, script, count=1)


def judge(status: PcibackdStatus | None, service: Service, source_sha256: str) -> DaemonState:
    """Whether the service of an installed pcibackd is as it should be; no process is started.

    :param status: what the pcibackd that runs says of itself
    :param source_sha256: of the installed one
    """
    reason = _unready(status, source_sha256)
    if not service.enabled():
        return DaemonState(True, False, "pcibackd does not start with the host", status=status)
    if status is not None and status.users and reason and not status.hands_over:
        return DaemonState(True, True, "", _outdated(status), status, True)
    return DaemonState(True, not reason, reason, "", status, True)


def run_it(run: Run, service: Service, *, prefix: str, source_sha256: str, start: bool = True) -> Running:
    """Let the service start with the host and run now, with the installed pcibackd.

    :param source_sha256: of the installed one
    :param start: whether it is to run now
    :raises PcibackError: it does not start
    """
    control = os.path.join(prefix, CONTROL)
    warnings = list(service.warnings())
    status = daemon_status(run, control)
    if not service.enabled():
        service.enable()
        if not service.enabled():
            raise PcibackError(
                "the host's tools say that the service pcibackd was enabled, but it would not start with the host",
                remedy="enable it by hand, and see what its init system says",
            )
    if not start:
        return Running("", tuple(warnings))
    if status is not None and _unready(status, source_sha256) and status.users:
        if not status.hands_over:
            return Running(_outdated(status), tuple(warnings))
        problem = service.reload()
        status = _await(run, control, source_sha256, PATIENCE)
        if _unready(status, source_sha256):
            raise _not_started(status, problem, service.logged())
    elif _unready(status, source_sha256):
        problem = service.start() if status is None else service.restart()
        status = _await(run, control, source_sha256, SHORT_PATIENCE if problem else PATIENCE)
        if _unready(status, source_sha256):
            raise _not_started(status, problem, service.logged())
        if problem:
            warnings.append(f"pcibackd runs, but not all that its service does has succeeded: {problem}")
    return Running("", tuple(warnings))


def check_unused(run: Run, control: str) -> PcibackdStatus | None:
    """The pcibackd that runs, which may be ended.

    :param control: path of pcibackctl
    :raises PcibackError: a guest has devices of it
    """
    status = daemon_status(run, control)
    if status is not None and status.users:
        raise PcibackError(
            f"pcibackd can't be removed while domains have devices of it: {_numbers(status)}",
            remedy="shut these guests down, or take their devices away with 'pcibackctl detach'",
        )
    return status


def end_it(run: Run, service: Service, control: str) -> tuple[str, ...]:
    """End pcibackd, and let it no longer start with the host.

    :param control: path of pcibackctl
    :returns: sentences about what is left
    :raises PcibackError: a guest has devices of it, or it does not end
    """
    status = check_unused(run, control)
    problem = service.stop()
    after = daemon_status(run, control)
    if after is not None:
        raise PcibackError(
            f"pcibackd still runs after its service was stopped, as process {after.pid}{problem and ': '}{problem}",
            remedy=f"end it with 'kill {after.pid}', and run again",
        )
    service.disable()
    if status is None or not status.idle:
        return ()
    return (
        f"nobody can give these devices back to dom0 before it reboots, pcibackd was ended: {', '.join(map(str, status.idle))}",
    )


def _unready(status: PcibackdStatus | None, source_sha256: str) -> str:
    """Why the pcibackd that runs is not the installed one; empty if it is."""
    if status is None:
        return "pcibackd does not run"
    if status.source_sha256 != source_sha256:
        return "the pcibackd that runs is not made of the installed one's sources"
    return ""


def _outdated(status: PcibackdStatus) -> str:
    return (
        "the pcibackd that runs is older than the installed one and was left running, because domains have devices of it: "
        f"{_numbers(status)}; a run when these guests are shut down replaces it, and so does a reboot"
    )


def _numbers(status: PcibackdStatus) -> str:
    return ", ".join(map(str, status.users))


def _await(run: Run, control: str, source_sha256: str, seconds: float) -> PcibackdStatus | None:
    """The pcibackd that runs once it had the time to start."""
    deadline = time.monotonic() + seconds
    while True:
        status = daemon_status(run, control)
        if not _unready(status, source_sha256) or time.monotonic() >= deadline:
            return status
        time.sleep(_LOOK)


def _not_started(status: PcibackdStatus | None, problem: str, logged: str) -> PcibackError:
    said = (
        " | ".join(filter(None, (problem, logged))) or "its service says that it was started, and the log has nothing"
    )
    if _KERNEL_BACKEND in said:
        remedy = "give back what the kernel's backend has with pciback_state: absent, or stay with it: pciback_backend: kernel"
    else:
        remedy = "see by hand what 'pcibackd --foreground' prints; with the cause gone, run again"
    if status is not None:
        return PcibackError(f"pcibackd was not replaced, process {status.pid} still runs: {said}", remedy=remedy)
    return PcibackError(f"pcibackd was installed, but does not run: {said}", remedy=remedy)
