# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variable that arms a trial on Linux, and what a start of GRUB makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.address import parse_address
from ansible_collections.xen.pciback.plugins.module_utils.formats.grub_environment import read, with_variable
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot_files import Host, apply
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.boot_files import read as read_boot
from ansible_collections.xen.pciback.plugins.module_utils.host.linux.trial import LinuxTrials
from ansible_collections.xen.pciback.plugins.module_utils.host.trial import LINK, PROGRAM, STARTERS, UNIT
from tests.linux_dom0 import LinuxDom0

MENU = "/boot/grub/grub.cfg"
CARD, SECOND = parse_address("00:05.0"), parse_address("00:06.1")


@pytest.fixture
def dom0(tmp_path: Path) -> LinuxDom0:
    """A host that starts pciback-trial."""
    host = LinuxDom0(tmp_path)
    host.write_file("/dev/xen/privcmd", "")
    host.write_file("/etc/systemd/system/sysinit.target.wants/pciback-trial.service", "")
    host.write_file("/proc/stat", "cpu 1 2 3\nbtime 1795944000\n")
    return host


def trials(dom0: LinuxDom0) -> LinuxTrials:
    return LinuxTrials(dom0.run, root=str(dom0.root))


def hidden(dom0: LinuxDom0) -> list[str]:
    """What the running kernel's backend has."""
    return [address for address, driver in dom0.drivers().items() if driver == "pciback"]


def change(dom0: LinuxDom0, *addresses: str, on_trial: bool = False) -> None:
    records = str(dom0.root / "db")
    boot = read_boot(MENU, records, Host(str(dom0.root)), str(dom0.sys))
    wanted = [parse_address(each) for each in addresses]
    edit = boot.tries(wanted) if on_trial else boot.edit(wanted)
    assert (edit.reason == "the entries stay as they are while a list is tried") == on_trial
    apply(dom0.run, boot, edit, records, host=Host(str(dom0.root)))


def block(dom0: LinuxDom0) -> dict[str, str]:
    return dict(read(dom0.path("/boot/grub/grubenv").read_bytes()))


def test_a_list_is_tried_once(dom0: LinuxDom0) -> None:
    change(dom0, "00:05.0")
    dom0.reboot()
    assert hidden(dom0) == ["0000:00:05.0"]
    menu = dom0.path(MENU).read_bytes()
    change(dom0, "00:06.1", on_trial=True)
    # Until it is armed, nothing is tried.
    dom0.reboot()
    assert hidden(dom0) == ["0000:00:05.0"]
    assert not trials(dom0).is_armed()
    trials(dom0).arm()
    trials(dom0).arm()
    assert trials(dom0).is_armed()
    dom0.reboot()
    assert hidden(dom0) == ["0000:00:06.1"]
    assert block(dom0) == {"xen_pciback_trial": "tried"}
    assert "xen-pciback-trial.run" in dom0.path("/proc/cmdline").read_text()
    for _start in range(2):
        dom0.reboot()
        assert hidden(dom0) == ["0000:00:05.0"]
    # A plain edit takes it out of the menu.
    change(dom0, "00:05.0")
    trials(dom0).disarm()
    assert (dom0.path(MENU).read_bytes(), block(dom0)) == (menu, {})


def test_it_is_confirmed_and_written_plainly(dom0: LinuxDom0) -> None:
    change(dom0, "00:06.1", on_trial=True)
    trials(dom0).arm()
    dom0.reboot()
    # pciback-trial confirm.
    path = dom0.path("/boot/grub/grubenv")
    path.write_bytes(with_variable(path.read_bytes(), "xen_pciback_trial", "final"))
    for _start in range(2):
        dom0.reboot()
        assert hidden(dom0) == ["0000:00:06.1"]
    change(dom0, "00:06.1")
    dom0.reboot()
    assert hidden(dom0) == ["0000:00:06.1"]
    assert "xen-pciback-trial.run" not in dom0.path("/proc/cmdline").read_text()


def test_where_grub_does_not_write(dom0: LinuxDom0) -> None:
    change(dom0, "00:06.1", on_trial=True)
    trials(dom0).arm()
    dom0.grub_writes = False
    dom0.reboot()
    assert hidden(dom0) == []
    assert trials(dom0).is_armed()
    trials(dom0).disarm()
    trials(dom0).disarm()
    assert block(dom0) == {}


def test_a_menu_that_decides_later_is_not_used(dom0: LinuxDom0) -> None:
    dom0.write_file("/etc/grub.d/50_mine", "#!/bin/sh\necho 'default=0'\n", 0o755)
    before = dom0.tree()
    with pytest.raises(PcibackError) as error:
        change(dom0, "00:06.1", on_trial=True)
    assert "is no trial: it would not boot the entry for the trial" in error.value.message
    after = dom0.tree()
    assert after == before


def test_what_hinders_a_trial(dom0: LinuxDom0) -> None:
    host = trials(dom0)
    assert host.obstacle() is None
    assert host.boot_time() == 1795944000
    assert host.used_names() == ()

    def reason(code: str) -> str:
        found = host.obstacle()
        assert found is not None
        assert found.code == code
        return found.reason

    dom0.xen_has_watchdog = False
    assert "Xen gives dom0 no watchdog (Function not implemented), so nothing would undo a trial" in reason(
        "no-watchdog"
    )
    dom0.file_system = "btrfs"
    assert "in a file system of kind btrfs" in reason("grub-cannot-write")
    dom0.abstractions = "lvm"
    assert "lies on lvm, and GRUB writes on plain disks" in reason("grub-cannot-write")
    dom0.path("/usr/sbin/grub-probe").chmod(0o644)
    host = LinuxTrials(lambda _argv: (1, "", ""), root=str(dom0.root))
    assert "/usr/sbin/grub-probe does not tell in what /boot/grub/grubenv lies; it ended with 1" in reason(
        "no-environment-block"
    )
    dom0.path("/boot/grub/grubenv").write_bytes(b"x")
    assert "GRUB can't be told what to try: /boot/grub/grubenv: it is no environment block" in reason(
        "no-environment-block"
    )
    host = LinuxTrials(dom0.run, "/boot/efi/grubenv", str(dom0.root))
    assert "would be /boot/efi/grubenv, and pciback-trial writes only /boot/grub/grubenv or" in reason(
        "no-environment-block"
    )
    dom0.path("/etc/systemd/system/sysinit.target.wants/pciback-trial.service").unlink()
    assert "nothing starts pciback-trial with this host" in reason("no-start-up")
    dom0.path("/dev/xen/privcmd").unlink()
    assert "asked for through /dev/xen/privcmd, and this dom0 has none" in reason("no-watchdog")
    dom0.path("/proc/stat").unlink()
    assert host.boot_time() is None


def test_without_a_block(dom0: LinuxDom0) -> None:
    dom0.path("/boot/grub/grubenv").unlink()
    assert not trials(dom0).is_armed()
    trials(dom0).disarm()
    with pytest.raises(PcibackError):
        trials(dom0).arm()


# --- what starts the program


def test_systemd_starts_it(dom0: LinuxDom0) -> None:
    wants = dom0.path(LINK)
    wants.unlink()
    host = trials(dom0)
    assert (host.starts(), host.starter()) == (False, None)
    with pytest.raises(PcibackError, match="nothing starts pciback-trial with this host"):
        host.check_start()
    with pytest.raises(PcibackError, match="nothing starts pciback-trial with this host"):
        host.enable()
    dom0.path("/run/systemd/system").mkdir(parents=True)
    # What can be installed is no hindrance for who will do that.
    assert host.obstacle() is not None
    assert host.obstacle(may_install=True) is None
    host.check_start()
    staged = dict.fromkeys((PROGRAM, *STARTERS), b"")
    assert list(host.placed(staged)) == [PROGRAM, UNIT]
    told: list[str] = []

    def run(argv: list[str], cwd: str | None = None) -> tuple[int, str, str]:
        told.append(" ".join(argv))
        if argv[1] == "enable":
            wants.write_text("")
        return 0, "", ""

    host = LinuxTrials(run, root=str(dom0.root))
    host.enable()
    host.enable()
    host.disable()
    assert told == ["systemctl daemon-reload"] + [
        f"systemctl {how} pciback-trial.service" for how in ("enable", "disable")
    ]
    host = LinuxTrials(lambda _argv: (1, "", "Access denied\n"), root=str(dom0.root))
    with pytest.raises(PcibackError) as error:
        host.disable()
    assert str(error.value) == (
        "systemd does not do what its tool is told: 'systemctl disable pciback-trial.service' said Access denied"
    )


def test_a_script_of_its_owner_starts_it(dom0: LinuxDom0) -> None:
    dom0.path(LINK).unlink()
    dom0.write_file("/etc/rcS.d/S05pciback-trial", "")
    host = trials(dom0)
    host.check_start()
    host.enable()
    host.disable()
    assert host.starts()
    assert list(host.placed(dict.fromkeys((PROGRAM, *STARTERS), b""))) == [PROGRAM]
