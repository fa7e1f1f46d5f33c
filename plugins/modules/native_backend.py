#!/usr/bin/python
# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: native_backend
short_description: Builds, verifies and installs the native component on a host
version_added: 0.1.0
author:
  - xen.pciback contributors (@xen-pciback)
description:
  - Installs C(pcibackctl), the model of NetBSD's boot chain that predicts what a reboot will do.
  - Sends the sources to the host, builds them there, runs C(make check-control) there and installs what was built.
    A host without a compiler gets files that the controller built with C(zig cc) (PyPI's C(ziglang));
    they are installed after C(pcibackctl selftest) succeeded on the host.
  - Records on the host which sources, compiler and flags the files were made of and what their digests are.
    Builds again only when one of these changed, or when an installed file is not the recorded one.
options:
  state:
    description:
      - V(present) installs it.
      - V(absent) removes the files that were installed, the record, and the directories that were made for them, if
        nothing else is in these. A file that was there before is put back. One that is not as it was installed is left
        as it is, with a warning.
    type: str
    choices: [present, absent]
    default: present
  prefix:
    description: Where the files are installed.
    type: path
    default: /usr/local
  method:
    description:
      - Where it is built. V(auto) means on the host if it has a C compiler and make, else on the controller.
    type: str
    choices: [auto, host, cross]
    default: auto
  target:
    description:
      - The system that the controller builds for, as zig names it, such as V(x86_64-netbsd).
      - By default it follows from what C(uname) prints on the host.
    type: str
  cflags:
    description: Compiler flags instead of the makefile's own.
    type: str
  source_sha256:
    description: Digest of the sources; set by the action plugin.
    type: str
  archive:
    description: What the action plugin sent to the host; set by the action plugin.
    type: path
  archive_compiler:
    description: The compiler that made the files of O(archive), empty if it holds sources; set by the action plugin.
    type: str
    default: ''
extends_documentation_fragment:
  - xen.pciback.attributes
  - xen.pciback.state_directory
  - xen.pciback.state_directory.lock
  - xen.pciback.state_directory.native
  - xen.pciback.state_directory.originals
attributes:
  check_mode:
    support: full
  diff_mode:
    support: partial
    details: It shows which paths go, but no content, because it installs binary files.
notes:
  - Needs root, because it installs into O(prefix), and O(state_directory) is root's. In check mode it needs to read what
    O(state_directory) holds, and the installed files.
"""

EXAMPLES = r"""
- name: Install the native component
  xen.pciback.native_backend:

- name: Install it on a host without a compiler whose system zig can't be told by uname
  xen.pciback.native_backend:
    method: cross
    target: x86_64-netbsd

- name: Remove it
  xen.pciback.native_backend:
    state: absent
"""

RETURN = r"""
needs:
  description: What the host needs to be up to date. The action plugin answers it, so that a user sees V(nothing).
  type: str
  returned: success
  sample: nothing
reason:
  description: Why it was installed, empty if it was up to date.
  type: str
  returned: success
  sample: its sources have changed
method:
  description: Where the installed files were built, V(host) or V(cross).
  type: str
  returned: when installed
  sample: host
compiler:
  description: The compiler that built them.
  type: str
  returned: when installed
  sample: cc (nb3 20190319) 7.4.0
files:
  description: The installed files with their SHA-256 digests.
  type: dict
  returned: when installed
  sample: {"/usr/local/sbin/pcibackctl": "5f1c..."}
removed:
  description: The paths of the files and directories that were removed, or put back as they were before.
  type: list
  elements: str
  returned: when O(state=absent)
  sample: ["/usr/local/sbin/pcibackctl"]
"""

import os
import shutil
import tempfile
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    absolute_path,
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.engines import native_install
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.originals import NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import runner
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import CONTROL
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import NATIVE as RECORD
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import StateDirectory
from ansible_collections.xen.pciback.plugins.module_utils.planning.observed import NativeState

_ZIG_MACHINES = {"amd64": "x86_64", "x86_64": "x86_64", "i386": "x86", "i686": "x86", "aarch64": "aarch64"}
_ZIG_SYSTEMS = {"NetBSD": "netbsd", "Linux": "linux-musl"}


def find_tools(module: AnsibleModule) -> tuple[str | None, str | None]:
    """The host's compiler and make, ``None`` for what it does not have."""
    make = module.get_bin_path("make", opt_dirs=native_install.TOOL_DIRECTORIES)
    return native_install.find_compiler(module), make


def zig_target(module: AnsibleModule) -> str:
    """The host's system in zig's words."""
    if module.params["target"]:
        return str(module.params["target"])
    _status, out, _err = runner(module)([module.get_bin_path("uname", required=True), "-sm"])
    system, _blank, machine = out.strip().partition(" ")
    try:
        return f"{_ZIG_MACHINES[machine]}-{_ZIG_SYSTEMS[system]}"
    except KeyError:
        raise PcibackError(
            f"no build for '{out.strip()}' is known",
            remedy="name the system with target, as 'zig targets' lists it, or install a C compiler on the host",
        ) from None


def inspect(module: AnsibleModule, state: StateDirectory, compiler: str | None) -> NativeState:
    """Whether the host has what is wanted."""
    return native_install.inspect(
        state,
        prefix=module.params["prefix"],
        source_sha256=module.params["source_sha256"],
        compiler=native_install.compiler_version(runner(module), compiler),
        flags=module.params["cflags"] or "",
    )


def install(module: AnsibleModule, state: StateDirectory, compiler: str | None, make: str | None) -> dict[str, Any]:
    """Install what the archive holds: sources that are built here, or files that were built for this host."""
    params = module.params
    flags = params["cflags"] or None
    workspace = tempfile.mkdtemp(dir=module.tmpdir, prefix="native-")
    try:
        unpacked, stage = os.path.join(workspace, "unpacked"), os.path.join(workspace, "stage")
        native_install.unpack(params["archive"], unpacked)
        if params["archive_compiler"]:
            method, built_by, stage = "cross", params["archive_compiler"], unpacked
        else:
            method, built_by = "host", native_install.compiler_version(runner(module), compiler) or ""
            variables = {"CC": compiler or "", "SOURCE_SHA256": params["source_sha256"]}
            if flags is not None:
                variables["CFLAGS"] = flags
            native_install.build(
                runner(module), unpacked, stage, prefix=params["prefix"], make=make or "", variables=variables
            )
        control = os.path.join(params["prefix"], CONTROL)
        staged = os.path.join(stage, control.lstrip("/"))
        os.chmod(staged, 0o755)
        native_install.selftest(runner(module), staged)
        # Building takes minutes and changes nothing that another run reads.
        with state.lock(f"module {module._name}", check_mode=module.check_mode):
            if inspect(module, state, compiler).ready:
                # Another run was faster.
                return {"changed": False, "reason": ""}
            record, warnings = native_install.install(
                native_install.staged_files(stage),
                state,
                source_sha256=params["source_sha256"],
                method=method,
                compiler=built_by,
                flags=flags or "",
            )
    finally:
        shutil.rmtree(workspace, ignore_errors=True)
    for warning in warnings:
        module.warn(warning)
    return {"method": record.method, "compiler": record.compiler, "files": dict(record.files)}


def present(module: AnsibleModule, state: StateDirectory) -> dict[str, Any]:
    """Say what the host needs, or install what was sent."""
    params = module.params
    if not params["source_sha256"]:
        raise PcibackError("source_sha256 is missing: call this module as xen.pciback.native_backend, not on its own")
    compiler, make = find_tools(module)
    native = inspect(module, state, compiler)
    result: dict[str, Any] = {"changed": not native.ready, "reason": native.reason, "needs": "nothing"}
    if native.ready:
        return result
    if params["archive"]:
        result.update(install(module, state, compiler, make))
        return result
    on_host = params["method"] == "host" or (params["method"] == "auto" and compiler and make)
    if on_host and not (compiler and make):
        raise PcibackError(
            f"the host has no {'make' if compiler else 'C compiler'}",
            remedy="install it (NetBSD's comp set), or let method be auto, so that the controller builds",
        )
    if on_host:
        result["needs"] = "sources"
    else:
        result.update(needs="binaries", target=zig_target(module), prefix=params["prefix"])
    return result


def absent(module: AnsibleModule, state: StateDirectory) -> dict[str, Any]:
    """Remove what was recorded."""
    with state.lock(f"module {module._name}", check_mode=module.check_mode):
        originals = state.originals()
        removal = native_install.plan_removal(state, originals.originals)
        known = originals.originals
        recorded = bool(known.of_kind(NATIVE) or known.directories or (originals.exists and known.empty))
        if not module.check_mode:
            native_install.remove(state, originals)
    for warning in removal.warnings:
        module.warn(warning)
    listing = "".join(f"{path}\n" for path in removal.paths)
    return {
        "changed": bool(removal.paths or recorded),
        "needs": "nothing",
        "reason": "",
        "removed": list(removal.paths),
        "diff": [{"before": listing, "after": ""}] if listing else [],
    }


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "prefix": {"type": "path", "default": native_install.PREFIX},
            **state_directory_options("record", "originals", "lock"),
            "method": {"type": "str", "choices": ["auto", "host", "cross"], "default": "auto"},
            "target": {"type": "str"},
            "cflags": {"type": "str"},
            "source_sha256": {"type": "str"},
            "archive": {"type": "path"},
            "archive_compiler": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    try:
        module.params["prefix"] = absolute_path(module.params["prefix"], "prefix")
        state = open_state_directory(module, record=RECORD)
        result = present(module, state) if module.params["state"] == "present" else absent(module, state)
    except PcibackError as error:
        module.fail_json(msg=str(error), remedy=error.remedy)
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}", remedy="run as root")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
