# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action group: what a play gives to the modules that keep records reaches each of them."""

from __future__ import annotations

import yaml

from tests.conftest import ROOT, Dom0

GROUP = "xen.pciback.pciback"
# The least that each module is asked.
ARGUMENTS = {
    "assignable": {"devices": [{"address": "00:05.0"}]},
    "boot_hide": {"devices": ["00:05.0"]},
    "device_info": {},
    "domain": {"domains": [{"name": "firewall", "state": "stopped"}]},
    "domain_pci": {"domains": [{"config": "/usr/pkg/etc/xen/firewall", "devices": []}]},
    "native_backend": {},
    "plan": {},
}


def test_the_group_has_all_modules_that_keep_records() -> None:
    group = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["action_groups"]
    sources = {path.stem: path.read_text() for path in sorted((ROOT / "plugins/modules").glob("*.py"))}
    members = [name for name, source in sources.items() if "state_directory_options(" in source]
    assert group == {"pciback": members} and sorted(ARGUMENTS) == members
    assert members == [name for name, source in sources.items() if "xen.pciback.attributes.action_group\n" in source]


def test_a_default_of_the_group_reaches_every_module(dom0: Dom0) -> None:
    play = {
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {f"group/{GROUP}": {"state_directory": "nowhere"}},
        "tasks": [
            {f"xen.pciback.{module}": arguments, "ignore_errors": True} for module, arguments in ARGUMENTS.items()
        ],
    }
    playbook = dom0.workspace / "group.yml"
    playbook.write_text(yaml.safe_dump([play]))
    run = dom0.create().playbook(playbook=str(playbook))
    assert run.failures() == ["option 'state_directory' is 'nowhere', and has to be an absolute path"] * len(ARGUMENTS)
