# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A boot.cfg that loaders read in different ways: refused where that matters, and what the refusal says helps.

The machine's firmware boots with the loader that its /boot is, so that a mistake would lose it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Dom0, guest

XEN = b"menu=Xen:load /netbsd-XEN3_DOM0.gz;multiboot /xen.gz dom0_mem=512M\ntimeout=5\n"
WANTED = {"pciback_guests": [guest("firewall", {"address": "00:09.0"})], "pciback_reboot": "when_needed"}


def with_loader(host: Dom0, release: bytes) -> Dom0:
    """Install the boot loader of another release."""
    boot = host.root / "boot"
    program = boot.read_bytes()
    assert b"\x007.99.10\0" in program
    boot.unlink()
    boot.write_bytes(program.replace(b"\x007.99.10\0", b"\0" + release + b"\0"))
    return host


@pytest.fixture
def host(tmp_path: Path) -> Dom0:
    return Dom0(tmp_path / "dom0", tmp_path)


def test_a_seed_outside_the_menu(host: Dom0, native: Dom0) -> None:
    """NetBSD 11 loads it first, and Xen would take it for the kernel; that of 7.99 ignores the line."""
    boot_cfg = b"rndseed=/etc/group\n" + XEN
    host.create(boot_cfg=boot_cfg).borrow_native(native)
    with_loader(host, b"11.0")
    before = host.files()
    run = host.playbook(WANTED)
    assert run.status == 2
    (sentence,) = run.failures()
    assert (
        "boot-config-invalid: /boot.cfg, line 1, column 1: loaders that know 'rndseed=' load this file before all "
        "others, so that Xen takes it for the dom0 kernel; put 'rndseed FILE' behind load in the entries that are to "
        "have it"
    ) in " ".join(sentence.split())
    assert host.files() == before

    (host.root / "boot.cfg").write_bytes(XEN.replace(b"DOM0.gz;", b"DOM0.gz;rndseed /etc/group;"))
    run = host.playbook(WANTED)
    assert run.status == 0, run.output
    assert (host.root / "kern/xen/pci/0000:00:09.0").exists()


@pytest.mark.soak(instead="test_a_seed_outside_the_menu")
def test_a_key_that_begins_with_load(host: Dom0, native: Dom0) -> None:
    """The loader of 7.99 takes it for load=; where /boot does not tell its release, it is refused."""
    host.create(
        boot_cfg=b"load =/netbsd-XEN3_DOM0.gz\nmenu=Xen:multiboot /xen.gz dom0_mem=512M\ntimeout=5\n"
    ).borrow_native(native)
    program = (host.root / "boot").read_bytes()
    with_loader(host, b"unknown")
    run = host.playbook(WANTED)
    assert run.status == 2
    assert (
        "boot-config-invalid: /boot.cfg, line 1, column 1: loaders before NetBSD 10 take 'load =' for 'load=', newer "
        "ones ignore it, and which one this host has is not known; write 'load=', which all of them read, or delete "
        "the line"
    ) in " ".join("".join(run.failures()).split())

    (host.root / "boot").write_bytes(program)
    run = host.playbook(WANTED)
    assert run.status == 0, run.output
    assert (host.root / "kern/xen/pci/0000:00:09.0").exists()
    assert (host.root / "boot.cfg").read_bytes().startswith(b"load =/netbsd-XEN3_DOM0.gz pciback.hide=(00:09.0)\n")
