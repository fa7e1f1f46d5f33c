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
  - Installs C(pcibackctl), the model of NetBSD's boot chain that predicts what a reboot will do, and, with O(daemon),
    C(pcibackd), the backend in userspace, as a service that starts with the host.
  - Sends the sources to the host, builds them there, runs C(make check-control) there and installs what was built.
    A host without a compiler gets files that the controller built with C(zig cc) (PyPI's C(ziglang));
    they are installed after C(pcibackctl selftest) succeeded on the host.
  - Records on the host which sources, compiler and flags the files were made of and what their digests are.
    Builds again only when one of these changed, or when an installed file is not the recorded one.
  - A C(pcibackd) that runs while domains have devices of it hands them over to the one that replaces it. One that is too
    old to do that is left running, with a warning. To remove it is refused meanwhile.
options:
  state:
    description:
      - V(present) installs it.
      - V(absent) removes the files that were installed, the record, and the directories that were made for them, if
        nothing else is in these. A file that was there before is put back. One that is not as it was installed is left
        as it is, with a warning. C(pcibackd) is ended before.
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
  daemon:
    description:
      - Whether C(pcibackd) is wanted, too. With V(true) it is installed with C(pcibackd-guests) and a service, which is
        enabled and started. With V(false) what was installed of it is ended and removed.
      - 'On NetBSD the service is C(/etc/rc.d/pcibackd), and C(/etc/rc.conf.d/pcibackd) enables it. That file is read after
        C(/etc/rc.conf), so C(pcibackd=NO) there does not count, which a warning says; C(pcibackd_flags) there does.'
      - Where systemd runs, it is C(/etc/systemd/system/pcibackd.service); elsewhere on Linux C(/etc/init.d/pcibackd),
        enabled with C(update-rc.d).
    type: bool
    default: false
    version_added: 0.2.0
  trial:
    description:
      - Whether C(pciback-trial) is wanted, too, by which a reboot can be a trial that undoes itself. It is installed as
        C(/sbin/pciback-trial), on NetBSD with the script C(/etc/rc.d/pciback_trial), on Linux with the unit
        C(pciback-trial.service), which is enabled. Without a trial it does nothing.
      - A Linux host without systemd has to have a script of its own in C(/etc/rcS.d) that starts it.
      - With V(false) what was installed of it stays, until O(state=absent) removes it with the rest.
    type: bool
    default: false
    version_added: 0.2.0
  start:
    description:
      - Whether C(pcibackd) is started, with O(daemon). With V(false) it is installed and enabled, and starts with the host, such as
        where the backend in NetBSD's kernel is up, beside which it can't be.
    type: bool
    default: true
    version_added: 0.2.0
  after_reboot:
    description:
      - Whether dom0 will have been rebooted, and so all guests will have ended, when this runs. Only check mode needs to know it,
        and what O(attachments.beside_native) kept goes without being shown then, because check mode can't foresee it.
      - With O(daemon) that boot has started C(pcibackd), which was prepared by O(start=false) with O(attachments.beside_kernel).
    type: bool
    default: false
    version_added: 0.2.0
  attachments:
    description:
      - What the host's start-up gives to guests when nobody is there, as M(xen.pciback.plan) gives it. It
        is recorded when all else is as it is wanted. Without this option the record stays as it is; with V(absent) as
        O(state) it goes, and without O(daemon) what C(pcibackd) would give goes.
    type: dict
    version_added: 0.2.0
    suboptions:
      backend:
        description:
          - What gives the devices. With V(kernel), that of NetBSD's kernel, C(/etc/rc.d/pciback_guests) gives devices to guests.
            O(daemon) is left out then. A C(pcibackd) that is installed stays, because this is recorded before the reboot
            after which it is not needed.
        type: str
        choices: [kernel, native]
        default: native
      beside_native:
        description:
          - With V(kernel), whether what C(pcibackd) gives stays recorded beside it. A host that starts gives what is recorded for
            the backend that is up then.
        type: bool
        default: false
        version_added: 0.2.0
      beside_kernel:
        description: The same with V(native) for what the backend in NetBSD's kernel gives.
        type: bool
        default: false
        version_added: 0.2.0
      devices:
        description: The devices that C(pcibackd) takes from dom0, or that guests get of the kernel, each as C(pcibackctl take) reads it.
        type: list
        elements: str
        default: []
      guests:
        description: The guests that get devices when the host starts them.
        type: list
        elements: dict
        default: []
        suboptions:
          name:
            description: The guest's name.
            type: str
            required: true
          config:
            description: Its xl configuration file.
            type: path
            required: true
          devices:
            description: Its devices, each as C(pcibackctl attach) reads it.
            type: list
            elements: str
            required: true
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
  - xen.pciback.attributes.action_group
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
  - Needs root, because it installs into O(prefix), and O(state_directory) is root's; in check mode too, because not
    everybody may read what O(state_directory) holds.
"""

EXAMPLES = r"""
- name: Install the native component
  xen.pciback.native_backend:

- name: Install it on a host without a compiler whose system zig can't be told by uname
  xen.pciback.native_backend:
    method: cross
    target: x86_64-netbsd

- name: Install it with pcibackd, and let that serve guests
  xen.pciback.native_backend:
    daemon: true

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
  description: Why it was installed or started, empty if all was up to date.
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
outdated:
  description:
    - Why the C(pcibackd) that runs is still an older one than the installed one, empty if it is not. One that can hand over
      its guests is replaced under them.
    - The host counts as up to date meanwhile. A later run replaces it when no domain has devices of it.
  type: str
  returned: when O(daemon=true)
  sample: ''
removed:
  description: The paths of the files and directories that were removed, or put back as they were before.
  type: list
  elements: str
  returned: when O(state=absent)
  sample: ["/usr/local/sbin/pcibackctl"]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.xen.pciback.plugins.module_utils.arguments import (
    ATTACHMENTS,
    absolute_path,
    open_state_directory,
    state_directory_options,
)
from ansible_collections.xen.pciback.plugins.module_utils.engines.native_component import (
    AUTO,
    METHODS,
    NativeRequest,
    bring,
    remove,
)
from ansible_collections.xen.pciback.plugins.module_utils.engines.native_inspect import PREFIX
from ansible_collections.xen.pciback.plugins.module_utils.engines.start_up import wanted_start_up, with_start_up
from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.host.commands import run
from ansible_collections.xen.pciback.plugins.module_utils.host.privileges import require_root
from ansible_collections.xen.pciback.plugins.module_utils.host.state_directory import NATIVE
from ansible_collections.xen.pciback.plugins.module_utils.planning.backend import KERNEL

SWITCHES = ("daemon", "start", "trial", "after_reboot")


def main() -> None:
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "prefix": {"type": "path", "default": PREFIX},
            "method": {"type": "str", "choices": list(METHODS), "default": AUTO},
            "cflags": {"type": "str"},
            **{key: {"type": "bool", "default": key == "start"} for key in SWITCHES},
            "attachments": ATTACHMENTS,
            **{key: {"type": "str"} for key in ("target", "source_sha256")},
            "archive": {"type": "path"},
            "archive_compiler": {"type": "str", "default": ""},
            **state_directory_options("record", "originals", "lock"),
        },
        supports_check_mode=True,
    )
    params = module.params
    who = f"module {module._name}"
    try:
        require_root()
        state = open_state_directory(module, record=NATIVE)
        if params["state"] == "absent":
            outcome = remove(run, state, who=who, check_mode=module.check_mode)
        elif not params["source_sha256"]:
            raise PcibackError(
                "source_sha256 is missing: call this module as xen.pciback.native_backend, not on its own"
            )
        else:
            request = NativeRequest(
                prefix=absolute_path(params["prefix"], "prefix"),
                source_sha256=params["source_sha256"],
                method=params["method"],
                target=params["target"] or None,
                flags=params["cflags"] or "",
                **{key: params[key] for key in SWITCHES},
                keeps_daemon=(params["attachments"] or {}).get("backend") == KERNEL,
                archive=params["archive"] or None,
                archive_compiler=params["archive_compiler"],
                scratch=module.tmpdir,
                who=who,
                check_mode=module.check_mode,
            )
            outcome = bring(run, module.get_bin_path, state, request)
        # What was recorded before the reboot, check mode can't see.
        daemon = params["daemon"] or (module.check_mode and params["after_reboot"])
        start_up = wanted_start_up(params["attachments"], state, state_wanted=params["state"], daemon=daemon)
        how = {"check_mode": module.check_mode, "after_reboot": params["after_reboot"]}
        outcome = with_start_up(outcome, state, start_up, who=who, **how)
    except PcibackError as error:
        module.fail_json(msg=str(error), remedy=error.remedy)
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}", remedy="run as root")
    for warning in outcome.warnings:
        module.warn(warning)
    module.exit_json(**outcome.values)


if __name__ == "__main__":
    main()
