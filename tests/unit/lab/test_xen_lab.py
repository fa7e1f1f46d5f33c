# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Xen lab's pure parts: packages and cache key, disk layout, guests' modules and kernel, QEMU's arguments, progress."""

from __future__ import annotations

import lzma
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xen import hardware, progress
from xen.errors import LabError
from xen.image import disk, guest, kernel, packages

FILES = hardware.Files(Path("/lab/machine"))
SERIAL = """\
Loading Xen 4.17-amd64 ...
 Xen version 4.17.7 (Debian 4.17.7)
[    0.000000] Linux version 6.1.0
[   20.728072] Run /init as init process
INIT: version 3.06 booting
xen-lab login: """
TARGETS = """\
Origin: Debian
Component: main
Sourcesentry: /etc/apt/sources.list.d/debian.sources:1

Origin: Debian
Component: contrib
Sourcesentry: /etc/apt/sources.list.d/more.sources:1

Origin: Somebody
Component: main
Sourcesentry: /etc/apt/sources.list.d/other.list:3

Origin: Debian
Component: main
Sourcesentry: /etc/apt/sources.list:7
"""


def options(argv: list[str], name: str) -> list[str]:
    """What follows each occurrence of an option."""
    return [argv[number + 1] for number, each in enumerate(argv) if each == name]


def test_only_debians_main_archive_is_used() -> None:
    assert packages.debian_source_files(TARGETS) == [
        "/etc/apt/sources.list",
        "/etc/apt/sources.list.d/debian.sources",
    ]


def test_without_a_debian_archive_one_is_told() -> None:
    with pytest.raises(LabError, match="apt-get update on a Debian 12"):
        packages.debian_source_files("Origin: Somebody\nComponent: main\nSourcesentry: /etc/apt/a.list:1\n")


def test_versions_come_from_what_apt_shows() -> None:
    shown = "Package: b\nVersion: 2\nDescription: x\n y: z\n\nPackage: a\nVersion: 1:1-1\n\nPackage: c\nVersion: 3\n"
    assert packages.versions(shown, ["a", "b"]) == {"a": "1:1-1", "b": "2"}


def test_a_package_that_apt_does_not_know_is_named() -> None:
    with pytest.raises(LabError, match=r"apt does not know xen-utils-4\.17;"):
        packages.versions("Package: a\nVersion: 1\n", ["a", "xen-utils-4.17"])


def test_included_modules_prevail_over_what_is_left_out() -> None:
    listed = packages.dpkg_options()
    last_exclusion = max(number for number, each in enumerate(listed) if each.startswith("path-exclude="))
    first_inclusion = min(number for number, each in enumerate(listed) if each.startswith("path-include="))
    assert last_exclusion < first_inclusion


NAMES = st.text(min_size=1, max_size=4)


@given(
    st.dictionaries(NAMES, st.binary(max_size=4)), st.dictionaries(NAMES, NAMES), NAMES, st.binary(max_size=4), NAMES
)
def test_the_key_depends_on_all_and_only_on_that(
    files: dict[str, bytes], found: dict[str, str], name: str, content: bytes, version: str
) -> None:
    key = packages.cache_key(files, found)
    assert len(key) == 16
    assert key == packages.cache_key(dict(reversed(files.items())), dict(reversed(found.items())))
    if files.get(name) != content:
        assert key != packages.cache_key({**files, name: content}, found)
    if found.get(name) != version:
        assert key != packages.cache_key(files, {**found, name: version})


def test_the_key_covers_every_file_that_decides_what_is_built() -> None:
    covered = packages.lab_files(Path(packages.__file__).parent)
    assert {"root.py", "disk.py", "guest.py", "guest_init", "dom0/etc/default/grub"} <= set(covered)
    assert not any("__pycache__" in name for name in covered)


def test_the_first_sector_describes_one_partition_that_fills_the_disk() -> None:
    sector = disk.master_boot_record(b"\xeb\x63" + bytes(510), size=64 << 20)
    assert len(sector) == 512
    assert sector[:2] == b"\xeb\x63"
    assert sector[510:] == b"\x55\xaa"
    assert struct.unpack_from("<I", sector, 440) == (disk.DISK_SIGNATURE,)
    active, _first, kind, _last, start, sectors = struct.unpack_from("<B3sB3sII", sector, 446)
    assert (active, kind, start) == (0x80, 0x83, 2048)
    assert (start + sectors) * 512 == 64 << 20
    assert sector[462:510] == bytes(48)


def test_grubs_code_does_not_reach_the_partition_table() -> None:
    assert disk.master_boot_record(b"\xff" * 512)[440:446] == struct.pack("<IH", disk.DISK_SIGNATURE, 0)


def test_a_core_that_is_too_large_is_refused() -> None:
    disk.check_core_fits(bytes(2047 * 512))
    with pytest.raises(LabError, match="1048065 bytes"):
        disk.check_core_fits(bytes(2047 * 512 + 1))


def test_each_module_comes_after_what_it_needs() -> None:
    dependencies = "k/nvme.ko: k/nvme-core.ko k/crc.ko\nk/nvme-core.ko: k/crc.ko\nk/crc.ko:\nk/e1000.ko:\n"
    assert guest.load_order(["e1000", "nvme"], dependencies) == [
        "k/e1000.ko",
        "k/crc.ko",
        "k/nvme-core.ko",
        "k/nvme.ko",
    ]
    with pytest.raises(LabError, match="no module 8139cp"):
        guest.load_order(["8139cp"], dependencies)


def bz_image(payload: bytes) -> bytes:
    """A kernel image with two setup sectors and a payload 16 bytes into its protected-mode code."""
    setup = bytearray(3 * 512)
    setup[0x1F1] = 2
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<II", setup, 0x248, 16, len(payload))
    return bytes(setup) + bytes(16) + payload


ELF = b"\x7fELF" + bytes(range(256))


def test_the_kernel_is_unpacked() -> None:
    packed = lzma.compress(ELF) + struct.pack("<I", len(ELF))
    assert kernel.unpacked(bz_image(packed)) == ELF


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_repacked_kernel_is_where_the_header_says(before: bytes, after: bytes) -> None:
    image = bz_image(before)
    found = kernel.repacked(image, after, 4711)
    offset, length = struct.unpack_from("<II", found, 0x248)
    assert found[3 * 512 + offset :][:length] == after + struct.pack("<I", 4711)
    assert 3 * 512 + 16 * struct.unpack_from("<I", found, 0x1F4)[0] == len(found)
    # But for what the header says of the payload it is the same.
    assert found[:0x1F4] == image[:0x1F4] and found[0x250 : 3 * 512 + 16] == image[0x250 : 3 * 512 + 16]


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (bytes(4096), "no bzImage"),
        (bz_image(b"\x1f\x8b" + bytes(64)), "not packed with xz"),
        (bz_image(lzma.compress(b"text")), "no ELF file"),
    ],
)
def test_another_kernel_is_refused(image: bytes, said: str) -> None:
    with pytest.raises(LabError, match=said):
        kernel.unpacked(image)


def test_the_machine_has_the_cards_and_others_to_boot_and_to_log_in() -> None:
    devices = options(hardware.command_line(FILES, 2222), "-device")
    assert [each.split(",")[0] for each in devices] == [
        "intel-iommu", "virtio-blk-pci", "virtio-net-pci", "e1000", "e1000", "e1000e", "rtl8139", "e1000",
        "pcie-root-port", "nvme",
    ]  # fmt: skip
    (rtl8139,) = [each for each in devices if each.startswith("rtl8139")]
    assert ",addr=06.0," in rtl8139 and rtl8139.endswith(",multifunction=on")
    assert any(each.startswith("e1000,") and ",addr=06.1," in each for each in devices)
    assert "nvme,drive=nvme,bus=root-port,serial=xen-lab" in devices


def test_no_two_devices_share_a_place_or_an_ethernet_address() -> None:
    devices = options(hardware.command_line(FILES, 2222), "-device")
    for key in ("addr=", "mac=", "netdev="):
        values = [part for each in devices for part in each.split(",") if part.startswith(key)]
        assert len(values) == len(set(values))


def test_only_the_management_card_is_reached_from_outside_and_none_leads_out() -> None:
    networks = options(hardware.command_line(FILES, 2222), "-netdev")
    assert all("restrict=on" in each for each in networks)
    assert [each for each in networks if "hostfwd" in each] == [
        "user,id=net2,restrict=on,net=10.0.2.0/24,hostfwd=tcp:127.0.0.1:2222-:22"
    ]


def test_a_machine_without_an_iommu_is_the_same_but_for_it() -> None:
    with_it, without = (hardware.command_line(FILES, 2222, iommu) for iommu in (True, False))
    assert [each for each in with_it if each not in without] == ["intel-iommu,intremap=on"]


def test_ssh_knows_the_machine_by_its_key_only() -> None:
    text = hardware.ssh_config(Path("/a b/key"), Path("/a b/hosts"), 4022)
    assert text.splitlines()[0] == "Host xen-lab"
    assert '    IdentityFile "/a b/key"' in text.splitlines()
    assert "    StrictHostKeyChecking yes" in text.splitlines()
    assert "    Port 4022" in text.splitlines()


def test_progress_is_read_from_the_serial_port() -> None:
    lines = SERIAL.splitlines(keepends=True)
    seen = [[each.name for each in progress.stages_reached("".join(lines[:count]))] for count in range(len(lines) + 1)]
    names = [each.name for each in progress.STAGES]
    assert seen == [names[:count] for count in range(len(lines) + 1)]


def test_a_reboot_begins_anew() -> None:
    assert [each.name for each in progress.stages_reached(SERIAL + "\nLoading Xen 4.17-amd64 ...\n")] == ["GRUB"]
