# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection plugin, through Ansible itself."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.depth import sampled
from tests.unit.lab.conftest import REPOSITORY, Host

REBOOT = {"boot_time_command": "/sbin/sysctl kern.boottime", "reboot_command": "/sbin/shutdown -r now"}


class Ansible:
    """Ad-hoc commands against one embedded dom0."""

    def __init__(self, folder: Path, host: Host) -> None:
        collections = folder / "collections" / "ansible_collections" / "xen"
        collections.mkdir(parents=True)
        (collections / "pciback").symlink_to(REPOSITORY)
        self.inventory = folder / "inventory.yml"
        variables = {"ansible_connection": "xen.pciback.lab", "ansible_lab_dom0": str(host.directory)}
        self.inventory.write_text(json.dumps({"all": {"hosts": {"dom0": variables}}}))
        (folder / "ansible.cfg").touch()
        self.environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(folder / "collections"),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
        }

    def __call__(self, module: str, *options: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
        """Run one module; how it went (CHANGED, SUCCESS, FAILED!, UNREACHABLE!), and its result."""
        words = [str(Path(sys.executable).parent / "ansible"), "dom0", "-i", str(self.inventory), "-m", module]
        words += ["-a", json.dumps(arguments)] if arguments else []
        done = subprocess.run([*words, *options], capture_output=True, text=True, check=False, env=self.environment)
        result = re.search(r"^dom0 \| (\S+) => (\{.*\})$", done.stdout, re.MULTILINE | re.DOTALL)
        if result:
            found: dict[str, Any] = json.loads(result.group(2))
            return result.group(1), found
        text = re.search(r"^dom0 \| (\S+) \| rc=\d+ >>\n(.*)", done.stdout, re.MULTILINE | re.DOTALL)
        assert text is not None, done.stdout + done.stderr
        return text.group(1), {"stdout": text.group(2), "stderr": done.stderr}


@pytest.fixture
def ansible(tmp_path: Path, host: Host) -> Ansible:
    host.create()
    return Ansible(tmp_path, host)


def test_command_runs_as_root_in_its_home_with_and_without_become(ansible: Ansible) -> None:
    for options in ([], ["--become"]):
        word, found = ansible("ansible.builtin.command", *options, argv=["/bin/sh", "-c", "id -u; pwd; uname"])
        assert (word, found["stdout"]) == ("CHANGED", "0\n/root\nNetBSD\n"), found


# Without it is Ansible's default, and Molecule's.
@pytest.mark.parametrize("pipelining", sampled(["True", "False"], "True"))
def test_modules_run_with_and_without_pipelining(pipelining: str, ansible: Ansible, host: Host) -> None:
    ansible.environment["ANSIBLE_PIPELINING"] = pipelining
    word, found = ansible("ansible.builtin.copy", content="one\n", dest="/etc/one", mode="0640")
    assert word == "CHANGED", found
    assert (host.root / "etc/one").read_text() == "one\n"
    word, found = ansible("ansible.builtin.copy", content="one\n", dest="/etc/one", mode="0640")
    assert word == "SUCCESS", found
    word, found = ansible("ansible.builtin.slurp", src="/boot.cfg")
    assert base64.b64decode(found["content"]) == (host.root / "boot.cfg").read_bytes()


def test_files_go_both_ways_byte_for_byte(tmp_path: Path, ansible: Ansible, host: Host) -> None:
    data = bytes(range(256)) * 300
    source = tmp_path / "a file"
    source.write_bytes(data)
    word, found = ansible("ansible.builtin.copy", src=str(source), dest="/tmp/there 'it' is")
    assert word == "CHANGED", found
    assert (host.root / "tmp/there 'it' is").read_bytes() == data
    back = tmp_path / "back"
    word, found = ansible("ansible.builtin.fetch", src="/tmp/there 'it' is", dest=str(back), flat=True)
    assert word == "CHANGED", found
    assert back.read_bytes() == data


def test_reboot_module_works_unchanged_and_takes_its_downtime(ansible: Ansible, host: Host) -> None:
    host.dom0("destroy")
    assert host.dom0("create", "--firmware", str(host.firmware), "--downtime", "2").returncode == 0
    boot_cfg = host.root / "boot.cfg"
    boot_cfg.write_text(boot_cfg.read_text().replace("console=xencons", "pciback.hide=(00:04.0)", 1))
    word, found = ansible("ansible.builtin.reboot", reboot_timeout=30, **REBOOT)
    assert (word, found["rebooted"]) == ("CHANGED", True), found
    assert found["elapsed"] >= 2
    assert host.claims() == ["0000:00:04.0"]
    assert host.status()["boot"] == 2


def test_reboot_module_without_its_parameters_fails_as_on_a_real_one(ansible: Ansible, host: Host) -> None:
    word, found = ansible("ansible.builtin.reboot", reboot_timeout=5, boot_time_command=REBOOT["boot_time_command"])
    assert word == "FAILED!"
    assert "shutdown: illegal time format" in found["msg"]
    assert host.status()["boot"] == 1


def test_machine_that_faulted_is_unreachable_and_the_message_says_where_to_look(ansible: Ansible, host: Host) -> None:
    boot_cfg = host.root / "boot.cfg"
    boot_cfg.write_text(boot_cfg.read_text().replace("console=xencons", "pciback.hide=()", 1))
    word, found = ansible("ansible.builtin.reboot", reboot_timeout=3, **REBOOT)
    assert word in ("FAILED!", "UNREACHABLE!"), found
    word, found = ansible("ansible.builtin.ping")
    assert word == "UNREACHABLE!"
    assert found["unreachable"] is True
    assert "no answer from the machine: the kernel faulted while it booted, and sits in its debugger" in found["msg"]
    assert f"{host.directory}/root/../machine/console.log" in found["msg"]


def test_directory_that_is_no_dom0_is_unreachable(tmp_path: Path, ansible: Ansible) -> None:
    word, found = ansible("ansible.builtin.ping", "-e", f"ansible_lab_dom0={tmp_path}/none")
    assert word == "UNREACHABLE!"
    assert f"{tmp_path}/none is not an embedded dom0; 'lab/dom0.py create' makes one" in found["msg"]


def test_missing_variable_is_named(ansible: Ansible) -> None:
    ansible.inventory.write_text(json.dumps({"all": {"hosts": {"dom0": {"ansible_connection": "xen.pciback.lab"}}}}))
    word, found = ansible("ansible.builtin.ping")
    assert word in ("UNREACHABLE!", "FAILED!")
    assert "ansible_lab_dom0" in json.dumps(found)


def test_command_that_ends_with_255_is_no_lost_connection(ansible: Ansible) -> None:
    word, found = ansible("ansible.builtin.raw", _raw_params="exit 255")
    assert word == "FAILED", found
