# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What dom0 is made of: Debian's packages, which of their files are left out, and where apt gets them.

The sources are this machine's own: apt's, whatever they are, as far as they are Debian's.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from ..errors import LabError

PACKAGES = (
    "busybox-static",
    "grub-pc-bin",
    "grub2-common",
    "ifupdown",
    "initramfs-tools",
    "iproute2",
    "kmod",
    "linux-image-amd64",
    "openssh-server",
    "pciutils",
    "procps",
    "python3",
    "sysvinit-core",
    "udev",
    "xen-hypervisor-4.17-amd64",
    "xen-utils-4.17",
    "xenstore-utils",
    "zstd",
)
LEFT_OUT = (
    "/boot/xen-*.config",
    "/boot/xen-*.efi",
    "/usr/share/bug/*",
    "/usr/share/doc/*",
    "/usr/share/info/*",
    "/usr/share/lintian/*",
    "/usr/share/locale/*",
    "/usr/share/man/*",
    "/lib/modules/*/kernel/*",
)
# Of the kernel's modules, those that the machine, its cards, Xen's backends and the guests' frontends need.
KERNEL_MODULES = (
    "arch/*",
    "block/*",
    "crypto/*",
    "drivers/block/virtio_blk.ko",
    "drivers/block/xen-blk*",
    "drivers/net/ethernet/intel/e1000/*",
    "drivers/net/ethernet/intel/e1000e/*",
    "drivers/net/ethernet/realtek/*",
    "drivers/net/mii.ko",
    "drivers/net/mdio/*",
    "drivers/net/net_failover.ko",
    "drivers/net/phy/*",
    "drivers/net/virtio_net.ko",
    "drivers/net/xen-net*",
    "drivers/nvme/common/*",
    "drivers/nvme/host/*",
    "drivers/pci/*",
    "drivers/pps/*",
    "drivers/ptp/*",
    "drivers/virtio/*",
    "drivers/xen/*",
    "fs/ext4/*",
    "fs/jbd2/*",
    "fs/mbcache.ko",
    "lib/*",
    "net/802/*",
    "net/8021q/*",
    "net/bridge/*",
    "net/core/*",
    "net/llc/*",
)
_FIELD = re.compile(r"^([A-Za-z-]+): ?(.*)$")


def dpkg_options() -> list[str]:
    """dpkg's options that keep out what dom0 never reads; a later one prevails."""
    included = [f"path-include=/lib/modules/*/kernel/{path}" for path in KERNEL_MODULES]
    return [f"path-exclude={path}" for path in LEFT_OUT] + included


def stanzas(text: str) -> list[dict[str, str]]:
    """The stanzas of apt's answers: fields by name, continuation lines dropped."""
    found: list[dict[str, str]] = [{}]
    for line in text.splitlines():
        if not line.strip():
            found.append({})
        elif matched := _FIELD.match(line):
            found[-1][matched[1]] = matched[2]
    return [each for each in found if each]


def debian_source_files(targets: str) -> list[str]:
    """The files of apt's sources that name Debian's main archive, from ``apt-get indextargets``.

    :raises LabError: there is none.
    """
    files = {
        stanza["Sourcesentry"].rpartition(":")[0]
        for stanza in stanzas(targets)
        if stanza.get("Origin") == "Debian" and stanza.get("Component") == "main" and "Sourcesentry" in stanza
    }
    if not files:
        raise LabError("apt has no lists of a Debian archive; run apt-get update on a Debian 12")
    return sorted(files)


def versions(answer: str, wanted: Iterable[str] = PACKAGES) -> dict[str, str]:
    """Each wanted package's version, from ``apt-cache show --no-all-versions``.

    :raises LabError: apt knows one of them not.
    """
    known = {stanza["Package"]: stanza["Version"] for stanza in stanzas(answer) if "Version" in stanza}
    missing = sorted(set(wanted) - set(known))
    if missing:
        raise LabError(f"apt does not know {', '.join(missing)}; the lab is made of Debian 12's packages")
    return {name: known[name] for name in sorted(set(wanted))}


def cache_key(files: Mapping[str, bytes], package_versions: Mapping[str, str]) -> str:
    """Sixteen hexadecimal digits that change with any file of the lab and any package's version."""
    digest = hashlib.sha256()
    for kind, items in (
        ("file", {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}),
        ("package", package_versions),
    ):
        for name in sorted(items):
            digest.update(f"{kind}\0{name}\0{items[name]}\0".encode())
    return digest.hexdigest()[:16]


def lab_files(directory: Path) -> dict[str, bytes]:
    """Every file that decides what is built, by its path below the lab's directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def available() -> dict[str, str]:
    """The versions that apt would install now; it reads its lists, not the network.

    :raises LabError: apt is not there, or knows one of the packages not.
    """
    return versions(_ask(["apt-cache", "show", "--no-all-versions", *PACKAGES]))


def sources() -> list[str]:
    """The files of apt's sources to install from.

    :raises LabError: there is none.
    """
    return debian_source_files(_ask(["apt-get", "indextargets", "Created-By: Packages"]))


def acquire_options() -> list[str]:
    """How apt reaches the archive here: proxies, time-outs, checks of dates."""
    kept = ("Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries", "Acquire::Max-")
    return [
        line.rstrip(";")
        for line in _ask(["apt-config", "dump", "Acquire"]).splitlines()
        if line.startswith(kept) and not line.endswith('"";')
    ]


def _ask(argv: Sequence[str]) -> str:
    try:
        return subprocess.run(argv, check=False, capture_output=True, text=True).stdout
    except FileNotFoundError:
        raise LabError(f"{argv[0]} is not on this machine: the lab is made of Debian's packages") from None
