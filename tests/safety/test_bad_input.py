# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input through the whole role: one clear sentence, and not one file of the host changed."""

from __future__ import annotations

import json

import pytest

from tests.conftest import Dom0, run_playbook
from tests.depth import sampled, tried

XEN = b"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M\n"
FIREWALL = "/usr/pkg/etc/xen/firewall"


def devices(*wanted):
    return {"pciback_guests": [{"name": "firewall", "config": FIREWALL, "devices": list(wanted)}]}


ONE = devices({"address": "00:05.0"})

# All that is wrong is said at once.
BAD_ADDRESSES = {
    "(0000:82.0.0)": "'(0000:82.0.0)' is not a PCI address: leave out the parentheses",
    "(0b::00.1)": "'(0b::00.1)' is not a PCI address",
    "(1:0:1:0:)": "'(1:0:1:0:)' is not a PCI address",
    "00:10:0": "which is decimal; if it was copied from there, the address is '00:0a.0'",
    "00:20.0": "device 20 is above 1f",
    "00:05.8": "function 8 is above 7",
    "100:05.0": "bus 100 is above ff",
    "0001:00:05.0": "in domain 0000 only",
}
BAD_VARIABLES = {
    "absent": (
        devices({"address": "00:1f.0"}),
        "no-such-device: guest firewall: no device matches address 0000:00:1f.0",
    ),
    "two match": (devices({"id": "8086:100e"}), "ambiguous-selector: guest firewall: 6 devices match id 8086:100e"),
    "two guests": (
        {
            "pciback_guests": [
                {"name": "firewall", "config": FIREWALL, "devices": [{"address": "00:05.0"}]},
                {"name": "storage", "config": "/usr/pkg/etc/xen/storage", "devices": [{"driver": "re0"}]},
            ]
        },
        "is wanted by guest firewall and by guest storage; a device belongs to one guest",
    ),
    "bridge": (devices({"address": "00:01.0"}), "bridge: 00:01.0 (pcictl 000:01:0)"),
    "too many": (
        {"pciback_extra_devices": [{"class": "ethernet", "all": True}, {"class": "vga"}, {"class": "0101"}]},
        "list-too-long",
    ),
    # YAML's 0x0c, which looks like class 12, and 010, which is slot 16 where xl reads 10.
    "class without quotes": (
        devices({"class": 0x0C}),
        "guest firewall: '12' is not a class but a number, which YAML makes of 0014 and of 0x0c without quotes; it is two",
    ),
    "vslot without quotes": (
        devices({"address": "00:05.0", "vslot": 0o10}),
        "domain-config-invalid: vslot 8 of 00:05.0 is a number, which YAML makes of 8, 010 and 0x8 without quotes",
    ),
    "three times": (
        devices({"address": "00:05.0"}, {"driver": "re0"}, {"driver": "re"}),
        "is wanted 3 times by guest firewall; once is enough",
    ),
    "no criterion": (devices({"permissive": True}), "a device needs at least one of address, id"),
    "guest file missing": (
        {"pciback_guests": [{"name": "mail", "config": "/usr/pkg/etc/xen/mail", "devices": []}]},
        "domain-config-invalid: /usr/pkg/etc/xen/mail: it does not exist",
    ),
    "unknown variable": (
        {"pciback_guest": devices({"address": "00:05.0"})["pciback_guests"]},
        "inventory-invalid: the role has no variable 'pciback_guest', and names that begin with 'pciback_' are the role's; "
        "the nearest right name is 'pciback_guests'. What helps: correct it in the inventory.",
    ),
    "unknown variable and unknown device": (
        {**devices({"address": "00:1f.0"}), "pciback_rebot": "when_needed"},
        "inventory-invalid: the role has no variable 'pciback_rebot'",
    ),
    "numbers out of their ranges": (
        {**ONE, "pciback_reboot_timeout": 0, "pciback_guest_timeout": -1},
        "inventory-invalid: 'pciback_reboot_timeout' is 0, and has to be from 5 to 86400 seconds.",
    ),
    "override of a device without its address": (
        {**ONE, "pciback_allow": [{"code": "bridge"}]},
        "allow: 'bridge' is about one device; say which one with 'address'",
    ),
    "override of a host with an address": (
        {**ONE, "pciback_allow": [{"code": "nothing-wanted", "address": "00:05.0"}]},
        "allow: 'nothing-wanted' is about the whole host; leave out 'address'",
    ),
    "unknown entry": ({**ONE, "pciback_boot_entries": ["Linux"]}, "boot-config-invalid"),
}


# What the inventory says, what selectors mean on the host, and what its files hold.
IN_A_SAMPLE = ("absent", "class without quotes", "no criterion", "too many", "unknown variable", "unknown entry")


def assert_refused(run, sentence, before, host):
    assert run.status == 2, run.output
    (message,) = run.failures()
    assert sentence in message
    assert "Traceback" not in run.output
    assert run.changed() == []
    assert host.files() == before


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """One run of the cases, each under a name of its own of the same host, and that host with its files before."""
    workspace = tmp_path_factory.mktemp("safety")
    host = Dom0(workspace / "dom0", workspace).create()
    cases = {name: BAD_VARIABLES[name][0] for name in tried(BAD_VARIABLES, *IN_A_SAMPLE)}
    cases["addresses"] = devices(*({"address": address} for address in BAD_ADDRESSES))
    names = {name: name.replace(" ", "-") for name in cases}
    hosts = {
        names[name]: host.variables({"pciback_reboot": "when_needed", **variables}) for name, variables in cases.items()
    }
    before = host.files()
    run = run_playbook(workspace, hosts)
    return {name: run.of(names[name]) for name in cases}, before, host


@pytest.mark.parametrize("case", sampled(BAD_VARIABLES, *IN_A_SAMPLE))
def test_bad_variables(refused, case):
    runs, before, host = refused
    assert_refused(runs[case], BAD_VARIABLES[case][1], before, host)


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_bad_addresses(refused, address):
    runs, before, host = refused
    assert_refused(runs["addresses"], BAD_ADDRESSES[address], before, host)


BAD_BOOT_CONFIGS = {
    "over 32768 bytes": (XEN + b"# padding\n" * 3300, "the loader ignores a boot.cfg of more than 32768"),
    "no Xen": (b"menu=NetBSD:boot /netbsd\n", "boot-config-invalid: /boot.cfg"),
    "list that faults the kernel": (
        XEN + b"menu=Old:load /netbsd-XEN3_DOM0.gz pciback.hide=(junk);multiboot /xen.gz dom0_mem=1G\n",
        "boot-config-invalid: /boot.cfg, line 2",
    ),
    "CR at the end of the list": (
        b"menu=Xen:load /netbsd-XEN3_DOM0.gz bootdev=wd0 console=com0 quiet more=1 and=this;"
        b"multiboot /xen.gz dom0_mem=512M\r\ndefault=1\r\n",
        "boot-config-invalid: /boot.cfg, line 1",
    ),
}


@pytest.mark.parametrize("case", sampled(BAD_BOOT_CONFIGS, "list that faults the kernel"))
def test_bad_boot_configurations(dom0, case):
    data, sentence = BAD_BOOT_CONFIGS[case]
    host = dom0.create()
    (host.root / "boot.cfg").write_bytes(data)
    before = host.files()
    assert_refused(host.playbook({**ONE, "pciback_reboot": "when_needed"}), sentence, before, host)


@pytest.mark.parametrize("kind", sampled(["missing", "directory", "symbolic link"], "symbolic link"))
def test_boot_configuration_that_is_no_file(dom0, kind):
    host = dom0.create()
    path = host.root / "boot.cfg"
    path.unlink()
    if kind == "directory":
        path.mkdir()
    elif kind == "symbolic link":
        path.symlink_to("/etc/boot.cfg")
    sentence = {
        "missing": "it does not exist",
        "directory": "it is a directory",
        "symbolic link": "it is a symbolic link",
    }
    before = host.files()
    assert_refused(host.playbook(ONE), f"boot-config-invalid: /boot.cfg: {sentence[kind]}", before, host)


BAD_GUEST_FILES = {
    "no value": (b"memory = \n", ", column 10"),
    "no list": (b"pci = '00:05.0'\n", ""),
    "no address": (b"pci = [ '00:05' ]\n", ""),
}


@pytest.mark.parametrize("case", sampled(BAD_GUEST_FILES, "no address"))
def test_bad_guest_files(dom0, case):
    line, column = BAD_GUEST_FILES[case]
    text, sentence = b"name = 'firewall'\n" + line, f"domain-config-invalid: {FIREWALL}, line 2{column}"
    host = dom0.create()
    (host.root / FIREWALL.lstrip("/")).write_bytes(text)
    before = host.files()
    assert_refused(host.playbook(ONE), sentence, before, host)


def test_neither_compiler_nor_ziglang(dom0, tmp_path):
    host = dom0.create("--no-compiler")
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'ziglang' else find(name, *rest)\n"
    )
    before = host.files()
    run = host.playbook(ONE, environment={"PYTHONPATH": str(hidden)})
    assert run.status == 2, run.output
    assert run.failures() == ["the native component is to be built on the controller, which has no zig for that"]
    assert "pip install ziglang" in run.output
    assert host.files() == before


def test_a_kernel_that_is_not_there_is_no_reason_to_reboot(dom0, native):
    host = dom0.create().borrow_native(native)
    (host.root / "netbsd-XEN3_DOM0.gz").unlink()
    before = (host.root / "boot.cfg").read_bytes()
    run = host.playbook({**ONE, "pciback_reboot": "when_needed"})
    assert run.status == 2, run.output
    message = run.failures()[-1]
    assert "line 1, column 25: the loader can't open this file" in message and "nothing was changed" in message
    assert (host.root / "boot.cfg").read_bytes() == before


@pytest.mark.soak(instead="test_a_kernel_that_is_not_there_is_no_reason_to_reboot")
def test_a_kernel_that_vanished_after_the_file_was_written_keeps_the_host_up(dom0, native):
    host = dom0.create().borrow_native(native)
    wanted = {**ONE, "pciback_reboot": "when_needed"}
    assert host.playbook({**wanted, "pciback_reboot": "never"}).status == 0
    (host.root / "netbsd-XEN3_DOM0.gz").unlink()
    run = host.playbook(wanted)
    assert run.status == 2, run.output
    assert run.failures()[0].count("prediction-mismatch: ") == 1
    assert host.command("/usr/bin/true").returncode == 0


def test_a_host_that_refuses_to_reboot_is_not_said_to_be_away(dom0, native):
    host = dom0.create().borrow_native(native)
    shutdown = host.root / "sbin/shutdown"
    shutdown.unlink()
    shutdown.write_text("#!/bin/sh\necho 'shutdown: not now' >&2\nexit 1\n")
    shutdown.chmod(0o755)
    run = host.playbook({**ONE, "pciback_reboot": "when_needed"})
    assert run.status == 2, run.output
    message = run.failures()[-1]
    assert "dom0 was not rebooted: " in message and "shutdown: not now" in message
    assert "did not come back" not in run.output


@pytest.mark.soak(instead="tests/unit/host/test_toolstack.py::test_a_guest_that_has_not_connected_does_not_end")
def test_a_guest_that_never_connects_is_neither_shut_down_nor_destroyed(dom0, native):
    """dom0's kernel would panic; that a guest can cost this is said before the first one starts."""
    host = dom0.create("--no-frontend", "firewall").borrow_native(native)
    run = host.playbook({**ONE, "pciback_reboot": "when_needed"})
    assert run.status == 0, run.output
    assert "if firewall ends before its PCI frontend has connected, as with a wrong kernel or initrd" in run.output
    before = json.loads((host.directory / "machine/state.json").read_text())
    (wanted,) = ONE["pciback_guests"]
    run = host.playbook({"pciback_guests": [{**wanted, "state": "stopped"}]})
    assert run.status == 2, run.output
    assert "guest firewall has not connected to its devices, and dom0's kernel panics" in run.failures()[-1]
    after = json.loads((host.directory / "machine/state.json").read_text())
    assert (after["boot"], after["domains"]) == (before["boot"], before["domains"])
