# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the guests' initramfs."""

from __future__ import annotations

import pytest
from xen.errors import LabError
from xen.image import guest


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
