# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine's hardware, and QEMU's command line for it. Pure: nothing is started here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MEMORY_MIB = 2048
PROCESSORS = 2
# Emulated; without what Xen and Linux would only lose time with. dom0 waits for random numbers where rdrand has none.
PROCESSOR = "qemu64,+ssse3,+sse4.1,+sse4.2,+rdrand,-svm"
# A boot fills 160 MiB of it. When it is full QEMU forgets all of it, and everything is translated anew.
TRANSLATION_CACHE_MIB = 1024
MAC_PREFIX = "52:54:00:12:34"
MANAGEMENT_NETWORK = 2


@dataclass(frozen=True)
class Card:
    """A network card and the network behind it: QEMU's own, of one peer, without a way out.

    :param number: the last byte of the Ethernet address, and the third of the network's: 10.0.number.0/24, in which
        10.0.number.2 answers.
    :param slot: device and function on bus 0, as QEMU's ``addr`` has them.
    """

    model: str
    number: int
    slot: str
    multifunction: bool = False

    @property
    def mac(self) -> str:
        """The card's Ethernet address."""
        return f"{MAC_PREFIX}:{self.number:02x}"


MANAGEMENT = Card("virtio-net-pci", MANAGEMENT_NETWORK, "03.0")
CARDS = (
    Card("e1000", 0x10, "05.0"),
    Card("e1000", 0x11, "09.0"),
    Card("e1000e", 0x12, "07.0"),
    Card("rtl8139", 0x13, "06.0", multifunction=True),
    Card("e1000", 0x14, "06.1"),
)
BOOT_DISK_SLOT = "02.0"
ROOT_PORT_SLOT = "08.0"
NVME_BEGINS = b"xen-lab-nvme"
NVME_SIZE = 16 << 20


@dataclass(frozen=True)
class Files:
    """Where a machine keeps what belongs to it."""

    directory: Path

    @property
    def disk(self) -> Path:
        """The boot disk: what differs from the image."""
        return self.directory / "disk.qcow2"

    @property
    def nvme(self) -> Path:
        """What the NVMe controller holds."""
        return self.directory / "nvme.img"

    @property
    def serial(self) -> Path:
        """All that the first serial port has shown."""
        return self.directory / "serial.log"

    @property
    def pid(self) -> Path:
        """QEMU's process."""
        return self.directory / "qemu.pid"

    @property
    def ssh_config(self) -> Path:
        """ssh -F SSH_CONFIG xen-lab"""
        return self.directory / "ssh_config"


def command_line(files: Files, ssh_port: int, iommu: bool = True) -> list[str]:
    """QEMU's arguments: a Q35 board in software emulation that boots the disk's own GRUB.

    :param ssh_port: the port of 127.0.0.1 behind which dom0's sshd is.
    :param iommu: with an emulated VT-d and interrupt remapping; Xen passes nothing through without.
    """
    argv = ["qemu-system-x86_64", "-daemonize", "-nodefaults", "-no-user-config", "-display", "none"]
    argv += ["-machine", "q35", "-accel", f"tcg,thread=multi,tb-size={TRANSLATION_CACHE_MIB}", "-cpu", PROCESSOR]
    argv += ["-smp", str(PROCESSORS), "-m", str(MEMORY_MIB)]
    argv += ["-serial", f"file:{files.serial}", "-pidfile", str(files.pid)]
    if iommu:
        argv += ["-device", "intel-iommu,intremap=on"]
    argv += ["-drive", f"if=none,id=disk,file={files.disk},format=qcow2,cache=unsafe"]
    argv += ["-device", f"virtio-blk-pci,drive=disk,addr={BOOT_DISK_SLOT}"]
    argv += _network(MANAGEMENT, f",hostfwd=tcp:127.0.0.1:{ssh_port}-:22")
    for card in CARDS:
        argv += _network(card)
    argv += ["-device", f"pcie-root-port,id=root-port,addr={ROOT_PORT_SLOT},chassis=1,slot=1"]
    argv += ["-drive", f"if=none,id=nvme,file={files.nvme},format=raw,cache=unsafe"]
    argv += ["-device", "nvme,drive=nvme,bus=root-port,serial=xen-lab"]
    return argv


def _network(card: Card, forward: str = "") -> list[str]:
    name = f"net{card.number}"
    multifunction = ",multifunction=on" if card.multifunction else ""
    return [
        "-netdev",
        f"user,id={name},restrict=on,net=10.0.{card.number}.0/24{forward}",
        "-device",
        f"{card.model},netdev={name},mac={card.mac},addr={card.slot},romfile={multifunction}",
    ]


def ssh_config(identity: Path, known_hosts: Path, port: int) -> str:
    """An ssh configuration in which the machine is xen-lab, for ssh and for Ansible."""
    settings: Sequence[tuple[str, object]] = (
        ("HostName", "127.0.0.1"),
        ("Port", port),
        ("User", "root"),
        ("IdentityFile", f'"{identity}"'),
        ("IdentitiesOnly", "yes"),
        ("HostKeyAlias", "xen-lab"),
        ("UserKnownHostsFile", f'"{known_hosts}"'),
        ("StrictHostKeyChecking", "yes"),
        ("PreferredAuthentications", "publickey"),
        ("LogLevel", "ERROR"),
        # QEMU keeps its end of a connection over a reset of the machine, and what is asked then is never answered: a
        # question to the next boot ends it. Xen itself may stop the machine for a minute.
        ("ServerAliveInterval", 30),
        ("ServerAliveCountMax", 10),
    )
    return "Host xen-lab\n" + "".join(f"    {name} {value}\n" for name, value in settings)
