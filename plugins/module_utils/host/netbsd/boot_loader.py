# Copyright (c) 2026, xen.pciback contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause
"""Which loaders a NetBSD host may have: what it boots with is not what is installed beside the kernel."""

from __future__ import annotations

import os
import re

from ansible_collections.xen.pciback.plugins.module_utils.errors import PcibackError
from ansible_collections.xen.pciback.plugins.module_utils.formats.boot_cfg.loader import EITHER, Loaders, loaders_of
from ansible_collections.xen.pciback.plugins.module_utils.host.files import read_file
from ansible_collections.xen.pciback.plugins.module_utils.host.netbsd.bus import kernel_messages
from ansible_collections.xen.pciback.plugins.module_utils.host.pcibackctl import loader_root

LOADER = "boot"
"""The name of boot(8)'s second stage, at the top of the file system that the BIOS loader reads."""

# It has some 100 kB.
_MOST_BYTES = 1 << 20

# A wedge that can be an EFI system partition, whose loader is another file than /boot, and perhaps not mounted.
_EFI_PARTITION = re.compile(r"^dk[0-9]+ at .*, type: msdos\s*$", re.MULTILINE)


def possible_loaders(config_path: str) -> Loaders:
    """The loaders that may read a boot configuration at this host's next boot; in doubt, any."""
    root = loader_root(config_path)
    if root is None or may_boot_by_efi():
        return EITHER
    try:
        return loaders_of(read_file(os.path.join(root, LOADER), limit=_MOST_BYTES))
    except PcibackError:
        return EITHER


def may_boot_by_efi() -> bool:
    """Whether there is a partition that the firmware may boot another loader from, with a boot.cfg of its own."""
    return _EFI_PARTITION.search(kernel_messages()) is not None
