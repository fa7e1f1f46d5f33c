# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the native component on the controller for another system."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Mapping

from ansible_collections.xen.pciback.plugins.module_utils.engines.native_build import installs, targets
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import run
from ansible_collections.xen.pciback.plugins.plugin_utils.native_sources import read_sources, source_digest

_HOST_BUILDS = "or let the host build: a C compiler and make there (NetBSD's comp set), and method 'auto' or 'host'"


def cross_build(
    sources: Mapping[str, bytes],
    *,
    target: str,
    prefix: str,
    flags: str,
    daemon: bool,
    workspace: str,
    trial: bool = False,
) -> tuple[Mapping[str, bytes], str]:
    """Build the native component on the controller for another system, with zig's C compiler.

    :param target: zig's name of the system, such as x86_64-netbsd
    :param daemon: also pcibackd
    :param trial: also pciback-trial
    :param workspace: an empty directory of the controller to build in
    :returns: the files by their path on the host without the leading slash, and the compiler's name and version
    :raises PcibackError: no zig on the controller, or the build failed or took too long
    """
    compiler = [sys.executable, "-m", "ziglang"] if importlib.util.find_spec("ziglang") else [shutil.which("zig") or ""]
    if not compiler[0]:
        # Why the host doesn't build, it knows itself: it can't, or was told not to.
        raise PcibackError(
            "the native component is to be built on the controller, which has no zig for that",
            remedy=f"run 'pip install ziglang' beside ansible-core on the controller; {_HOST_BUILDS}",
        )
    make = shutil.which("make") or shutil.which("bmake")
    if make is None:
        raise PcibackError(
            "the native component is to be built on the controller, which has no make for that",
            remedy=f"install make on the controller; {_HOST_BUILDS}",
        )
    tree, stage = os.path.join(workspace, "native"), os.path.join(workspace, "stage")
    for path, data in sources.items():
        os.makedirs(os.path.dirname(os.path.join(tree, path)), exist_ok=True)
        with open(os.path.join(tree, path), "wb") as file:
            file.write(data)
        os.chmod(os.path.join(tree, path), 0o755 if path.endswith(".sh") else 0o644)
    settings = [f"CC={' '.join(compiler)} cc -target {target}", f"SOURCE_SHA256={source_digest(sources)}"]
    if flags:
        settings.append(f"CFLAGS={flags}")
    at_once = f"-j{os.cpu_count() or 1}"
    staging = [f"PREFIX={prefix}", f"DESTDIR={stage}"]
    for arguments in ([at_once, *targets(daemon=daemon, trial=trial)], [*installs(trial=trial), *staging]):
        status, out, err = run([make, "-C", tree, *settings, *arguments])
        if status != 0:
            tail = " | ".join((out + err).strip().splitlines()[-5:])
            raise PcibackError(f"building for {target} on the controller failed: {tail}")
    _status, version, _err = run([*compiler, "version"])
    return read_sources(stage), f"zig {version.strip()} -target {target}"
