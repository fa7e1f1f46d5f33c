# Copyright (c) 2026, xen.pciback contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything is as it was before the first run: files, the initramfs' content, drivers, xenstore."""

from __future__ import annotations


def test_dom0_is_as_it_was(picture):
    before, after = (
        [line for line in picture(name) if "  /boot/initrd.img" not in line] for name in ("fresh", "given-back")
    )
    assert after == before
