# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Builds the native component on a host, or checks what was built for it elsewhere."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.engines.native_inspect import TOOL_DIRECTORIES, FindProgram
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import Run

# What uname(1) prints of systems that zig builds for, and zig's words for them.
_ZIG_MACHINES = (("amd64", "x86_64"), ("x86_64", "x86_64"), ("i386", "x86"), ("i686", "x86"), ("aarch64", "aarch64"))
_ZIG_TARGETS = {
    f"{system} {machine}": f"{zig_machine}-{zig_system}"
    for system, zig_system in (("NetBSD", "netbsd"), ("Linux", "linux-musl"))
    for machine, zig_machine in _ZIG_MACHINES
}
# What zig links with musl is static: it runs on every Linux, and loads no library, while pcibackd has to load Xen's.
_STATIC = "-musl"
_DYNAMIC = "-gnu.2.28"


def targets(*, daemon: bool, trial: bool) -> list[str]:
    """What make is to build.

    :param daemon: also pcibackd
    :param trial: also pciback-trial
    """
    return ["control", *(["build/pcibackd"] if daemon else []), *(["build/pciback-trial"] if trial else [])]


def installs(*, trial: bool) -> list[str]:
    """What make is to install of all that was built; of what starts pciback-trial the host takes its own."""
    return ["install", *(["install-trial", "install-trial-linux"] if trial else [])]


def find_make(find: FindProgram) -> str | None:
    """The host's make."""
    return find("make", opt_dirs=TOOL_DIRECTORIES)


def zig_target(run: Run, uname: str, *, daemon: bool) -> str:
    """The host's system in zig's words, for a build elsewhere.

    :param uname: path of uname(1)
    :param daemon: also for pcibackd
    :raises PcibackError: zig builds for no such system
    """
    _status, out, _err = run([uname, "-sm"])
    try:
        target = _ZIG_TARGETS[out.strip()]
    except KeyError:
        raise PcibackError(
            f"no build for '{out.strip()}' is known",
            remedy="name the system with target, as 'zig targets' lists it, or install a C compiler on the host",
        ) from None
    return target.replace(_STATIC, _DYNAMIC) if daemon else target


def check_target(target: str) -> None:
    """Make sure that pcibackd can be built for a system that its owner has named.

    :param target: in zig's words
    :raises PcibackError: it could not load Xen's libraries there
    """
    if target.endswith(_STATIC):
        raise PcibackError(
            f"a pcibackd that is built for {target} is static, and can't load Xen's libraries",
            remedy=f"name a target with glibc, such as {target.replace(_STATIC, _DYNAMIC)}, or none",
        )


def unpack(archive: str, directory: str) -> None:
    """Write the regular files of a tar archive below a directory; anything else in it is refused."""
    # Most who import this file unpack nothing, and a module call mostly waits for imports.
    import tarfile

    with tarfile.open(archive) as tar:
        for member in tar:
            parts = member.name.split("/")
            if not member.isfile() or member.name.startswith("/") or ".." in parts:
                raise PcibackError(f"the archive holds '{member.name}', which is not a plain file below it")
            content = tar.extractfile(member)
            if content is None:
                raise PcibackError(f"'{member.name}' can't be read from the archive")
            target = os.path.join(directory, *parts)
            os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
            with open(target, "xb") as file:
                file.write(content.read())
            os.chmod(target, member.mode & 0o755)


def build(
    run: Run,
    sources: str,
    stage: str,
    *,
    prefix: str,
    make: str,
    daemon: bool,
    variables: Mapping[str, str],
    trial: bool = False,
) -> None:
    """Build, check and stage the native component on this host.

    :param daemon: also pcibackd
    :param trial: also pciback-trial
    :param variables: make variables, such as CC and CFLAGS
    :raises PcibackError: a step failed; the message holds its last lines
    """
    settings = [f"{name}={value}" for name, value in sorted(variables.items())]
    for what, arguments in (
        ("build", targets(daemon=daemon, trial=trial)),
        ("check", ["check-control"]),
        ("install", [*installs(trial=trial), f"PREFIX={prefix}", f"DESTDIR={stage}"]),
    ):
        status, out, err = run([make, *arguments, *settings], cwd=sources)
        if status != 0:
            raise PcibackError(
                f"'make{' ' + arguments[0] if arguments else ''}' of the native component failed: {_tail(out, err)}",
                remedy=f"the step that failed is {what}; run it by hand in native/ to see all of its output",
            )


def selftest(run: Run, control: str, daemon: str | None = None) -> None:
    """Let pcibackctl check itself on this host, and see whether pcibackd can be run.

    :param daemon: path of pcibackd, ``None`` without
    :raises PcibackError: one can't run here, or pcibackctl disagrees with its own table
    """
    for command in ([control, "selftest"], *([[daemon, "--version"]] if daemon else [])):
        status, out, err = run(command)
        if status != 0:
            raise PcibackError(
                f"'{' '.join(command)}' failed with status {status}: {_tail(out, err)}",
                remedy="if it was built for another system, set pciback_native_target to this host's",
            )


def staged_files(stage: str) -> Mapping[str, bytes]:
    """What lies below the staging directory, by the path that it gets on the host."""
    found = {}
    for directory, _names, files in os.walk(stage):
        for name in files:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                found["/" + os.path.relpath(path, stage)] = file.read()
    return found


def _tail(out: str, err: str) -> str:
    lines = [line.strip() for line in (out + "\n" + err).splitlines() if line.strip()]
    return " | ".join(lines[-5:]) or "it said nothing"
